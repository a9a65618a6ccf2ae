import type { SqsTransport } from '../../messaging';

const OPTIONAL = ['@aws-sdk/client-sqs', '@aws-sdk/client-s3', '@aws-sdk/client-dynamodb', 'lru-cache'];

describe('without the optional packages', () => {
  beforeEach(() => {
    for (const name of OPTIONAL) {
      jest.doMock(name, () => {
        throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
      });
    }
  });
  afterEach(() => OPTIONAL.forEach((name) => jest.dontMock(name)));

  test('a consumer and a producer work on a transport of their own; what needs a package says which', async () => {
    await jest.isolateModulesAsync(async () => {
      const messaging = jest.requireActual<typeof import('../../messaging')>('../../messaging');
      const sqs = { receive: () => new Promise(() => {}), sendBatch: async () => [{ messageId: 'x' }] };
      const transport = sqs as unknown as SqsTransport;
      const queueUrl = 'https://sqs.test/1/queue';
      expect(new messaging.Consumer({ sqs: transport, queueUrl, handler: async () => {} }).ready).toBe(false);
      expect(await new messaging.Producer({ sqs: transport, queueUrl }).send({ body: 'a' })).toMatchObject({
        ok: true,
      });
      messaging.toLambdaHandler(async () => {}, { deadLetterQueue: { sqs: transport, queueUrl } });
      const features: Array<[needs: string | undefined, make: () => unknown]> = [
        [OPTIONAL[0], () => messaging.createSqsClient()],
        [OPTIONAL[0], () => messaging.sdkTransport({} as never)],
        [OPTIONAL[0], () => messaging.queueBacklog({} as never, queueUrl)],
        [OPTIONAL[1], () => new messaging.ClaimCheck({ s3: {} as never, bucket: 'b' })],
        [OPTIONAL[1], () => new messaging.S3IdempotencyStore({ s3: {} as never, bucket: 'b' })],
        [OPTIONAL[2], () => new messaging.DynamoDbIdempotencyStore({ dynamoDb: {} as never, tableName: 't' })],
        [OPTIONAL[3], () => new messaging.MemoryIdempotencyStore()],
      ];
      for (const [packageName, make] of features)
        expect(make).toThrow(expect.objectContaining({ name: 'MissingPackageError', packageName }));
    });
  });
});
