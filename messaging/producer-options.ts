import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Clock } from './clock';
import { OptionsError } from './consumer-options';
import type { Logger } from './logger';
import type { SendEntry, SqsTransport } from './transport';

/** What an encoder is told about the queue. */
export interface QueueAddress {
  readonly queueUrl: string;
  readonly fifo: boolean;
}

/** Changes a message before it is sent; encryption, claim check and tracing implement this. */
export interface BodyEncoder {
  /** Attributes that it may add. */
  readonly extraAttributes: number;
  /**
   * What it makes must not be shared by two messages: when the answer to a send was lost, and the repetition may make a second
   * message, it encodes anew. @default false
   */
  readonly isExclusive?: boolean;
  /**
   * @returns the entry to send; `entry` itself when it does not concern this encoder
   * @throws SendError when the message must not be sent like this
   */
  encode(entry: SendEntry, queue: QueueAddress): Promise<SendEntry>;
}

/** What a producer needs. */
export interface ProducerOptions {
  /** An `SQSClient`, or a transport. The producer repeats failed calls itself: `createSqsClient` makes a client that does not. */
  readonly sqs: SqsTransport | SQSClient;
  /** URL of the queue; one that ends in `.fifo` is a FIFO queue. */
  readonly queueUrl: string;
  /**
   * How long a message may wait for others to share its request, milliseconds.
   *
   * @default 0 - only those sent in the same turn of the event loop, and while all requests are under way
   */
  readonly lingerMs?: number;
  /** Requests under way at the same time, 1 to 1000. @default 10 */
  readonly maxConcurrentRequests?: number;
  /**
   * A message that cannot be sent for so long fails, milliseconds, 1 to 240000 (a repetition after the 5 minutes of
   * FIFO deduplication would be a second message).
   *
   * @default 60000
   */
  readonly giveUpAfterMs?: number;
  /** A request without an answer counts as failed after this time, milliseconds. @default 10000 */
  readonly requestTimeoutMs?: number;
  /** Adds the active trace to the attributes; `traceProducer()`. @default - no trace */
  readonly tracing?: BodyEncoder;
  /** Encrypts bodies; `new ClientSideEncryption(...)`. @default - bodies are sent as they are */
  readonly encryption?: BodyEncoder;
  /** Puts large bodies elsewhere; `new ClaimCheck(...)`. @default - a body above 1 MiB is refused */
  readonly claimCheck?: BodyEncoder;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default silentLogger */
  readonly logger?: Logger;
  /** From 0 to below 1, for jitter. @default Math.random */
  readonly random?: () => number;
}

/** Checks everything at once. @throws OptionsError */
export function checkProducerOptions(options: ProducerOptions): void {
  const found: string[] = [];
  if (!URL.canParse(options.queueUrl)) found.push(`'queueUrl' (${options.queueUrl}) must be the URL of the queue`);
  const check = (name: keyof ProducerOptions, min: number, max: number, unit: string): void => {
    const value = options[name];
    if (value !== undefined && !(typeof value === 'number' && value >= min && value <= max))
      found.push(`'${name}' (${String(value)} ${unit}) must be ${min} to ${max} ${unit}`);
  };
  check('lingerMs', 0, 60_000, 'ms');
  check('maxConcurrentRequests', 1, 1_000, 'requests');
  check('giveUpAfterMs', 1, 240_000, 'ms');
  check('requestTimeoutMs', 1, 240_000, 'ms');
  if (found.length > 0) throw new OptionsError(found);
}
