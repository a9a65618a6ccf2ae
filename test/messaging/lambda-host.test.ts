import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { z } from 'zod';
import { PermanentError, type Handler, type ReceivedMessage } from '../../messaging/handler';
import { toLambdaHandler, type LambdaHandlerOptions } from '../../messaging/lambda-host';
import { silentLogger } from '../../messaging/logger';
import { MemoryIdempotencyStore } from '../../messaging/memory-idempotency-store';
import type { SendEntry, SqsTransport } from '../../messaging/transport';
import { ManualClock, turns } from '../support/manual-clock';

let nextId = 0;
beforeEach(() => {
  nextId = 0;
});

function record(body: string, group?: string): SQSRecord {
  nextId++;
  return {
    messageId: `m${nextId}`,
    receiptHandle: 'r',
    body,
    attributes: {
      ApproximateReceiveCount: '2',
      SentTimestamp: '1700000000000',
      SenderId: 'AIDA',
      ApproximateFirstReceiveTimestamp: '1700000001000',
      ...(group !== undefined && {
        MessageGroupId: group,
        SequenceNumber: String(nextId),
        MessageDeduplicationId: 'd',
      }),
    },
    messageAttributes: {
      text: { dataType: 'String', stringValue: 'a' },
      bytes: { dataType: 'Binary', binaryValue: 'AQI=' },
    },
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:jobs',
    awsRegion: 'eu-west-1',
  };
}

