import { hash } from 'node:crypto';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { OptionsError } from './consumer-options';
import { LeanRequests } from './lean-request';
import { fromSdkMessage, outcomes, SYSTEM_ATTRIBUTES, toSendResults, toSdkSendEntry } from './sdk-transport';
import { SqsError, toSqsError } from './sqs-errors';
import type { SqsTransport } from './transport';

/** What a lean transport can be told. */
export interface LeanTransportOptions {
  /**
   * Open connections, 1 to 1,000.
   * @default 50
   */
  readonly maxSockets?: number;
  /**
   * A request without an answer fails after this, 1 to 600,000 milliseconds. Longer than the longest poll, else polls fail.
   * @default 25,000
   */
  readonly requestTimeoutMs?: number;
  /**
   * PEM certificates to trust instead of the system's, for tests.
   */
  readonly ca?: string;
}

/**
 * A transport that leaves the SDK's middleware out: the AWS JSON protocol over `node:https`, signed with the client's own
 * credentials for its own region and endpoint. It costs a fraction of the CPU per call. What it leaves out: the client's middleware,
 * signer, retries (the consumer's own remain), tracing and custom request handlers.
 *
 * @throws OptionsError
 */
export function leanTransport(client: SQSClient, options: LeanTransportOptions = {}): SqsTransport {
  const { maxSockets = 50, requestTimeoutMs = 25_000, ca } = options;
  const violations: string[] = [];
  if (!Number.isInteger(maxSockets) || maxSockets < 1 || maxSockets > 1000) {
    violations.push(`'maxSockets' (${maxSockets} sockets) must be a whole number from 1 to 1000 sockets`);
  }
  if (!(requestTimeoutMs >= 1 && requestTimeoutMs <= 600_000)) {
    violations.push(`'requestTimeoutMs' (${requestTimeoutMs} milliseconds) must be from 1 to 600000 milliseconds`);
  }
  if (violations.length > 0) throw new OptionsError(violations);
  const requests = new LeanRequests(client, { maxSockets, requestTimeoutMs, ca });

  const call = async <R>(operation: string, input: { readonly QueueUrl: string }): Promise<R> => {
    try {
      return JSON.parse(await requests.post(operation, input.QueueUrl, JSON.stringify(input))) as R;
    } catch (error) {
      throw toSqsError(error);
    }
  };

  // Where FIPS rules Node has no MD5; a client for such a place says `md5: false`.
  const checksums = client.config.md5 !== false;

  return {
    async receive({ queueUrl, maxMessages, visibilityTimeoutSeconds, waitTimeSeconds, attemptId }) {
      const { Messages = [] } = await call<{ Messages?: WireMessage[] }>('ReceiveMessage', {
        QueueUrl: queueUrl,
        MaxNumberOfMessages: maxMessages,
        VisibilityTimeout: visibilityTimeoutSeconds,
        WaitTimeSeconds: waitTimeSeconds,
        MessageSystemAttributeNames: SYSTEM_ATTRIBUTES,
        MessageAttributeNames: ['All'],
        ReceiveRequestAttemptId: attemptId,
      } as { QueueUrl: string });
      if (checksums) for (const { MD5OfBody, Body = '', MessageId } of Messages) checkBody(MD5OfBody, Body, MessageId);
      return Messages.map(({ MessageAttributes, ...message }) =>
        fromSdkMessage(MessageAttributes ? { ...message, MessageAttributes: fromWire(MessageAttributes) } : message),
      );
    },
    async deleteBatch(queueUrl, receiptHandles) {
      const Entries = receiptHandles.map((ReceiptHandle, i) => ({ Id: String(i), ReceiptHandle }));
      return outcomes(
        Entries.length,
        await call('DeleteMessageBatch', { QueueUrl: queueUrl, Entries } as { QueueUrl: string }),
      );
    },
    async changeVisibilityBatch(queueUrl, changes) {
      const Entries = changes.map((change, i) => ({
        Id: String(i),
        ReceiptHandle: change.receiptHandle,
        VisibilityTimeout: change.visibilityTimeoutSeconds,
      }));
      const input = { QueueUrl: queueUrl, Entries } as { QueueUrl: string };
      return outcomes(Entries.length, await call('ChangeMessageVisibilityBatch', input));
    },
    async sendBatch(queueUrl, entries) {
      const Entries = entries.map((entry, i) => {
        const sdk = toSdkSendEntry(entry, i);
        return sdk.MessageAttributes ? { ...sdk, MessageAttributes: toWire(sdk.MessageAttributes) } : sdk;
      });
      const input = { QueueUrl: queueUrl, Entries } as { QueueUrl: string };
      const answer = await call<SendAnswer>('SendMessageBatch', input);
      for (const { Id, MD5OfMessageBody, MessageId } of (checksums && answer.Successful) || []) {
        checkBody(MD5OfMessageBody, entries[Number(Id)]?.body ?? '', MessageId);
      }
      return toSendResults(entries.length, answer);
    },
    async refreshCredentials() {
      await client.config.credentials({ forceRefresh: true });
    },
  };
}

/** Bytes travel as Base64 in JSON; the SDK's shapes have them as bytes. */
interface WireAttribute {
  readonly DataType?: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}
type WireMessage = Omit<Parameters<typeof fromSdkMessage>[0], 'MessageAttributes'> & {
  readonly MD5OfBody?: string;
  readonly MessageAttributes?: Record<string, WireAttribute>;
};
type SendAnswer = Parameters<typeof toSendResults>[1];
type SdkAttributes = NonNullable<Parameters<typeof fromSdkMessage>[0]['MessageAttributes']>;

const fromWire = (attributes: Record<string, WireAttribute>): SdkAttributes =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { BinaryValue, ...rest }]) => [
      name,
      {
        DataType: 'String',
        ...rest,
        ...(BinaryValue !== undefined && { BinaryValue: Buffer.from(BinaryValue, 'base64') }),
      },
    ]),
  );

const toWire = (attributes: SdkAttributes): Record<string, WireAttribute> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType = 'String', StringValue, BinaryValue }]) => [
      name,
      BinaryValue
        ? { DataType, BinaryValue: Buffer.from(BinaryValue).toString('base64') }
        : { DataType, StringValue: StringValue ?? '' },
    ]),
  );

/** The SDK checks this too: a body that was damaged on its way must not be handled, and not be called sent. */
function checkBody(md5: string | undefined, body: string, messageId = ''): void {
  if (md5 !== undefined && hash('md5', body, 'hex') !== md5) {
    throw new SqsError('transient', 'InvalidChecksum', `the body of message ${messageId} does not fit its checksum`);
  }
}
