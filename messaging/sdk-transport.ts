import type * as Sqs from '@aws-sdk/client-sqs';
import { classifyEntry, plainCode, toSqsError } from './sqs-errors';
import { Sha256 } from './sdk-checksum';
import { sqsSdk } from './sqs-sdk';
import type {
  EntryFailure,
  MessageAttribute,
  SendEntry,
  SendOutcome,
  SqsTransport,
  TransportMessage,
} from './transport';

/** What a consumer wants to know of each message; asking for less makes smaller answers. */
export const SYSTEM_ATTRIBUTES = [
  'ApproximateReceiveCount',
  'SentTimestamp',
  'MessageGroupId',
  'MessageDeduplicationId',
  'SequenceNumber',
  'AWSTraceHeader',
] as const;

/** The SDK copies input and output of each call for a logger that has `info`, also for its own that does nothing. */
const QUIET = { debug() {}, warn() {}, error() {} } as unknown as Sqs.SQSClientConfig['logger'];

/**
 * Makes an `SQSClient` with the settings that a consumer wants; `config` overrides them.
 *
 * - `cacheMiddleware`: the SDK resolves its middleware once per command class instead of once per call;
 * - `sha256`: its own is slower on Node 24, see `sdk-checksum.ts`;
 * - a logger without `info`: for one with it, its silent default too, the SDK copies input and output of each call;
 * - one attempt: the consumer repeats calls itself, knowing what is still worth it;
 * - a request that gets no answer within the longest poll + 5 s fails. `requestTimeout` alone would only log a warning.
 */
export function createSqsClient(config: Sqs.SQSClientConfig = {}): Sqs.SQSClient {
  const { SQSClient } = sqsSdk('createSqsClient');
  return new SQSClient({
    maxAttempts: 1,
    cacheMiddleware: true,
    sha256: Sha256,
    logger: QUIET,
    ...config,
    requestHandler: config.requestHandler ?? {
      requestTimeout: 25_000,
      throwOnRequestTimeout: true,
      connectionTimeout: 5_000,
      httpsAgent: { keepAlive: true, maxSockets: 200 },
      httpAgent: { keepAlive: true, maxSockets: 200 },
    },
  });
}

/** What few consumers want to know. */
const ORIGIN_ATTRIBUTES = ['ApproximateFirstReceiveTimestamp', 'SenderId'] as const;

/** How the SDK is used. */
export interface SdkTransportOptions {
  /** Asks also who sent a message and when it was received first. @default false */
  readonly withOrigin?: boolean;
}

/** The transport over the AWS SDK. `send` gets no options object: the SDK's middleware cache works only then. */
export function sdkTransport(client: Sqs.SQSClient, options: SdkTransportOptions = {}): SqsTransport {
  const sdk = sqsSdk('sdkTransport');
  const systemAttributes = [...SYSTEM_ATTRIBUTES, ...(options.withOrigin === true ? ORIGIN_ATTRIBUTES : [])];
  return {
    async receive(request) {
      const { Messages } = await attempt(
        client.send(
          new sdk.ReceiveMessageCommand({
            QueueUrl: request.queueUrl,
            MaxNumberOfMessages: request.maxMessages,
            VisibilityTimeout: request.visibilityTimeoutSeconds,
            WaitTimeSeconds: request.waitTimeSeconds,
            MessageSystemAttributeNames: systemAttributes,
            MessageAttributeNames: ['All'],
            ...(request.attemptId !== undefined && { ReceiveRequestAttemptId: request.attemptId }),
          }),
        ),
      );
      return Messages?.map(fromSdkMessage) ?? [];
    },
    async deleteBatch(queueUrl, receiptHandles) {
      const answer = await attempt(
        client.send(
          new sdk.DeleteMessageBatchCommand({
            QueueUrl: queueUrl,
            Entries: receiptHandles.map((ReceiptHandle, i) => ({ Id: String(i), ReceiptHandle })),
          }),
        ),
      );
      return outcomes(receiptHandles.length, answer);
    },
    async changeVisibilityBatch(queueUrl, changes) {
      const answer = await attempt(
        client.send(
          new sdk.ChangeMessageVisibilityBatchCommand({
            QueueUrl: queueUrl,
            Entries: changes.map((change, i) => ({
              Id: String(i),
              ReceiptHandle: change.receiptHandle,
              VisibilityTimeout: change.visibilityTimeoutSeconds,
            })),
          }),
        ),
      );
      return outcomes(changes.length, answer);
    },
    async sendBatch(queueUrl, entries) {
      const answer = await attempt(
        client.send(
          new sdk.SendMessageBatchCommand({
            QueueUrl: queueUrl,
            Entries: entries.map(toSdkSendEntry),
          }),
        ),
      );
      return toSendResults(entries.length, answer);
    },
    async refreshCredentials() {
      await client.config.credentials({ forceRefresh: true });
    },
  };
}

