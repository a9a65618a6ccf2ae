import { divideSlots } from '../../worker/slots';
import fc from '../support/properties';

describe('divideSlots', () => {
  test.each([
    [8, [3, 1], [6, 2]],
    [2, [9_999, 1], [1, 1]],
    [10, [1, 1, 1], [4, 3, 3]],
    [1, [5], [1]],
  ])('%i slots by weights %j are %j', (total, weights, shares) => {
    expect(divideSlots(total, weights)).toEqual(shares);
  });

  test('gives away every slot, at least one to each, and never less to a heavier queue', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9_999 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(weights, fc.nat(200), (list, more) => {
        const total = list.length + more;
        const shares = divideSlots(total, list);
        expect(shares.reduce((all, share) => all + share, 0)).toBe(total);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(1);
        list.forEach((weight, i) =>
          list.forEach((other, j) => {
            if (weight > other) expect((shares[i] ?? 0) + 1).toBeGreaterThan(shares[j] ?? 0);
          }),
        );
      }),
    );
  });
});
