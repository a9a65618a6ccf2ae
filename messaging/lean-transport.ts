import { createHash } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { OptionsError } from './consumer-options';
import { fromSdkMessage, outcomes, SYSTEM_ATTRIBUTES, toSendResults, toSdkSendEntry } from './sdk-transport';
import { classifyCall, plainCode, SqsError, toSqsError } from './sqs-errors';
import type { SqsTransport } from './transport';

/** What a lean transport can be told. */
export interface LeanTransportOptions {
  /**
   * Open connections, 1 to 1,000.
   * @default 50
   */
  readonly maxSockets?: number;
  /**
   * PEM certificates to trust instead of the system's, for tests.
   */
  readonly ca?: string;
}

/** The longest long poll and five seconds. */
const REQUEST_LIMIT_MS = 25_000;

/**
 * A transport that leaves the SDK's middleware out: the AWS JSON protocol over `node:https`, signed by the client's own signer with
 * the client's own credentials, region and endpoint. It costs a fraction of the CPU per call. What it leaves out: the client's
 * middleware, retries (the consumer's own remain), tracing and custom request handlers.
 *
 * @throws OptionsError
 */
export function leanTransport(client: SQSClient, options: LeanTransportOptions = {}): SqsTransport {
  const { maxSockets = 50, ca } = options;
  if (!Number.isInteger(maxSockets) || maxSockets < 1 || maxSockets > 1000) {
    throw new OptionsError([`'maxSockets' (${maxSockets} sockets) must be a whole number from 1 to 1000 sockets`]);
  }
  const agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets, ...(ca !== undefined && { ca }) }),
  };

  /** The endpoint that the SDK would take: the client's own, or the queue URL's. */
  const endpointOf = async (queueUrl: string): Promise<URL> => {
    const { endpoint, isCustomEndpoint } = client.config;
    if (!isCustomEndpoint || endpoint === undefined) return new URL('/', queueUrl);
    const { protocol, hostname, port, path } = await endpoint();
    return new URL(path, `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
  };
  /** Made once: it asks the client's credential chain at each signature. */
  let made: ReturnType<typeof client.config.signer> | undefined;
  const signer = (): ReturnType<typeof client.config.signer> => {
    made ??= client.config.signer(undefined).catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
  const endpoints = new Map<string, Promise<URL>>();

  const call = async <R>(operation: string, input: { readonly QueueUrl: string }): Promise<R> => {
    const { QueueUrl } = input;
    let endpoint = endpoints.get(QueueUrl);
    if (endpoint === undefined) endpoints.set(QueueUrl, (endpoint = endpointOf(QueueUrl)));
    try {
      const url = await endpoint;
      const signed = await sign(await signer(), client.config.systemClockOffset, url, operation, JSON.stringify(input));
      return JSON.parse(await exchange(url, agents, signed)) as R;
    } catch (error) {
      throw toSqsError(error);
    }
  };

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
      for (const message of Messages) checkBody(message);
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
      return toSendResults(entries.length, await call('SendMessageBatch', input));
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

/** The SDK checks this too: a body that was damaged on its way must not be handled. */
function checkBody({ MD5OfBody, Body = '', MessageId }: WireMessage): void {
  if (MD5OfBody !== undefined && createHash('md5').update(Body).digest('hex') !== MD5OfBody) {
    throw new SqsError('transient', 'InvalidChecksum', `the body of message ${MessageId} does not fit its checksum`);
  }
}

interface SignedRequest {
  readonly headers: Record<string, string>;
  readonly body: string;
}

async function sign(
  signer: Awaited<ReturnType<SQSClient['config']['signer']>>,
  clockOffsetMs: number,
  url: URL,
  operation: string,
  body: string,
): Promise<SignedRequest> {
  const { headers } = await signer.sign(
    {
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: {},
      headers: {
        host: url.host,
        'content-type': 'application/x-amz-json-1.0',
        'content-length': String(Buffer.byteLength(body)),
        'x-amz-target': `AmazonSQS.${operation}`,
      },
      body,
    },
    { signingDate: new Date(Date.now() + clockOffsetMs) },
  );
  return { headers, body };
}

/** Sends one request. @returns the body of a 200 response @throws SqsError for any other */
function exchange(
  url: URL,
  agents: Record<string, HttpAgent | HttpsAgent>,
  { headers, body }: SignedRequest,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method: 'POST',
      hostname: url.hostname,
      port: url.port,
      path: url.pathname,
      headers,
      timeout: REQUEST_LIMIT_MS,
      agent: agents[url.protocol],
    };
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? '';
        if (response.statusCode === 200) resolve(text);
        else reject(errorOf(response.statusCode ?? 500, text));
      });
    });
    request.on('timeout', () =>
      request.destroy(new SqsError('transient', 'TimeLimit', `no answer within ${REQUEST_LIMIT_MS} ms`)),
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** The error that a response speaks of; one that no JSON says is sorted by its status alone. */
function errorOf(status: number, text: string): SqsError {
  let type = `Status${status}`;
  let message = text.slice(0, 200);
  try {
    const parsed = JSON.parse(text) as { __type?: string; message?: string; Message?: string };
    type = parsed.__type?.split('#').at(-1) ?? type;
    message = parsed.message ?? parsed.Message ?? message;
  } catch {
    // A proxy's page, or nothing at all.
  }
  const code = plainCode(type);
  return new SqsError(classifyCall(code, status), code, `${code}: ${message}`);
}
