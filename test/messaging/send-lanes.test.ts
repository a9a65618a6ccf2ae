import { SendLanes, type Packable } from '../../messaging/send-lanes';
import fc, { runs } from '../support/properties';

interface Item extends Packable {
  readonly n: number;
}

const MAX_BYTES = 100;
const lanesOf = (fifo: boolean): SendLanes<Item> => new SendLanes({ maxEntries: 10, maxBytes: MAX_BYTES, fifo });
const numbers = (batch: readonly Item[]): number[] => batch.map((item) => item.n);
const item = (n: number, bytes = 1, groupId?: string): Item => ({ n, bytes, groupId });

describe('SendLanes', () => {
  test('packs ten messages, in order', () => {
    const lanes = lanesOf(false);
    for (let n = 0; n < 23; n++) lanes.add(item(n));
    expect(lanes.isFull).toBe(true);
    expect([lanes.take(), lanes.take(), lanes.take(), lanes.take()].map((batch) => batch.length)).toEqual([
      10, 10, 3, 0,
    ]);
  });

  test.each([
    [[50, 50], [[0, 1]]],
    [
      [50, 51],
      [[0], [1]],
    ],
    [
      [100, 1],
      [[0], [1]],
    ],
    [
      [1, 99, 1],
      [[0, 1], [2]],
    ],
  ])('packs sizes %j of at most 100 bytes as %j', (sizes, batches) => {
    const lanes = lanesOf(false);
    sizes.forEach((bytes, n) => lanes.add(item(n, bytes)));
    expect(batches.map(() => numbers(lanes.take()))).toEqual(batches);
  });

  test('locks the groups of a FIFO batch until they are released', () => {
    const lanes = lanesOf(true);
    const first = item(0, 60, 'a');
    lanes.add(first);
    lanes.add(item(1, 60, 'a'));
    lanes.add(item(2, 40, 'b'));
    expect(numbers(lanes.take())).toEqual([0, 2]);
    expect(lanes.take()).toEqual([]);
    lanes.release([first]);
    expect(numbers(lanes.take())).toEqual([1]);
  });

  test('passes over a group whose first message does not fit, without overtaking inside it', () => {
    const lanes = lanesOf(true);
    lanes.add(item(0, 60, 'a'));
    lanes.add(item(1, 60, 'b'));
    lanes.add(item(2, 10, 'b'));
    lanes.add(item(3, 40, 'c'));
    expect(numbers(lanes.take())).toEqual([0, 3]);
  });

  test('sends a lone message in a request of its own', () => {
    const lanes = lanesOf(false);
    lanes.add(item(0));
    lanes.add({ ...item(1), alone: true });
    lanes.add(item(2));
    expect([lanes.take(), lanes.take(), lanes.take()].map(numbers)).toEqual([[0], [1], [2]]);
  });

  test('puts failed messages back before all others, in their order', () => {
    const lanes = lanesOf(true);
    for (let n = 0; n < 12; n++) lanes.add(item(n, 1, 'a'));
    const batch = lanes.take();
    lanes.putBack(batch.slice(3, 5));
    lanes.release(batch);
    expect(numbers(lanes.take())).toEqual([3, 4, 10, 11]);
  });

  test('takes out what is wanted, also behind a lock', () => {
    const lanes = lanesOf(true);
    for (let n = 0; n < 13; n++) lanes.add(item(n, 1, 'a'));
    const batch = lanes.take();
    expect(numbers(lanes.takeAll(({ n }) => n === 11))).toEqual([11]);
    expect(lanes.count).toBe(2);
    lanes.release(batch);
    expect(numbers(lanes.takeAll())).toEqual([10, 12]);
    expect([lanes.count, lanes.isFull, lanes.take()]).toEqual([0, false, []]);
  });

  const action = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('add' as const),
        group: fc.nat(3),
        bytes: fc.integer({ min: 1, max: MAX_BYTES }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('finish' as const), which: fc.nat(5), failFrom: fc.nat(10) }) },
  );

  test.each([true, false])(
    'loses nothing, exceeds nothing and, when FIFO (%p), keeps each group in order one request at a time',
    (fifo) => {
      fc.assert(
        fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
          const lanes = lanesOf(fifo);
          const sent: Item[] = [];
          const underWay: Item[][] = [];
          let added = 0;
          const take = (): boolean => {
            const batch = lanes.take();
            if (batch.length === 0) return false;
            expect(batch.length).toBeLessThanOrEqual(10);
            expect(batch.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(MAX_BYTES);
            const others = new Set(underWay.flat().map(({ groupId }) => groupId));
            if (fifo) for (const { groupId } of batch) expect(others.has(groupId)).toBe(false);
            underWay.push(batch);
            return true;
          };
          // The tail of the batch fails: what a group sent before stays sent, so its order can be checked.
          const finish = (which: number, failFrom: number): void => {
            const [batch] = underWay.splice(which % underWay.length, 1);
            sent.push(...(batch ?? []).slice(0, failFrom));
            lanes.putBack((batch ?? []).slice(failFrom));
            lanes.release(batch ?? []);
          };
          for (const step of actions) {
            if (step.do === 'add') lanes.add({ n: added++, bytes: step.bytes, groupId: `g${step.group}` });
            else if (step.do === 'take') take();
            else if (underWay.length > 0) finish(step.which, step.failFrom);
          }
          while (underWay.length > 0 || take()) while (underWay.length > 0) finish(0, 10);
          expect(lanes.count).toBe(0);
          expect(numbers(sent).toSorted((a, b) => a - b)).toEqual([...Array(added).keys()]);
          if (!fifo) return;
          const last = new Map<string | undefined, number>();
          for (const { n, groupId } of sent) {
            expect(n).toBeGreaterThan(last.get(groupId) ?? -1);
            last.set(groupId, n);
          }
        }),
        { numRuns: runs(300) },
      );
    },
  );
});
