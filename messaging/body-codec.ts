import type { TransportMessage } from './transport';

/**
 * Turns what travelled into what was meant: claim check and client-side encryption implement this.
 *
 * A consumer applies its claim check first, then its encryption (a producer the other way round).
 */
export interface BodyCodec {
  /**
   * @param body what the codec before this one made of the message's body
   * @param message the message as received
   * @returns the decoded body; return `body` itself when the message does not concern this codec
   * @throws PermanentError when it can never be decoded: the message is quarantined. Any other error: it comes back later.
   */
  decode(body: string, message: TransportMessage): Promise<string>;
  /**
   * Called once the message is deleted from the queue, and only then: what it pointed at may go now. Not called for a
   * message that was quarantined, as its copy in the dead-letter queue points at the same.
   * A rejection is logged and otherwise ignored.
   */
  afterDelete?(message: TransportMessage): Promise<void>;
}
