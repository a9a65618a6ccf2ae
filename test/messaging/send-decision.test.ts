import { afterAnswer, afterFailure } from '../../messaging/send-decision';
import { SqsError } from '../../messaging/sqs-errors';
import type { EntryFailure, SendOutcome } from '../../messaging/transport';

const batchOf = (...groups: string[]) => groups.map((groupId, n) => ({ n, groupId, deadlineMs: 100 }));
const sent = (messageId: string): SendOutcome => ({ messageId });
const failed = (kind: EntryFailure['kind']): SendOutcome => ({ failure: { kind, code: 'Code', message: 'text' } });
const codes = (decision: ReturnType<typeof afterAnswer<{ n: number; groupId: string; deadlineMs: number }>>) =>
  decision.settled.map(([{ n }, result]) => [n, result.ok ? result.messageId : result.error.code]);

describe('afterAnswer', () => {
  test('repeats only what may succeed later', () => {
    const outcomes = [sent('x'), failed('transient'), failed('permanent'), failed('stale'), failed('throttled')];
    const decision = afterAnswer(batchOf('a', 'b', 'c', 'd', 'e'), outcomes, { fifo: true, nowMs: 0 });
    expect(codes(decision)).toEqual([
      [0, 'x'],
      [2, 'Code'],
      [3, 'Code'],
    ]);
    expect(decision.again.map(({ n }) => n)).toEqual([1, 4]);
    expect(decision.kind).toBe('throttled');
  });

  test('counts an entry that the answer does not mention as failed', () => {
    const decision = afterAnswer(batchOf('a', 'b'), [sent('x')], { fifo: false, nowMs: 0 });
    expect(decision.again.map(({ n }) => n)).toEqual([1]);
  });

  test('gives up at the deadline', () => {
    const outcomes = [failed('transient')];
    expect(afterAnswer(batchOf('a'), outcomes, { fifo: false, nowMs: 99 }).again).toHaveLength(1);
    expect(codes(afterAnswer(batchOf('a'), outcomes, { fifo: false, nowMs: 100 }))).toEqual([[0, 'Code']]);
  });

  test('never repeats a message that a later one of its FIFO group has overtaken', () => {
    const outcomes = [failed('transient'), failed('transient'), sent('x'), failed('transient')];
    const decision = afterAnswer(batchOf('a', 'b', 'a', 'a'), outcomes, { fifo: true, nowMs: 0 });
    expect(codes(decision)).toEqual([
      [0, 'Overtaken'],
      [2, 'x'],
    ]);
    expect(decision.again.map(({ n }) => n)).toEqual([1, 3]);
    expect(
      afterAnswer(batchOf('a', 'a'), [failed('transient'), sent('x')], { fifo: false, nowMs: 0 }).again,
    ).toHaveLength(1);
  });
});

describe('afterFailure', () => {
  const fail = (kind: SqsError['kind'], code: string, size = 2, nowMs = 0) =>
    afterFailure(batchOf(...Array<string>(size).fill('a')), new SqsError(kind, code, 'text'), nowMs);

  test.each(['transient', 'throttled', 'credentials'] as const)(
    'repeats all after a %s failure, until the deadline',
    (kind) => {
      expect(fail(kind, 'X')).toMatchObject({ settled: [], again: [{ n: 0 }, { n: 1 }], kind });
      expect(codes(fail(kind, 'X', 1, 100))).toEqual([[0, 'X']]);
    },
  );

  test('settles all after a permanent failure and tells that it concerns the whole queue', () => {
    const decision = fail('permanent', 'AccessDenied');
    expect(codes(decision)).toEqual([
      [0, 'AccessDenied'],
      [1, 'AccessDenied'],
    ]);
    expect(decision.queueWide).toMatchObject({ code: 'AccessDenied', retryable: false });
  });

  test('separates the good from the bad when the refusal may concern one message', () => {
    expect(fail('permanent', 'InvalidMessageContents')).toMatchObject({ again: [{ n: 0 }, { n: 1 }], oneByOne: true });
    expect(codes(fail('permanent', 'InvalidMessageContents', 1))).toEqual([[0, 'InvalidMessageContents']]);
    expect(fail('permanent', 'InvalidMessageContents', 1).queueWide).toBeUndefined();
    expect(fail('permanent', 'InvalidClientTokenId').queueWide).toBeDefined();
  });
});
