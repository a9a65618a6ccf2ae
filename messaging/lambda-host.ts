import { randomUUID } from 'node:crypto';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { delay, systemClock, type Clock } from './clock';
import type { BodyCodec } from './body-codec';
import {
  HandlerTimeoutError,
  PermanentError,
  type Handler,
  type HandlerContext,
  type ReceivedMessage,
} from './handler';
import type { IdempotencyOptions } from './idempotency';
import { beginClaim, settleClaim } from './idempotency-claim';
import type { Logger } from './logger';
import { createJsonLogger } from './json-logger';
import { quarantineEntry } from './quarantine';
import { toTransport } from './sdk-transport';
import { parseBody, type StandardSchema } from './schema';
import type { MessageAttribute, SqsTransport, TransportMessage } from './transport';

/** The part of Lambda's `SQSEvent` that is used; the type of `@types/aws-lambda` fits. */
export interface LambdaSqsEvent {
  readonly Records: readonly LambdaSqsRecord[];
}

/** One message of an `SQSEvent`. */
export interface LambdaSqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: {
    readonly ApproximateReceiveCount: string;
    readonly SentTimestamp: string;
    readonly SenderId?: string;
    readonly ApproximateFirstReceiveTimestamp?: string;
    readonly MessageGroupId?: string;
    readonly MessageDeduplicationId?: string;
    readonly SequenceNumber?: string;
    readonly AWSTraceHeader?: string;
  };
  readonly messageAttributes: Readonly<
    Record<string, { readonly dataType: string; readonly stringValue?: string; readonly binaryValue?: string }>
  >;
  readonly eventSourceARN: string;
}

/** The part of Lambda's `Context` that is used. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** What the function answers; the event source mapping must have `ReportBatchItemFailures`. */
export interface LambdaSqsResponse {
  batchItemFailures: Array<{ itemIdentifier: string }>;
}

/** How a handler runs in Lambda. */
export interface LambdaHandlerOptions<T = string> {
  /** Any Standard Schema validator; the body must then be JSON. */
  readonly schema?: StandardSchema<T>;
  /** Where poison messages go, with the reason. @default - they fail until SQS's own redrive moves them */
  readonly deadLetterQueue?: { readonly sqs: SqsTransport | SQSClient; readonly queueUrl: string };
  readonly idempotency?: IdempotencyOptions<T>;
  /** Fetches large bodies. Their objects are left to a lifecycle rule: here nobody learns when SQS deleted the message. */
  readonly claimCheck?: BodyCodec;
  readonly encryption?: BodyCodec;
  /** Messages of a standard queue, or groups of a FIFO queue, that run at the same time. @default - the whole batch */
  readonly concurrency?: number;
  /**
   * Time before Lambda's own timeout when handlers are told to stop, milliseconds. What they finish after that still counts,
   * up to half a second before the timeout, or a quarter of this time if that is less.
   * @default 2000
   */
  readonly marginMs?: number;
  /** @default - JSON lines on standard output */
  readonly logger?: Logger;
  /** @default systemClock */
  readonly clock?: Clock;
}

/**
 * Makes a Lambda function of a handler: the same handler, with the same errors, runs in a consumer and in Lambda.
 *
 * What fails, or is not done shortly before the function's timeout, is reported in `batchItemFailures`, everything else is
 * deleted. In a FIFO queue the messages of a group run one after the other; once one of them fails, the rest of the group is
 * reported without being run, so the order holds.
 */
