import {
  adjust,
  roundChange,
  stepFor,
  stepText,
  trackedCapacity,
  type Adjustment,
  type Capacity,
} from '../../sim/capacity';
import type { StepModel } from '../../sim/scaling-model';
import fc, { runs } from '../support/properties';

const step = (lower: number, upper: number, adjustment: number): StepModel => ({ lower, upper, adjustment });
const group = (capacity: Partial<Capacity>): Capacity => {
  const desired = capacity.desired ?? 10;
  return { desired, inService: desired, pending: 0, terminating: 0, min: 1, max: 100, ...capacity };
};

/** The example of https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html, threshold 50. */
const OUT = [step(0, 10, 0), step(10, 20, 10), step(20, Infinity, 30)];
const IN = [step(-10, 0, 0), step(-20, -10, -10), step(-Infinity, -20, -30)];
const HIGH = { threshold: 50, comparison: 'GreaterThanOrEqualToThreshold' } as const;
const LOW = { threshold: 50, comparison: 'LessThanOrEqualToThreshold' } as const;
const percent = (steps: readonly StepModel[], value: number): Adjustment => ({
  type: 'PercentChangeInCapacity',
  amount: stepFor(steps, value, steps === OUT ? HIGH : LOW)?.adjustment ?? NaN,
  minMagnitude: 0,
});

describe('adjust', () => {
  test('follows the documented example of step adjustments', () => {
    for (const value of [50, 55, 59.9]) expect(adjust(group({}), percent(OUT, value), 0)).toBeUndefined();
    expect(adjust(group({}), percent(OUT, 60), 0)).toBe(11);
    expect(adjust(group({ desired: 11 }), percent(OUT, 70), 0)).toBe(14);
    for (const value of [41, 49]) expect(adjust(group({ desired: 14 }), percent(IN, value), 0)).toBeUndefined();
    expect(adjust(group({ desired: 14 }), percent(IN, 40), 0)).toBe(13);
    expect(adjust(group({ desired: 13 }), percent(IN, 30), 0)).toBe(10);
  });

  test('follows the documented example of instance warm-up', () => {
    const warming = group({ desired: 11, inService: 11 });
    expect(adjust(warming, percent(OUT, 62), 1)).toBeUndefined();
    expect(adjust(warming, percent(OUT, 70), 1)).toBe(13);
    const launching = group({ desired: 11, inService: 10, pending: 1 });
    expect(adjust(launching, percent(OUT, 62), 0)).toBeUndefined();
    expect(adjust(launching, percent(OUT, 70), 0)).toBe(13);
  });

  test.each([
    [12.7, 12],
    [0.67, 1],
    [-0.58, -1],
    [-6.67, -6],
    [0, 0],
    [3, 3],
  ])('rounds a change of %d to %d, as documented', (change, rounded) => {
    expect(roundChange(change)).toBe(rounded);
  });

  test('adds at least the minimum magnitude, as documented: 25 percent of 4, but at least 2', () => {
    const adjustment: Adjustment = { type: 'PercentChangeInCapacity', amount: 25, minMagnitude: 2 };
    expect(adjust(group({ desired: 4 }), adjustment, 0)).toBe(6);
    expect(adjust(group({ desired: 4 }), { ...adjustment, amount: -25 }, 0)).toBe(2);
  });

  test('changes by and to the documented numbers', () => {
    expect(adjust(group({ desired: 3 }), { type: 'ChangeInCapacity', amount: 5, minMagnitude: 0 }, 0)).toBe(8);
    expect(adjust(group({ desired: 3 }), { type: 'ExactCapacity', amount: 5, minMagnitude: 0 }, 0)).toBe(5);
  });

  test('does not scale in while instances launch or warm up, and counts those that terminate', () => {
    const less: Adjustment = { type: 'ChangeInCapacity', amount: -1, minMagnitude: 0 };
    expect(adjust(group({}), less, 0)).toBe(9);
    expect(adjust(group({}), less, 1)).toBeUndefined();
    expect(adjust(group({ pending: 1 }), less, 0)).toBeUndefined();
    expect(adjust(group({ desired: 9, inService: 9, terminating: 1 }), less, 0)).toBeUndefined();
  });

  test('stays within the bounds', () => {
    expect(adjust(group({ max: 12 }), { type: 'ExactCapacity', amount: 50, minMagnitude: 0 }, 0)).toBe(12);
    expect(adjust(group({ min: 4 }), { type: 'ExactCapacity', amount: 0, minMagnitude: 0 }, 0)).toBe(4);
  });

  test('is idempotent for ExactCapacity, and never leaves the bounds', () => {
    const count = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(count, count, count, fc.integer({ min: 0, max: 80 }), (desired, inService, warming, amount) => {
        const capacity = group({ desired, inService, min: 2, max: 50 });
        const exact: Adjustment = { type: 'ExactCapacity', amount, minMagnitude: 0 };
        const once = adjust(capacity, exact, warming);
        if (once === undefined) return;
        expect(once).toBeGreaterThanOrEqual(2);
        expect(once).toBeLessThanOrEqual(50);
        expect(adjust({ ...capacity, desired: once }, exact, warming)).toBeUndefined();
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('stepFor', () => {
  test.each([
    [50, '[50, 60)'],
    [60, '[60, 70)'],
    [70, '70 or more'],
    [1e9, '70 or more'],
  ])('takes the lower bound in above the threshold: %d', (value, text) => {
    const found = stepFor(OUT, value, HIGH);
    expect(found && stepText(found, 50)).toBe(text);
  });

  test.each([
    [40, '(30, 40]'],
    [40.1, '(40, 50]'],
    [50, '(40, 50]'],
    [30, '30 or less'],
  ])('takes the upper bound in below the threshold: %d', (value, text) => {
    const found = stepFor(IN, value, LOW);
    expect(found && stepText(found, 50)).toBe(text);
  });
});

test('stepFor finds no step on the side to which the alarm does not look', () => {
  expect(stepFor(OUT, 50, LOW)).toBeUndefined();
  expect(stepFor(IN, 50, HIGH)).toBeUndefined();
  const toNone = [step(-Infinity, 0, 0)];
  expect(stepFor(toNone, 0, { threshold: 0, comparison: 'LessThanOrEqualToThreshold' })).toBe(toNone[0]);
});

describe('trackedCapacity', () => {
  test('sets capacity in proportion, rounded up', () => {
    expect(trackedCapacity(group({ desired: 4 }), 15, 10, 0)).toBe(6);
    expect(trackedCapacity(group({ desired: 4 }), 5, 10, 0)).toBe(2);
    expect(trackedCapacity(group({ desired: 3 }), 10, 30, 0)).toBe(1);
  });

  test('cannot start from zero', () => {
    expect(trackedCapacity(group({ desired: 0, min: 0 }), 1e6, 10, 0)).toBe(0);
  });

  test('does not count instances that warm up when it scales out', () => {
    expect(trackedCapacity(group({ desired: 8 }), 20, 10, 4)).toBe(8);
    expect(trackedCapacity(group({ desired: 8 }), 30, 10, 4)).toBe(12);
  });
});
