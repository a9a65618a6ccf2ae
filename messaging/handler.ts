import type { Logger } from './logger';

/** One received message, as a handler sees it. */
export interface ReceivedMessage<T = string> {
  /** SQS message id; the same at each redelivery. */
  readonly messageId: string;
  /** The body: the text as sent, or what the validator made of it. */
  readonly body: T;
  /** Message attributes, string and number values as text, binary ones as bytes. */
  readonly attributes: Readonly<Record<string, string | Uint8Array>>;
  /** Approximate number of receives, 1 on the first. */
  readonly receiveCount: number;
  /** When the message was sent, milliseconds since 1970. */
  readonly sentAtMs: number;
  /** When the message was received for the first time, milliseconds since 1970. From a transport `withOrigin`, and in Lambda. */
  readonly firstReceivedAtMs?: number;
  /** Principal that sent the message: an IAM user or role id, or an account id. From a transport `withOrigin`, and in Lambda. */
  readonly senderId?: string;
  /** FIFO group, or the fair-queue tenant on a standard queue. */
  readonly groupId?: string;
  /** Deduplication id of a FIFO message. */
  readonly deduplicationId?: string;
  /** Sequence number of a FIFO message: decimal digits, compare as BigInt. */
  readonly sequenceNumber?: string;
}

/** What a handler is given besides the message. */
export interface HandlerContext {
  /**
   * Aborts when the lease was lost, the handler's time is over, or the drain budget is spent. A handler that stops then must throw,
   * as `signal.throwIfAborted()` does: one that resolves has done its work, and its message is deleted while the lease holds.
   */
  readonly signal: AbortSignal;
  /** Logger with the message's id bound. */
  readonly logger: Logger;
  /** Asks for at least `seconds` more before the handler's own timeout fires; the lease is renewed without it. */
  extend(seconds: number): void;
}

/**
 * Handles one message. Resolve: the message is deleted. Throw `PermanentError`: it goes to the dead-letter queue with the reason.
 * Throw anything else: it comes back after a backoff.
 */
export type Handler<T = string> = (message: ReceivedMessage<T>, context: HandlerContext) => Promise<void>;

/** What a batch handler is given besides the messages. */
export interface BatchContext {
  /** Aborts when the handler's time is over or the drain budget is spent. Who stops then must throw, or report what was not done. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Asks for at least `seconds` more before the handler's own timeout fires. */
  extend(seconds: number): void;
}

/** What went wrong with some messages of a batch; all others succeeded. */
export interface BatchResult {
  readonly failures: ReadonlyArray<{ readonly messageId: string; readonly error?: unknown }>;
}

/**
 * Handles several messages of a standard queue at once. Resolve: all are deleted but the `failures`, which count as if a handler
 * had thrown their error. Throw: it counts for all of them.
 */
export type BatchHandler<T = string> = (
  messages: ReadonlyArray<ReceivedMessage<T>>,
  context: BatchContext,
) => Promise<BatchResult | void>;

/** Base of the errors that the runtime raises; decide on the class, never on the text. */
export class WorkerError extends Error {
  override name = 'WorkerError';
  constructor(
    message: string,
    /** The message concerned, where there is one. */
    readonly messageId?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Thrown by a handler: this message can never succeed. It is sent to the dead-letter queue with the reason, then deleted. */
export class PermanentError extends WorkerError {
  override name = 'PermanentError';
}

/** Thrown by a handler: give the message back at once, without counting it as a failure of the handler (visibility 0). */
export class ReleaseError extends WorkerError {
  override name = 'ReleaseError';
}

/** The abort reason when another consumer may already have the message. */
export class LeaseLostError extends WorkerError {
  override name = 'LeaseLostError';
}

/** The abort reason when the handler took longer than its timeout. */
export class HandlerTimeoutError extends WorkerError {
  override name = 'HandlerTimeoutError';
}

/** The abort reason when a drain's budget is spent. */
export class DrainError extends WorkerError {
  override name = 'DrainError';
  constructor(
    message: string,
    messageId?: string,
    /** Milliseconds from the abort on: a handler that has not stopped by then has its message given back, and it may run elsewhere. */
    readonly stopWithinMs?: number,
  ) {
    super(message, messageId);
  }
}
