import type { SQSClient } from '@aws-sdk/client-sqs';
import type { BodyCodec } from './body-codec';
import type { Clock } from './clock';
import { WorkerError, type BatchHandler, type Handler } from './handler';
import type { IdempotencyOptions } from './idempotency';
import type { Logger } from './logger';
import type { ConsumerObserver } from './observer';
import type { Backoff } from './retry';
import type { StandardSchema } from './schema';
import type { SqsTransport } from './transport';

/** What a consumer is made of. `T` is the type of the decoded body. */
export interface ConsumerOptions<T = string> {
  /** An `SQSClient`, or a transport (`sdkTransport(client)`, `leanTransport(...)`, a fake). */
  readonly sqs: SqsTransport | SQSClient;
  /** A URL that ends in `.fifo` makes a FIFO consumer. */
  readonly queueUrl: string;
  /** Handles one message. Exactly one of `handler` and `batchHandler`. */
  readonly handler?: Handler<T>;
  /** Handles up to `batchSize` messages at once; standard queues only. */
  readonly batchHandler?: BatchHandler<T>;
  /**
   * Most messages that one call of `batchHandler` gets, 1 to 10,000.
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * Calls of the handler that run at the same time, 1 to 10,000.
   * @default 1
   */
  readonly concurrency?: number;
  /**
   * Messages held besides the running ones, so that a free slot need not wait for a receive, 0 to 100,000. They are hidden from
   * other workers meanwhile.
   * @default - 0; on FIFO 9 x concurrency, because one receive may bring ten messages of one group
   */
  readonly prefetch?: number;
  /**
   * How soon the message of a dead worker comes back: 2 to 43,200 seconds. It is renewed while the work goes on, so it need
   * not be as long as the work.
   * @default 30
   */
  readonly visibilityTimeoutSeconds?: number;
  /**
   * Long poll, 0 to 20 seconds.
   * @default 20
   */
  readonly waitTimeSeconds?: number;
  /**
   * When a handler is told to stop, 0.001 seconds or more. Its message is not given back before it did stop.
   * @default - no limit but the message's 12 hours
   */
  readonly handlerTimeoutSeconds?: number;
  /**
   * How long a message may wait at SQS for others to share a receive with, 0 to 20,000 milliseconds.
   * @default 0
   */
  readonly latencyBudgetMs?: number;
  /**
   * How long a finished message may wait for others to share a delete with, 0 to 10,000 milliseconds. Work that took longer
   * than this is deleted within 20 ms, since to repeat it would cost more than a request. 0 on FIFO.
   * @default - 1000, or twice the latency budget if that is more
   */
  readonly deleteLingerMs?: number;
  /** Where poison messages go, with the reason. Without it they come back with the longest backoff until SQS's own redrive moves them. */
  readonly deadLetterQueueUrl?: string;
  /** How long a failed message stays away. */
  readonly backoff?: Backoff;
  /**
   * FIFO: how often a failed head is tried again here, with backoff, before its group is given back, 0 to 100.
   * @default 2
   */
  readonly inPlaceRetries?: number;
  /**
   * FIFO: a head that fails is never passed by, not even as poison: its group stands until it succeeds. Other groups go on.
   * @default false
   */
  readonly stopTheLine?: boolean;
  /**
   * @default - whether the queue's URL ends in `.fifo`
   */
  readonly fifo?: boolean;
  /** Any Standard Schema validator; the body must then be JSON, and the handler gets what the validator makes of it. */
  readonly schema?: StandardSchema<T>;
  readonly idempotency?: IdempotencyOptions<T>;
  /** Fetches large bodies from elsewhere. Applied before `encryption`. */
  readonly claimCheck?: BodyCodec;
  /** Decrypts bodies. */
  readonly encryption?: BodyCodec;
  readonly clock?: Clock;
  /** 0 (included) to 1 (excluded), for jitter. */
  readonly random?: () => number;
  readonly logger?: Logger;
  readonly observer?: ConsumerObserver;
}

/** Options that can not work, all of them at once. */
export class OptionsError extends WorkerError {
  override name = 'OptionsError';
  constructor(
    /** One line for each broken rule, with value and unit. */
    readonly violations: readonly string[],
  ) {
    super(
      violations.length === 1
        ? (violations[0] ?? '')
        : `${violations.length} options are not valid:\n${violations.map((v) => `  - ${v}`).join('\n')}`,
    );
  }
}

