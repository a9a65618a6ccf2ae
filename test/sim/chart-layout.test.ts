import { axisEnd, legendHeight, withGaps } from '../../sim/chart-layout';

describe('axisEnd', () => {
  test.each([
    [40, 0, 50],
    [9.6, 10, 12],
    [6, 10, 12],
    [1, 10, 1.2],
    [66, 10, 80],
    [100, 0, 120],
    [0, 10, 1.2],
    [0.003, 0, 0.004],
  ])('leaves room above %d with %d acceptable', (largest, acceptable, end) => {
    expect(axisEnd(largest, acceptable)).toBeCloseTo(end, 9);
  });
});

test('legendHeight counts the rows of wrapped names', () => {
  const one = legendHeight(['keda'], 500);
  expect(legendHeight(['keda', 'copilot', 'watchbot'], 500)).toBe(one);
  expect(legendHeight(Array<string>(4).fill('queueProcessingOnInstances'), 500)).toBe(2 * one);
  expect(legendHeight(['a name that is wider than everything'], 100)).toBe(one);
});

describe('withGaps', () => {
  const at = (...points: readonly number[]) =>
    Array.from({ length: 41 }, (_, i) => [i, points.includes(i) ? 7 : NaN] as const);

  test('goes on across a few missing values', () => {
    expect(withGaps(at(0, 10, 20))).toEqual([
      [0, 7],
      [10, 7],
      [20, 7],
    ]);
  });

  test('is broken by many, and shows lone points as dashes', () => {
    expect(withGaps(at(1, 20, 21, 40))).toEqual([
      [1, 7],
      [5, 7],
      [20, null],
      [20, 7],
      [21, 7],
      [40, null],
      [40, 7],
      [44, 7],
    ]);
  });

  test('is empty without values', () => {
    expect(withGaps(at())).toEqual([]);
    expect(withGaps([])).toEqual([]);
  });
});