/** The transport of an option that takes either: an `SQSClient` gets one made. */
export const toTransport = (sqs: SqsTransport | Sqs.SQSClient): SqsTransport =>
  'send' in sqs && 'config' in sqs ? sdkTransport(sqs) : sqs;

/** One outcome for each of `count` sent entries. */
export function toSendResults(
  count: number,
  answer: Pick<Sqs.SendMessageBatchResult, 'Successful' | 'Failed'>,
): SendOutcome[] {
  const sent = new Map(answer.Successful?.map((s) => [s.Id, s]));
  return outcomes(count, answer).map((failure, i) => {
    if (failure !== undefined) return { failure };
    const receipt = sent.get(String(i));
    return {
      messageId: receipt?.MessageId ?? '',
      ...(receipt?.SequenceNumber !== undefined && { sequenceNumber: receipt.SequenceNumber }),
    };
  });
}

/** An entry in the SDK's shape; its id is its index. */
export const toSdkSendEntry = (entry: SendEntry, index: number): Sqs.SendMessageBatchRequestEntry => ({
  Id: String(index),
  MessageBody: entry.body,
  DelaySeconds: entry.delaySeconds,
  MessageGroupId: entry.groupId,
  MessageDeduplicationId: entry.deduplicationId,
  MessageAttributes: entry.attributes && toSdkAttributes(entry.attributes),
  ...(entry.traceHeader !== undefined && {
    MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: entry.traceHeader } },
  }),
});

const UNANSWERED: EntryFailure = {
  kind: 'transient',
  code: 'Unanswered',
  message: 'the response does not mention this entry',
};

async function attempt<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw toSqsError(error);
  }
}

/** The answer to a batch call. */
export interface BatchAnswer {
  readonly Successful?: ReadonlyArray<{ readonly Id: string | undefined }> | undefined;
  readonly Failed?: readonly Sqs.BatchResultErrorEntry[] | undefined;
}

/** One outcome for each of `count` entries. An entry that the answer does not mention has failed. */
export function outcomes(
  count: number,
  { Successful = [], Failed = [] }: BatchAnswer,
): Array<EntryFailure | undefined> {
  const result = new Array<EntryFailure | undefined>(count).fill(undefined);
  if (Successful.length !== count) {
    result.fill(UNANSWERED);
    for (const { Id } of Successful) result[Number(Id)] = undefined;
  }
  for (const failure of Failed) {
    result[Number(failure.Id)] = {
      kind: classifyEntry(failure.Code ?? '', failure.SenderFault ?? false),
      code: plainCode(failure.Code ?? 'Unknown'),
      message: failure.Message ?? '',
    };
  }
  return result;
}

const NO_ATTRIBUTES: TransportMessage['attributes'] = Object.freeze({});

/** A message in our shape. */
export function fromSdkMessage({
  MessageId,
  ReceiptHandle,
  Body,
  Attributes,
  MessageAttributes,
}: Sqs.Message): TransportMessage {
  const system: Partial<Record<string, string>> = Attributes ?? {};
  const message: { -readonly [K in keyof TransportMessage]: TransportMessage[K] } = {
    messageId: MessageId ?? '',
    receiptHandle: ReceiptHandle ?? '',
    body: Body ?? '',
    attributes: MessageAttributes ? fromSdkAttributes(MessageAttributes) : NO_ATTRIBUTES,
    receiveCount: Number(system['ApproximateReceiveCount'] ?? 1),
    sentAtMs: Number(system['SentTimestamp'] ?? 0),
  };
  const { MessageGroupId, MessageDeduplicationId, SequenceNumber, SenderId, AWSTraceHeader } = system;
  const firstReceived = system['ApproximateFirstReceiveTimestamp'];
  if (MessageGroupId !== undefined) message.groupId = MessageGroupId;
  if (MessageDeduplicationId !== undefined) message.deduplicationId = MessageDeduplicationId;
  if (SequenceNumber !== undefined) message.sequenceNumber = SequenceNumber;
  if (firstReceived !== undefined) message.firstReceivedAtMs = Number(firstReceived);
  if (SenderId !== undefined) message.senderId = SenderId;
  if (AWSTraceHeader !== undefined) message.traceHeader = AWSTraceHeader;
  return message;
}

const fromSdkAttributes = (attributes: Record<string, Sqs.MessageAttributeValue>): Record<string, MessageAttribute> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, a]) => [
      name,
      { type: a.DataType ?? 'String', value: a.BinaryValue ?? a.StringValue ?? '' },
    ]),
  );

const toSdkAttributes = (
  attributes: Readonly<Record<string, MessageAttribute>>,
): Record<string, Sqs.MessageAttributeValue> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { type, value }]) => [
      name,
      typeof value === 'string' ? { DataType: type, StringValue: value } : { DataType: type, BinaryValue: value },
    ]),
  );