/** Numbers of {@link ConsumerOptions}: least, most, unit, and whether they must be whole. */
const RANGES = {
  concurrency: [1, 10_000, 'handler calls', true, 'one worker of one queue needs no more'],
  batchSize: [1, 10_000, 'messages', true, 'it is the most that one call of the handler gets'],
  prefetch: [0, 100_000, 'messages', true, 'messages that wait here are hidden from other workers'],
  visibilityTimeoutSeconds: [
    2,
    43_200,
    'seconds',
    true,
    'a shorter one can not be renewed in time, SQS allows 12 hours',
  ],
  waitTimeSeconds: [0, 20, 'seconds', true, 'SQS allows no longer poll'],
  handlerTimeoutSeconds: [0.001, 43_200, 'seconds', false, 'SQS takes a message back after 12 hours at the latest'],
  latencyBudgetMs: [0, 20_000, 'milliseconds', false, 'a longer wait belongs into the delivery delay of the queue'],
  deleteLingerMs: [0, 10_000, 'milliseconds', false, 'all that waits is run again when the process dies'],
  inPlaceRetries: [0, 100, 'tries', true, 'set stopTheLine to go on for ever'],
} as const;

const BACKOFF_RANGES = {
  baseSeconds: [0, 43_200, 'seconds'],
  factor: [1, 100, 'times'],
  maxSeconds: [0, 43_200, 'seconds'],
  jitter: [0, 1, 'of the delay'],
} as const;

/** Checks everything at once. @throws OptionsError */
export function checkConsumerOptions<T>(options: ConsumerOptions<T>): void {
  const found: string[] = [];
  for (const name of Object.keys(RANGES) as Array<keyof typeof RANGES>) {
    const [min, max, unit, whole, advice] = RANGES[name];
    const value = options[name];
    if (value === undefined) continue;
    if (!inRange(value, min, max) || (whole && !Number.isInteger(value))) {
      found.push(
        `'${name}' (${value} ${unit}) must be ${whole ? 'a whole number ' : ''}from ${min} to ${max} ${unit}: ${advice}`,
      );
    }
  }
  for (const name of Object.keys(BACKOFF_RANGES) as Array<keyof typeof BACKOFF_RANGES>) {
    const [min, max, unit] = BACKOFF_RANGES[name];
    const value = options.backoff?.[name];
    if (value !== undefined && !inRange(value, min, max)) {
      found.push(
        `'backoff.${name}' (${value} ${unit}) must be from ${min} to ${max} ${unit}: SQS hides no message longer`,
      );
    }
  }
  const { queueUrl, handler, batchHandler } = options;
  if (!isUrl(queueUrl)) found.push(`'queueUrl' (${queueUrl}) must be the queue's URL: ask GetQueueUrl for it`);
  if (options.deadLetterQueueUrl !== undefined) {
    const { deadLetterQueueUrl } = options;
    if (!isUrl(deadLetterQueueUrl)) {
      found.push(`'deadLetterQueueUrl' (${deadLetterQueueUrl}) must be the queue's URL: ask GetQueueUrl for it`);
    } else if (deadLetterQueueUrl === queueUrl) {
      found.push(
        `'deadLetterQueueUrl' (${deadLetterQueueUrl}) must differ from 'queueUrl': poison would come straight back`,
      );
    }
  }
  if ((handler === undefined) === (batchHandler === undefined)) {
    found.push(`exactly one of 'handler' and 'batchHandler' must be given: ${handler ? 'both are' : 'none is'}`);
  }
  const fifo = isFifo(options);
  if (fifo && batchHandler)
    found.push(`'batchHandler' must not be given for a FIFO queue: use 'handler', its groups run side by side`);
  if (!fifo && options.stopTheLine)
    found.push(`'stopTheLine' (true) must be false on a standard queue: it has no lines to stop`);
  if (!fifo && options.inPlaceRetries !== undefined) {
    found.push(
      `'inPlaceRetries' (${options.inPlaceRetries} tries) must not be given for a standard queue: it keeps no order`,
    );
  }
  if (options.sqs === undefined || options.sqs === null)
    found.push(`'sqs' must be an SQSClient or an SqsTransport: it is missing`);
  if (found.length > 0) throw new OptionsError(found);
}

/** Whether the queue is a FIFO queue, by the option or by its name. */
export const isFifo = (options: Pick<ConsumerOptions, 'fifo' | 'queueUrl'>): boolean =>
  options.fifo ?? (typeof options.queueUrl === 'string' && options.queueUrl.endsWith('.fifo'));

const inRange = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' && value >= min && value <= max;

const isUrl = (value: unknown): boolean =>
  typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value);