function invoke(handler: Handler, records: SQSRecord[], options: LambdaHandlerOptions = {}, remainingMs = 30_000) {
  const event: SQSEvent = { Records: records };
  const context = { awsRequestId: 'q', getRemainingTimeInMillis: () => remainingMs } as Context;
  const answer: Promise<SQSBatchResponse> = toLambdaHandler(handler, { logger: silentLogger, ...options })(
    event,
    context,
  );
  return answer.then(({ batchItemFailures }) => batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
}

/** Fails for bodies that begin with `bad`. */
const picky =
  (seen: string[] = []): Handler =>
  async ({ body }) => {
    seen.push(body);
    if (body.startsWith('bad')) throw body === 'bad for good' ? new PermanentError(body) : new Error(body);
  };

describe('toLambdaHandler', () => {
  test('gives the handler the message as a consumer does', async () => {
    const seen: ReceivedMessage[] = [];
    expect(await invoke(async (message) => void seen.push(message), [record('hello', 'g')])).toEqual([]);
    expect(seen).toEqual([
      {
        messageId: 'm1',
        body: 'hello',
        attributes: { text: 'a', bytes: Buffer.from([1, 2]) },
        receiveCount: 2,
        sentAtMs: 1_700_000_000_000,
        firstReceivedAtMs: 1_700_000_001_000,
        senderId: 'AIDA',
        groupId: 'g',
        deduplicationId: 'd',
        sequenceNumber: '1',
      },
    ]);
  });

  test('reports only what failed', async () => {
    expect(await invoke(picky(), [record('a'), record('bad'), record('b')])).toEqual(['m2']);
  });

  test('reports the rest of a FIFO group without running it, and runs other groups', async () => {
    const seen: string[] = [];
    const records = [record('a1', 'a'), record('bad', 'a'), record('b1', 'b'), record('a3', 'a'), record('b2', 'b')];
    expect(await invoke(picky(seen), records)).toEqual(['m2', 'm4']);
    expect(seen.toSorted()).toEqual(['a1', 'b1', 'b2', 'bad']);
  });

  test('runs no more than the concurrency at once', async () => {
    let running = 0;
    let most = 0;
    const handler: Handler = async () => {
      most = Math.max(most, ++running);
      await turns(2);
      running--;
    };
    expect(
      await invoke(
        handler,
        [...'abcdefg'].map((body) => record(body)),
        { concurrency: 3 },
      ),
    ).toEqual([]);
    expect(most).toBe(3);
  });

  test('shortly before the timeout aborts, answers, and reports what is not done', async () => {
    const clock = new ManualClock();
    const reasons: string[] = [];
    const handler: Handler = ({ body }, { signal }) =>
      new Promise((resolve) => {
        if (body === 'quick') return resolve();
        signal.addEventListener('abort', () => reasons.push((signal.reason as Error).name));
      });
    const answer = invoke(handler, [record('quick'), record('hangs')], { clock, marginMs: 1_000 }, 10_000);
    await clock.advance(8_999);
    expect(reasons).toEqual([]);
    await clock.advance(1);
    expect(reasons).toEqual(['HandlerTimeoutError']);
    await clock.advance(750);
    expect(await answer).toEqual(['m2']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('waits for handlers that stop, and counts what they finished', async () => {
    const clock = new ManualClock();
    const handler: Handler = ({ body }, { signal }) =>
      new Promise((resolve, reject) =>
        signal.addEventListener('abort', () =>
          clock.setTimer(1_000, () => (body === 'stops' ? reject(signal.reason as Error) : resolve())),
        ),
      );
    const idempotency = { store: new MemoryIdempotencyStore({ clock }) };
    const records = [record('finishes'), record('stops'), record('never began', 'g'), record('next', 'g')];
    const answer = invoke(handler, records, { clock, idempotency, concurrency: 2 }, 10_000);
    await clock.advance(9_000);
    expect(await answer).toEqual(['m2', 'm3', 'm4']);
    const claim = { owner: 'another', leaseUntilMs: Infinity };
    expect(await idempotency.store.begin('m1', claim)).toBe('done');
    expect(await idempotency.store.begin('m2', claim)).toBe('started');
  });

  test('takes nothing for poison that was told to stop, as a consumer', async () => {
    const clock = new ManualClock();
    const sendBatch = jest.fn(async () => [{ messageId: 'x' }]);
    const deadLetterQueue = { queueUrl: 'https://sqs/1/dead', sqs: { sendBatch } as unknown as SqsTransport };
    // What it called broke off, which it takes for a broken message.
    const handler: Handler = (_message, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new PermanentError('cut off'))));
    const answer = invoke(handler, [record('a')], { clock, deadLetterQueue }, 10_000);
    await clock.advance(10_000);
    expect(await answer).toEqual(['m1']);
    expect(sendBatch).not.toHaveBeenCalled();
  });

  test('begins no handler whose time was over before its turn', async () => {
    const clock = new ManualClock();
    const slow = {
      decode: (body: string) => new Promise<string>((resolve) => clock.setTimer(8_500, () => resolve(body))),
    };
    const seen: string[] = [];
    const answer = invoke(picky(seen), [record('a')], { clock, claimCheck: slow }, 10_000);
    await clock.advance(9_000);
    expect(await answer).toEqual(['m1']);
    expect(seen).toEqual([]);
  });

  test.each(['complete', 'release'] as const)('a store that fails to %s changes no result', async (step) => {
    const store = new MemoryIdempotencyStore();
    jest.spyOn(store, step).mockRejectedValue(new Error('the store is down'));
    const sendBatch = jest.fn(async () => [{ messageId: 'x' }]);
    const deadLetterQueue = { queueUrl: 'https://sqs/1/dead', sqs: { sendBatch } as unknown as SqsTransport };
    const options = { idempotency: { store }, deadLetterQueue };
    expect(await invoke(picky(), [record('a'), record('bad'), record('bad for good')], options)).toEqual(['m2']);
    expect(sendBatch).toHaveBeenCalledTimes(1);
  });

  test('leaves no timer behind', async () => {
    const clock = new ManualClock();
    await invoke(picky(), [record('a')], { clock });
    expect(clock.pendingTimers).toBe(0);
  });

  test('quarantines poison with its reason, or reports it when that fails', async () => {
    const sent: SendEntry[] = [];
    const to = (failure?: object): LambdaHandlerOptions => ({
      deadLetterQueue: {
        queueUrl: 'https://sqs/1/dead',
        sqs: {
          sendBatch: async (_url: string, entries: readonly SendEntry[]) => (
            sent.push(...entries),
            [failure ? { failure } : { messageId: 'x' }]
          ),
        } as unknown as SqsTransport,
      },
    });
    expect(await invoke(picky(), [record('bad for good')], to())).toEqual([]);
    expect(sent).toEqual([
      expect.objectContaining({
        body: 'bad for good',
        attributes: expect.objectContaining({
          text: { type: 'String', value: 'a' },
          'QueueFleet.Reason': { type: 'String', value: 'bad for good' },
        }),
      }),
    ]);
    expect(await invoke(picky(), [record('bad for good')], to({ kind: 'transient', code: 'X', message: '' }))).toEqual([
      'm2',
    ]);
    expect(await invoke(picky(), [record('bad for good')])).toEqual(['m3']);
  });

  test('quarantines by an SQS client as a consumer does', async () => {
    const sqs = mockClient(SQSClient);
    sqs
      .on(SendMessageBatchCommand)
      .resolves({ Successful: [{ Id: '0', MessageId: 'x', MD5OfMessageBody: '' }], Failed: [] });
    const deadLetterQueue = { queueUrl: 'https://sqs/1/dead', sqs: new SQSClient({ region: 'eu-west-1' }) };
    expect(await invoke(picky(), [record('bad for good')], { deadLetterQueue })).toEqual([]);
    expect(sqs.commandCalls(SendMessageBatchCommand)).toHaveLength(1);
    sqs.restore();
  });

  test('I17: a duplicate is deleted without being run', async () => {
    const idempotency = { store: new MemoryIdempotencyStore(), key: ({ body }: ReceivedMessage) => body };
    const seen: string[] = [];
    expect(
      await invoke(picky(seen), [record('a'), record('a'), record('bad')], { idempotency, concurrency: 1 }),
    ).toEqual(['m3']);
    expect(await invoke(picky(seen), [record('a'), record('bad')], { idempotency })).toEqual(['m5']);
    expect(seen).toEqual(['a', 'bad', 'bad']);
  });

  test('I17: an invocation that died frees its messages when its time is over (powertools keeps them)', async () => {
    const clock = new ManualClock();
    const idempotency = { store: new MemoryIdempotencyStore({ clock }), key: ({ body }: ReceivedMessage) => body };
    void invoke(() => new Promise(() => undefined), [record('a')], { idempotency, clock }, 10_000);
    await turns();
    expect(await invoke(picky(), [record('a')], { idempotency, clock })).toEqual(['m2']);
    await clock.advance(10_000);
    expect(await invoke(picky(), [record('a')], { idempotency, clock })).toEqual([]);
  });

  test('decodes, then validates', async () => {
    const upper = { decode: async (body: string) => `"${body.toUpperCase()}"` };
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) =>
          value === 'BAD' ? { issues: [{ message: 'no' }] } : { value: `${String(value)}!` },
      },
    };
    const seen: string[] = [];
    const lambda = toLambdaHandler<string>(async ({ body }) => void seen.push(body), {
      schema,
      encryption: upper,
      logger: silentLogger,
    });
    const event: SQSEvent = { Records: [record('a'), record('bad')] };
    const answer = await lambda(event, { awsRequestId: 'q', getRemainingTimeInMillis: () => 30_000 });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm2' }] });
    expect(seen).toEqual(['A!']);
  });

  test('makes the idempotency key of what the validator made of the body', async () => {
    const seen: number[] = [];
    const lambda = toLambdaHandler(async ({ body }) => void seen.push(body.n), {
      schema: z.object({ order: z.string(), n: z.number() }),
      idempotency: { store: new MemoryIdempotencyStore(), key: ({ body }) => body.order },
      logger: silentLogger,
    });
    const event: SQSEvent = { Records: [record('{"order":"a","n":1}'), record('{"order":"a","n":2}')] };
    await lambda(event, { awsRequestId: 'q', getRemainingTimeInMillis: () => 30_000 });
    expect(seen).toHaveLength(1);
  });

  test('answers an empty event', async () => {
    expect(await invoke(picky(), [])).toEqual([]);
  });
});
