import { compareSequence, FifoLanes } from '../../messaging/fifo-lanes';
import fc from '../support/properties';

const item = (n: number, groupId = 'g') => ({ message: { groupId, sequenceNumber: String(n) } });

describe('FifoLanes', () => {
  test('starts one of a group at a time, in the order of the sequence numbers, however they came', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 20 }), (numbers) => {
        const lanes = new FifoLanes<ReturnType<typeof item>>();
        for (const n of numbers) lanes.add(item(n));
        const started: number[] = [];
        for (let next = lanes.next(); next; next = lanes.next()) {
          expect(lanes.next()).toBeUndefined();
          started.push(Number(next.message.sequenceNumber));
          lanes.leave(next);
        }
        expect(started).toEqual([...numbers].sort((a, b) => a - b));
        expect(lanes.size).toBe(0);
      }),
    );
  });

  test('compares sequence numbers as numbers', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n }), fc.bigInt({ min: 0n, max: 2n ** 128n }), (a, b) => {
        expect(Math.sign(compareSequence(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  test('takes groups in turn', () => {
    const lanes = new FifoLanes<ReturnType<typeof item>>();
    for (const group of ['a', 'b', 'c']) for (const n of [1, 2]) lanes.add(item(n, group));
    const order: string[] = [];
    for (let next = lanes.next(); next; next = lanes.next()) {
      order.push(next.message.groupId + next.message.sequenceNumber);
      lanes.leave(next);
    }
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2']);
  });

  test('gives out what is behind a failed item, last first', () => {
    const lanes = new FifoLanes<ReturnType<typeof item>>();
    const items = [1, 2, 3, 10].map((n) => item(n));
    for (const i of items) lanes.add(i);
    const head = lanes.next();
    expect(head && lanes.takeAfter(head)).toEqual([items[3], items[2], items[1]]);
    expect(lanes.next()).toBeUndefined();
  });

  test('forgets a group of which nothing is left', () => {
    const lanes = new FifoLanes<ReturnType<typeof item>>();
    for (let n = 0; n < 100; n++) {
      const [a, b] = [item(1, `g${n}`), item(2, `g${n}`)] as const;
      lanes.add(a);
      lanes.add(b);
      // Taken out while their lane is among those that may start.
      if (n % 2 === 0) lanes.takeAfter(a);
      else lanes.remove(b);
      lanes.remove(a);
    }
    expect(lanes.next()).toBeUndefined();
    expect(lanes.groups).toBe(0);
    const again = item(3, 'g1');
    lanes.add(again);
    expect(lanes.next()).toBe(again);
    lanes.leave(again);
    expect(lanes.ack(again)).toBe(true);
    lanes.acked(again);
    expect(lanes.groups).toBe(0);
  });

  test('lets one delete of a group go at a time', () => {
    const lanes = new FifoLanes<ReturnType<typeof item>>();
    const [a, b, c] = [item(1), item(2), item(3)] as const;
    expect([a, b, c].map((i) => lanes.ack(i))).toEqual([true, false, false]);
    expect(lanes.acked(a)).toBe(b);
    expect(lanes.ackLost(b)).toEqual([c]);
  });
});
