import { Consumer, systemClock, type SqsTransport } from '../../messaging';
import { delay } from '../../messaging/clock';

const LONGEST_MS = 2 ** 31 - 1;

describe('systemClock', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test.each([1, LONGEST_MS - 1, LONGEST_MS, LONGEST_MS + 1, 5 * LONGEST_MS])(
    'waits %d ms, although Node has no timer of more than 24 days',
    (delayMs) => {
      const called = jest.fn();
      systemClock.setTimer(delayMs, called);
      for (let waitedMs = 0; waitedMs < delayMs - 1; waitedMs += LONGEST_MS)
        jest.advanceTimersByTime(Math.min(LONGEST_MS, delayMs - 1 - waitedMs));
      expect(called).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(called).toHaveBeenCalledTimes(1);
      expect(jest.getTimerCount()).toBe(0);
    },
  );

  test('cancels a long timer in any of its parts', () => {
    const called = jest.fn();
    const cancel = systemClock.setTimer(Infinity, called);
    jest.advanceTimersByTime(LONGEST_MS);
    jest.advanceTimersByTime(LONGEST_MS);
    expect(jest.getTimerCount()).toBe(1);
    cancel();
    expect(jest.getTimerCount()).toBe(0);
    expect(called).not.toHaveBeenCalled();
  });

  test('a drain without an end lets its handlers finish', async () => {
    let finish = (): void => {};
    const reasons: unknown[] = [];
    let sent = false;
    const transport: SqsTransport = {
      receive: async ({ maxMessages }) => {
        if (sent || maxMessages === 0) return delay(systemClock, 1_000).then(() => []);
        sent = true;
        return [{ messageId: 'm', receiptHandle: 'h', body: '', attributes: {}, receiveCount: 1, sentAtMs: 0 }];
      },
      deleteBatch: async (_, handles) => handles.map(() => undefined),
      changeVisibilityBatch: async (_, changes) => changes.map(() => undefined),
      sendBatch: async () => [],
    };
    const consumer = new Consumer({
      sqs: transport,
      queueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/jobs',
      handler: (_message, { signal }) => {
        signal.addEventListener('abort', () => reasons.push(signal.reason));
        return new Promise((resolve) => (finish = resolve));
      },
    });
    consumer.start();
    await jest.advanceTimersByTimeAsync(1_000);
    const drained = consumer.drain({ budgetMs: Infinity });
    await jest.advanceTimersByTimeAsync(60_000);
    expect(reasons).toEqual([]);
    finish();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await drained).toMatchObject({ clean: true, aborted: 0, finished: 1 });
    expect(jest.getTimerCount()).toBe(0);
  });
});
