import { createHash } from 'node:crypto';
import type { SQSClient, SQSClientConfig } from '@aws-sdk/client-sqs';
import { createSqsClient, leanTransport, sdkTransport, SqsError, type SqsTransport } from '../../messaging';
import { withoutDns } from '../support/no-dns';
import { recogniseNativeErrors } from '../support/native-errors';
import { errorAnswer, startSqsJsonStub, type SqsJsonStub } from '../support/sqs-json-stub';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

let stub: SqsJsonStub;
let queueUrl: string;
let refreshes: number;
const clients: SQSClient[] = [];

function clientWith(config: SQSClientConfig = {}): SQSClient {
  const client = createSqsClient({
    region: 'eu-central-1',
    endpoint: stub.endpoint,
    credentials: async (options) => {
      if ((options as { forceRefresh?: boolean } | undefined)?.forceRefresh) refreshes += 1;
      return { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' };
    },
    ...config,
  });
  clients.push(client);
  return client;
}

/** Every transport keeps the same contract. */
const TRANSPORTS: Array<[name: string, over: (config?: SQSClientConfig, requestTimeoutMs?: number) => SqsTransport]> = [
  [
    'sdkTransport',
    (config, requestTimeout = 5_000) =>
      sdkTransport(clientWith({ requestHandler: { requestTimeout, throwOnRequestTimeout: true }, ...config })),
  ],
  ['leanTransport', (config, requestTimeoutMs = 5_000) => leanTransport(clientWith(config), { requestTimeoutMs })],
];

/** The error that a call ends with. */
async function failureOf(call: Promise<unknown>): Promise<SqsError> {
  const error: unknown = await call.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(SqsError);
  return error as SqsError;
}

const receive = (transport: SqsTransport, attemptId?: string) =>
  transport.receive({
    queueUrl,
    maxMessages: 10,
    visibilityTimeoutSeconds: 30,
    waitTimeSeconds: 20,
    ...(attemptId !== undefined && { attemptId }),
  });

const undo: Array<() => void> = [];
beforeAll(() => undo.push(recogniseNativeErrors(), withoutDns()));
afterAll(() => undo.forEach((one) => one()));

beforeEach(async () => {
  stub = await startSqsJsonStub();
  queueUrl = `${stub.endpoint}/123456789012/jobs.fifo`;
  refreshes = 0;
});

afterEach(async () => {
  for (const made of clients.splice(0)) made.destroy();
  await stub.close();
});

describe.each(TRANSPORTS)('%s', (_, make) => {
  test('checks no bodies when the client has no MD5, as under FIPS rules', async () => {
    const transport = make({ md5: false });
    const message = { MessageId: 'm1', ReceiptHandle: 'h1', Body: 'body', MD5OfBody: md5('another') };
    stub.answer({ json: { Messages: [message] } });
    expect(await receive(transport)).toMatchObject([{ body: 'body' }]);
    stub.answer({ json: { Successful: [{ Id: '0', MessageId: 'm1', MD5OfMessageBody: md5('another') }] } });
    expect(await transport.sendBatch(queueUrl, [{ body: 'body', groupId: 'g' }])).toMatchObject([{ messageId: 'm1' }]);
  });

  test('asks for messages with all that a consumer wants to know of them, signed', async () => {
    expect(await receive(make(), 'attempt-1')).toEqual([]);
    expect(stub.requests).toHaveLength(1);
    const { operation, input, headers } = stub.requests[0]!;
    expect(operation).toBe('ReceiveMessage');
    expect(input).toEqual({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 30,
      WaitTimeSeconds: 20,
      MessageSystemAttributeNames: [
        'ApproximateReceiveCount',
        'SentTimestamp',
        'MessageGroupId',
        'MessageDeduplicationId',
        'SequenceNumber',
        'AWSTraceHeader',
      ],
      MessageAttributeNames: ['All'],
      ReceiveRequestAttemptId: 'attempt-1',
    });
    expect(headers['content-type']).toBe('application/x-amz-json-1.0');
    expect(headers['x-amz-security-token']).toBe('token');
    expect(headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/sqs\/aws4_request/,
    );
  });

  test('names no attempt on a standard queue', async () => {
    await receive(make());
    expect(stub.requests[0]?.input).not.toHaveProperty('ReceiveRequestAttemptId');
  });

  test('brings a message with text, number and binary attributes and its place in its FIFO group', async () => {
    const body = 'schön 🙂';
    stub.answer({
      json: {
        Messages: [
          {
            MessageId: 'm1',
            ReceiptHandle: 'h1',
            Body: body,
            MD5OfBody: md5(body),
            Attributes: {
              ApproximateReceiveCount: '3',
              SentTimestamp: '1790000000123',
              MessageGroupId: 'g',
              MessageDeduplicationId: 'd',
              SequenceNumber: '18850000000000000001',
              AWSTraceHeader: 'Root=1-2-3',
            },
            MessageAttributes: {
              kind: { DataType: 'String', StringValue: 'order' },
              size: { DataType: 'Number.int', StringValue: '7' },
              key: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255, 128]).toString('base64') },
            },
          },
        ],
      },
    });
    const [message] = await receive(make());
    const { key, ...attributes } = message?.attributes ?? {};
    expect({ ...message, attributes }).toEqual({
      messageId: 'm1',
      receiptHandle: 'h1',
      body,
      attributes: { kind: { type: 'String', value: 'order' }, size: { type: 'Number.int', value: '7' } },
      receiveCount: 3,
      sentAtMs: 1_790_000_000_123,
      groupId: 'g',
      deduplicationId: 'd',
      sequenceNumber: '18850000000000000001',
      traceHeader: 'Root=1-2-3',
    });
    expect(key?.type).toBe('Binary');
    expect(Buffer.from(key?.value as Uint8Array)).toEqual(Buffer.from([0, 255, 128]));
  });

  test('refuses a message that was damaged on its way', async () => {
    stub.answer({
      json: { Messages: [{ MessageId: 'm1', ReceiptHandle: 'h1', Body: 'body', MD5OfBody: md5('another') }] },
    });
    expect((await failureOf(receive(make()))).kind).toBe('transient');
  });

  test('deletes by index, and says which entries failed and why', async () => {
    stub.answer({
      json: {
        Successful: [{ Id: '1' }],
        Failed: [
          { Id: '0', Code: 'ReceiptHandleIsInvalid', Message: 'stale', SenderFault: true },
          { Id: '2', Code: 'AWS.SimpleQueueService.InternalError', Message: 'again', SenderFault: false },
        ],
      },
    });
    expect(await make().deleteBatch(queueUrl, ['a', 'b', 'c'])).toEqual([
      { kind: 'stale', code: 'ReceiptHandleIsInvalid', message: 'stale' },
      undefined,
      { kind: 'transient', code: 'InternalError', message: 'again' },
    ]);
    expect(stub.requests[0]).toMatchObject({
      operation: 'DeleteMessageBatch',
      input: {
        QueueUrl: queueUrl,
        Entries: [
          { Id: '0', ReceiptHandle: 'a' },
          { Id: '1', ReceiptHandle: 'b' },
          { Id: '2', ReceiptHandle: 'c' },
        ],
      },
    });
  });

  test('calls an entry failed that the answer does not mention', async () => {
    stub.answer({ json: { Successful: [{ Id: '0' }] } });
    expect(await make().deleteBatch(queueUrl, ['a', 'b'])).toEqual([
      undefined,
      expect.objectContaining({ kind: 'transient', code: 'Unanswered' }),
    ]);
  });

  test('changes visibilities', async () => {
    stub.answer({ json: { Successful: [{ Id: '0' }, { Id: '1' }] } });
    const changes = [
      { receiptHandle: 'a', visibilityTimeoutSeconds: 0 },
      { receiptHandle: 'b', visibilityTimeoutSeconds: 43_200 },
    ];
    expect(await make().changeVisibilityBatch(queueUrl, changes)).toEqual([undefined, undefined]);
    expect(stub.requests[0]).toMatchObject({
      operation: 'ChangeMessageVisibilityBatch',
      input: {
        QueueUrl: queueUrl,
        Entries: [
          { Id: '0', ReceiptHandle: 'a', VisibilityTimeout: 0 },
          { Id: '1', ReceiptHandle: 'b', VisibilityTimeout: 43_200 },
        ],
      },
    });
  });

  test('sends text, bytes, group, deduplication and trace, with an outcome for each entry', async () => {
    stub.answer({
      json: {
        Successful: [{ Id: '0', MessageId: 'm1', MD5OfMessageBody: md5('grüße'), SequenceNumber: '18850' }],
        Failed: [{ Id: '1', Code: 'KMS.AccessDeniedException', Message: 'no key', SenderFault: true }],
      },
    });
    const sent = await make().sendBatch(queueUrl, [
      {
        body: 'grüße',
        groupId: 'g',
        deduplicationId: 'd',
        traceHeader: 'Root=1',
        attributes: {
          kind: { type: 'String', value: 'order' },
          key: { type: 'Binary', value: new Uint8Array([0, 255]) },
        },
      },
      { body: 'later', delaySeconds: 900 },
    ]);
    expect(sent).toEqual([
      { messageId: 'm1', sequenceNumber: '18850' },
      { failure: { kind: 'permanent', code: 'KMS.AccessDeniedException', message: 'no key' } },
    ]);
    expect(stub.requests[0]).toMatchObject({ operation: 'SendMessageBatch' });
    expect(stub.requests[0]?.input).toEqual({
      QueueUrl: queueUrl,
      Entries: [
        {
          Id: '0',
          MessageBody: 'grüße',
          MessageGroupId: 'g',
          MessageDeduplicationId: 'd',
          MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1' } },
          MessageAttributes: {
            kind: { DataType: 'String', StringValue: 'order' },
            key: { DataType: 'Binary', BinaryValue: 'AP8=' },
          },
        },
        { Id: '1', MessageBody: 'later', DelaySeconds: 900 },
      ],
    });
  });

  test('does not call sent what SQS stored otherwise', async () => {
    stub.answer({ json: { Successful: [{ Id: '0', MessageId: 'm1', MD5OfMessageBody: md5('another') }] } });
    expect((await failureOf(make().sendBatch(queueUrl, [{ body: 'body' }]))).kind).toBe('transient');
  });

  test.each([
    ['AccessDeniedException', 403, 'AccessDenied', 'permanent'],
    ['QueueDoesNotExist', 400, 'AWS.SimpleQueueService.NonExistentQueue', 'permanent'],
    ['KmsAccessDenied', 400, 'KMS.AccessDeniedException', 'permanent'],
    ['KmsDisabled', 400, 'KMS.DisabledException', 'permanent'],
    ['InvalidAddress', 404, 'InvalidAddress', 'permanent'],
    ['InvalidSignatureException', 403, undefined, 'permanent'],
    ['UnrecognizedClientException', 403, 'InvalidClientTokenId', 'permanent'],
    ['ExpiredTokenException', 403, 'ExpiredToken', 'credentials'],
    ['RequestThrottled', 400, 'RequestThrottled', 'throttled'],
    ['KmsThrottled', 400, 'KMS.ThrottlingException', 'throttled'],
    ['ThrottlingException', 400, undefined, 'throttled'],
    ['TooManyRequestsException', 429, undefined, 'throttled'],
    ['InternalFailure', 500, undefined, 'transient'],
    ['ServiceUnavailable', 503, undefined, 'transient'],
  ] as const)('sorts %s (%d)', async (type, status, queryCode, kind) => {
    stub.answer(errorAnswer(status, type, queryCode));
    const error = await failureOf(receive(make()));
    const code = (queryCode ?? type).replace('AWS.SimpleQueueService.', '');
    expect(error).toMatchObject({ kind, code });
    expect(error.message).toBe(`${code}: the message of ${type}`);
  });

  test.each([
    [404, 'permanent'],
    [503, 'transient'],
    [200, 'transient'],
  ] as const)("sorts a proxy's page by its status %d", async (status, kind) => {
    stub.answer({ status, text: '<html>not SQS</html>' });
    expect((await failureOf(receive(make()))).kind).toBe(kind);
  });

  test('survives a connection that breaks', async () => {
    const transport = make();
    stub.answer('hangUp');
    expect(await failureOf(receive(transport))).toMatchObject({ kind: 'transient', code: 'ECONNRESET' });
    stub.answer({ json: {} });
    expect(await receive(transport)).toEqual([]);
  });

  test('gives a silent server up, and works again on a new connection (I14)', async () => {
    const transport = make({}, 100);
    stub.answer('silence');
    expect(await failureOf(receive(transport))).toMatchObject({ kind: 'transient', code: 'ETIMEDOUT' });
    stub.answer({ json: {} });
    expect(await receive(transport)).toEqual([]);
  });

  test('says that nothing listens', async () => {
    const transport = make({ endpoint: 'http://127.0.0.1:1' });
    queueUrl = 'http://127.0.0.1:1/1/jobs';
    expect(await failureOf(receive(transport))).toMatchObject({ kind: 'transient', code: 'ECONNREFUSED' });
  });

  test('calls a host that nobody knows a passing failure', async () => {
    const transport = make({ endpoint: 'http://sqs.nowhere.invalid' });
    queueUrl = 'http://sqs.nowhere.invalid/1/jobs';
    expect(await failureOf(receive(transport))).toMatchObject({ kind: 'transient', code: 'ENOTFOUND' });
  });

  test('says that there are no credentials', async () => {
    const error = Object.assign(new Error('no source has any'), { name: 'CredentialsProviderError' });
    const transport = make({ credentials: () => Promise.reject(error) });
    expect(await failureOf(receive(transport))).toMatchObject({
      kind: 'credentials',
      code: 'CredentialsProviderError',
    });
    expect(stub.requests).toHaveLength(0);
  });

  test('fetches credentials anew', async () => {
    const transport = make();
    await receive(transport);
    await transport.refreshCredentials?.();
    expect(refreshes).toBe(1);
  });

  test('corrects its clock by the one of the server', async () => {
    const transport = make();
    const ahead = new Date(Date.now() + 3_600_000);
    stub.answer({
      status: 403,
      json: { __type: 'InvalidSignatureException', message: 'Signature not yet current' },
      headers: { date: ahead.toUTCString() },
    });
    // Both were signed with the wrong time, also the one whose answer came after the correction.
    const refused = await Promise.all([failureOf(receive(transport)), failureOf(receive(transport))]);
    // Another try may succeed: a producer must not give its messages up.
    expect(refused.map(({ kind, code }) => [kind, code])).toEqual([
      ['credentials', 'InvalidSignatureException'],
      ['credentials', 'InvalidSignatureException'],
    ]);
    stub.answer({ json: {} });
    await receive(transport);
    const signedAt = String(stub.requests[2]?.headers['x-amz-date']);
    const signed = signedAt.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
    expect(Math.abs(Date.parse(signed) - ahead.getTime())).toBeLessThan(60_000);
  });

  test('calls a signature that is wrong at the right time a lasting failure', async () => {
    stub.answer(errorAnswer(403, 'InvalidSignatureException'));
    expect((await failureOf(receive(make()))).kind).toBe('permanent');
  });

  test('takes an address of IPv6 as its endpoint', async () => {
    queueUrl = 'http://[::1]:1/1/jobs';
    const { code } = await failureOf(receive(make({ endpoint: 'http://[::1]:1' })));
    // Machines without IPv6 have other words for it; none looks for a name.
    expect(code).toMatch(/^E(CONNREFUSED|ADDRNOTAVAIL|NETUNREACH|HOSTUNREACH|AFNOSUPPORT)$/);
  });

  test("takes the environment's endpoint when the queue's URL shall not count", async () => {
    process.env['AWS_ENDPOINT_URL_SQS'] = stub.endpoint;
    try {
      queueUrl = 'http://sqs.nowhere.invalid/1/jobs';
      const config = { endpoint: undefined, useQueueUrlAsEndpoint: false } as unknown as SQSClientConfig;
      expect(await receive(make(config))).toEqual([]);
    } finally {
      delete process.env['AWS_ENDPOINT_URL_SQS'];
    }
  });
});