export function toLambdaHandler<T = string>(
  handler: Handler<T>,
  options: LambdaHandlerOptions<T> = {},
): (event: LambdaSqsEvent, context: LambdaContext) => Promise<LambdaSqsResponse> {
  const { clock = systemClock, logger = createJsonLogger(), marginMs = 2_000, deadLetterQueue } = options;
  const graceMs = marginMs - Math.min(ANSWER_MS, marginMs / 4);
  const dead = deadLetterQueue && { ...deadLetterQueue, sqs: toTransport(deadLetterQueue.sqs) };
  return async (event, context) => {
    const budgetMs = Math.max(0, context.getRemainingTimeInMillis() - marginMs);
    const controller = new AbortController();
    const run: Run<T> = {
      handler,
      options,
      dead,
      clock,
      logger,
      signal: controller.signal,
      leaseUntilMs: clock.wallClock() + budgetMs + marginMs,
    };
    const failed = new Set(event.Records.map(({ messageId }) => messageId));
    const lines = toLines(event.Records);
    const workers = Array.from({ length: Math.min(options.concurrency ?? lines.length, lines.length) }, async () => {
      for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
        for (const record of line) {
          if (controller.signal.aborted || !(await handleRecord(run, record))) break;
          failed.delete(record.messageId);
        }
      }
    });
    const over = new AbortController();
    void delay(clock, budgetMs, over.signal).then(() => {
      if (!over.signal.aborted) controller.abort(new HandlerTimeoutError('the Lambda function is about to time out'));
    });
    // What is done by then counts, be it done after the signal.
    await Promise.race([Promise.all(workers), delay(clock, budgetMs + graceMs, over.signal)]);
    over.abort();
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

/** Kept for the answer on its way to Lambda. */
const ANSWER_MS = 500;

interface Run<T> {
  readonly handler: Handler<T>;
  readonly options: LambdaHandlerOptions<T>;
  readonly dead: { readonly sqs: SqsTransport; readonly queueUrl: string } | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly leaseUntilMs: number;
}

/** What may run side by side: on FIFO each group is a line, on a standard queue each message. */
function toLines(records: readonly LambdaSqsRecord[]): LambdaSqsRecord[][] {
  const lines = new Map<string, LambdaSqsRecord[]>();
  for (const record of records) {
    // Only FIFO messages have a sequence number; a group id alone is the tenant of a fair queue.
    const { SequenceNumber, MessageGroupId } = record.attributes;
    const key = SequenceNumber === undefined ? `message ${record.messageId}` : `group ${MessageGroupId}`;
    const line = lines.get(key);
    if (line === undefined) lines.set(key, [record]);
    else line.push(record);
  }
  return [...lines.values()];
}

/** Never rejects. @returns whether the message may be deleted */
async function handleRecord<T>(run: Run<T>, record: LambdaSqsRecord): Promise<boolean> {
  const { logger } = run;
  const { messageId } = record;
  const message = toTransportMessage(record);
  try {
    await handleOnce(run, record, message);
    return true;
  } catch (error) {
    logger.error({ err: error, messageId }, 'a message failed');
    // Of one that was told to stop, what it threw then says nothing about the message.
    const poison = error instanceof PermanentError && !run.signal.aborted;
    return poison && (await quarantine(run, message, error));
  }
}

async function handleOnce<T>(run: Run<T>, record: LambdaSqsRecord, message: TransportMessage): Promise<void> {
  const { handler, options, logger, signal, leaseUntilMs } = run;
  const { messageId } = message;
  let text = message.body;
  for (const codec of [options.claimCheck, options.encryption]) text = (await codec?.decode(text, message)) ?? text;
  const body = options.schema ? await parseBody(options.schema, text, messageId) : (text as T);
  const view = toReceivedMessage(record, message, body);
  const { store, key } = options.idempotency ?? {};
  const claim = { key: key?.(view) ?? messageId, owner: randomUUID() };
  const begun = store === undefined ? 'started' : await beginClaim(store, claim, { leaseUntilMs, clock: run.clock });
  if (begun === 'done') return logger.info({ messageId }, 'a duplicate was not run again');
  if (begun !== 'started')
    throw new Error(`another owner handles this message for ${begun.busyUntilMs - run.clock.wallClock()} ms more`);
  // Lambda sets the time limit when it starts a function: nothing can extend it.
  const context: HandlerContext = { signal, logger: bound(logger, messageId), extend: () => undefined };
  let succeeded = false;
  try {
    // The store, the decoding and the validator took time too.
    signal.throwIfAborted();
    await handler(view, context);
    succeeded = true;
  } finally {
    if (store !== undefined) await settleClaim(store, claim, { succeeded, messageId, clock: run.clock, logger });
  }
}

async function quarantine<T>(run: Run<T>, message: TransportMessage, error: PermanentError): Promise<boolean> {
  const { dead } = run;
  if (dead === undefined) return false;
  try {
    const [outcome] = await dead.sqs.sendBatch(dead.queueUrl, [quarantineEntry(message, error)]);
    return outcome !== undefined && outcome.failure === undefined;
  } catch (cause) {
    run.logger.error({ err: cause, messageId: message.messageId }, 'a poison message could not be quarantined');
    return false;
  }
}

function toTransportMessage({
  messageId,
  receiptHandle,
  body,
  attributes,
  messageAttributes,
}: LambdaSqsRecord): TransportMessage {
  return {
    messageId,
    receiptHandle,
    body,
    attributes: Object.fromEntries(
      Object.entries(messageAttributes).map(
        ([name, { dataType, stringValue, binaryValue }]): [string, MessageAttribute] => [
          name,
          {
            type: dataType,
            value: binaryValue === undefined ? (stringValue ?? '') : Buffer.from(binaryValue, 'base64'),
          },
        ],
      ),
    ),
    receiveCount: Number(attributes.ApproximateReceiveCount),
    sentAtMs: Number(attributes.SentTimestamp),
    groupId: attributes.MessageGroupId,
    deduplicationId: attributes.MessageDeduplicationId,
    sequenceNumber: attributes.SequenceNumber,
    traceHeader: attributes.AWSTraceHeader,
  };
}

function toReceivedMessage<T>({ attributes }: LambdaSqsRecord, message: TransportMessage, body: T): ReceivedMessage<T> {
  const { messageId, receiveCount, sentAtMs, groupId, deduplicationId, sequenceNumber } = message;
  const first = attributes.ApproximateFirstReceiveTimestamp;
  return {
    messageId,
    body,
    attributes: Object.fromEntries(Object.entries(message.attributes).map(([name, { value }]) => [name, value])),
    receiveCount,
    sentAtMs,
    ...(first !== undefined && { firstReceivedAtMs: Number(first) }),
    ...(attributes.SenderId !== undefined && { senderId: attributes.SenderId }),
    ...(groupId !== undefined && { groupId }),
    ...(deduplicationId !== undefined && { deduplicationId }),
    ...(sequenceNumber !== undefined && { sequenceNumber }),
  };
}

function bound(logger: Logger, messageId: string): Logger {
  const bind = (level: keyof Logger) => (fields: object, text?: string) =>
    logger[level]({ messageId, ...fields }, text);
  return { debug: bind('debug'), info: bind('info'), warn: bind('warn'), error: bind('error') };
}
