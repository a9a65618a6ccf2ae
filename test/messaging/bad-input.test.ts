import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import { Consumer, createSqsClient, leanTransport, type Logger } from '../../messaging';
import { withoutDns } from '../support/no-dns';
import { recogniseNativeErrors } from '../support/native-errors';
import { errorAnswer, startSqsJsonStub, type SqsJsonStub, type StubAnswer } from '../support/sqs-json-stub';
import { VirtualClock } from '../support/virtual-clock';

let stub: SqsJsonStub;
const undo: Array<() => void> = [];

beforeAll(async () => {
  undo.push(recogniseNativeErrors(), withoutDns());
  stub = await startSqsJsonStub();
});
afterAll(async () => {
  for (const one of undo) one();
  await stub.close();
});

/** A consumer over the network whose pauses between receives pass at once, at most `limitMs` of its own time. */
async function consume(lean: boolean, limitMs: number, config: SQSClientConfig, queueUrl: string) {
  const clock = new VirtualClock();
  const client = createSqsClient({
    region: 'eu-central-1',
    endpoint: stub.endpoint,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    ...config,
  });
  const errors: string[] = [];
  const warnings: string[] = [];
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (_, text = '') => void warnings.push(text),
    error: (_, text = '') => void errors.push(text),
  };
  let wake: (retryInMs: number | undefined) => void = () => undefined;
  const failed = (): Promise<number | undefined> => new Promise((resolve) => (wake = resolve));
  const consumer = new Consumer({
    sqs: lean ? leanTransport(client) : client,
    queueUrl,
    clock,
    random: () => 0.5,
    logger,
    handler: async () => undefined,
    observer: { pollFailed: ({ retryInMs }) => wake(retryInMs), received: () => wake(undefined) },
  });
  const receives: number[] = [];
  let next = failed();
  consumer.start();
  while (clock.now() < limitMs) {
    const retryInMs = await next;
    receives.push(clock.now());
    if (retryInMs === undefined) break;
    next = failed();
    await clock.advance(retryInMs);
  }
  const { ready } = consumer;
  client.destroy();
  return { receives, errors, warnings, ready };
}

const CASES: Array<[what: string, code: string, answer: StubAnswer | undefined, config?: SQSClientConfig]> = [
  [
    'a queue that does not exist',
    'NonExistentQueue',
    errorAnswer(400, 'QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'),
  ],
  ["another region's signature", 'SignatureDoesNotMatch', errorAnswer(403, 'SignatureDoesNotMatch')],
  [
    'unknown credentials',
    'InvalidClientTokenId',
    errorAnswer(403, 'UnrecognizedClientException', 'InvalidClientTokenId'),
  ],
  ['no permission', 'AccessDenied', errorAnswer(403, 'AccessDeniedException', 'AccessDenied')],
  [
    'no permission for the key',
    'KMS.AccessDeniedException',
    errorAnswer(400, 'KmsAccessDenied', 'KMS.AccessDeniedException'),
  ],
  ['credentials that stay expired', 'ExpiredToken', errorAnswer(403, 'ExpiredTokenException', 'ExpiredToken')],
  ['a web server instead of SQS', '', { status: 404, text: '<html>Not here</html>' }],
  ['a host that no DNS knows', 'ENOTFOUND', undefined, { endpoint: 'http://sqs.nowhere.invalid' }],
  ['a port where nothing listens', 'ECONNREFUSED', undefined, { endpoint: 'http://127.0.0.1:1' }],
  [
    'no credentials at all',
    'CredentialsProviderError',
    undefined,
    {
      credentials: () =>
        Promise.reject(Object.assign(new Error('no source has any'), { name: 'CredentialsProviderError' })),
    },
  ],
];

describe.each([
  ['SDK', false],
  ['lean', true],
])('a consumer over the %s transport with', (_, lean) => {
  test.each(CASES)('%s: one loud line, not ready, bounded retries (I11)', async (__, code, answer, config = {}) => {
    if (answer !== undefined) stub.answer(answer);
    const endpoint = (config.endpoint as string | undefined) ?? stub.endpoint;
    const { receives, errors, warnings, ready } = await consume(lean, 120_000, config, `${endpoint}/1/jobs`);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(new RegExp(`^receive (is refused|keeps failing) .*${code}`));
    expect(warnings.length).toBeLessThan(3);
    expect(ready).toBe(false);
    const late = receives.filter((atMs) => atMs > 10_000);
    expect(late.length).toBeGreaterThan(0);
    late.forEach((atMs, i) => expect(atMs - (late[i - 1] ?? 0)).toBeGreaterThanOrEqual(1_000));
  });

  test('a queue that is made later: it becomes ready', async () => {
    let requests = 0;
    const missing = errorAnswer(400, 'QueueDoesNotExist');
    stub.answer(() => (++requests < 4 ? missing : { json: {} }));
    const { receives, errors, ready } = await consume(lean, 600_000, {}, `${stub.endpoint}/1/jobs`);
    expect(receives).toHaveLength(4);
    expect(errors).toHaveLength(1);
    expect(ready).toBe(true);
  });
});
