import {
  capacityRanges,
  capacitySteps,
  needFormula,
  needOf,
  NO_SCALE_IN,
  scaleInValue,
  scaleOutValue,
} from '../../../lib/scaling/need';
import { sizeWorkload } from '../../../lib/scaling/sizing';
import fc, { runs } from '../../support/properties';

const VIDEO = sizeWorkload({ averageProcessingSeconds: 180, acceptableLatencySeconds: 600 });
const OUT1 = needFormula(VIDEO, { periodSeconds: 60, noise: 2 });

const reading = fc.record({ visible: fc.nat(5000), inFlight: fc.nat(500), sent: fc.nat(2000) });
const formula = fc
  .record({
    averageProcessingSeconds: fc.integer({ min: 1, max: 4000 }),
    acceptableLatencySeconds: fc.integer({ min: 10, max: 8000 }),
    concurrency: fc.integer({ min: 1, max: 16 }),
    period: fc.constantFrom({ periodSeconds: 60, noise: 2 }, { periodSeconds: 300, noise: 1 }),
    groups: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
  })
  .map(({ period, groups, ...declared }) => needFormula(sizeWorkload(declared), period, groups));
const bounds = fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 3000 })).map(([min, more]) => ({ min, max: min + more }));

/** The capacity that Auto Scaling sets for an alarm's value, by the documented ends of a step. */
function capacityFor(steps: ReturnType<typeof capacitySteps>, value: number, direction: 'out' | 'in') {
  const hits = steps.filter(({ lower = -Infinity, upper = Infinity }) =>
    direction === 'out' ? lower <= value && value < upper : lower < value && value <= upper,
  );
  expect(hits).toHaveLength(1);
  return hits[0]?.capacity ?? NaN;
}

describe('needOf', () => {
  test('works the documented example', () => {
    expect(needOf(OUT1, { visible: 20, inFlight: 2, sent: 4 })).toBe(12);
    expect(needOf(OUT1, { visible: 0, inFlight: 16, sent: 0 })).toBe(6);
  });

  test('does not ask for one more when the backlog fills whole instances exactly', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3600 }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 1, max: 500 }),
        (averageProcessingSeconds, concurrency, instances) => {
          const sizing = sizeWorkload({ averageProcessingSeconds, concurrency, acceptableLatencySeconds: 600 });
          const f = needFormula(sizing, { periodSeconds: 60, noise: 2 });
          const visible = (instances * concurrency * sizing.drainTargetSeconds) / averageProcessingSeconds;
          fc.pre(Number.isInteger(visible));
          // A double may miss the product by its last bit: 6200 * 0.07 is 434.00000000000006.
          const need = needOf(f, { visible, inFlight: 0, sent: 0 });
          expect(Math.ceil(need * (1 - 2 * Number.EPSILON))).toBe(instances);
        },
      ),
    );
  });

  test('counts only arrivals above the noise', () => {
    expect(needOf(OUT1, { visible: 0, inFlight: 0, sent: 4 })).toBe(0);
    expect(needOf(OUT1, { visible: 0, inFlight: 0, sent: 16 })).toBe((16 - 8) * 3);
  });

  test('is capped by the message groups', () => {
    const capped = needFormula({ ...VIDEO, concurrency: 2 }, { periodSeconds: 60, noise: 2 }, 5);
    expect(needOf(capped, { visible: 1000, inFlight: 0, sent: 0 })).toBe(2.5);
  });

  test('never falls when there is more to do', () => {
    fc.assert(
      fc.property(formula, reading, reading, (f, a, b) => {
        const more = { visible: a.visible + b.visible, inFlight: a.inFlight + b.inFlight, sent: a.sent + b.sent };
        expect(needOf(f, more)).toBeGreaterThanOrEqual(needOf(f, a));
      }),
      { numRuns: runs(1000) },
    );
  });
});

describe('capacityRanges', () => {
  test('holds every integer up to 20', () => {
    expect(capacityRanges(0, 3)).toEqual([{ after: 0, capacities: [1, 2, 3], last: true }]);
    expect(capacityRanges(4, 4)).toEqual([{ after: 0, capacities: [4], last: true }]);
    expect(capacityRanges(1, 20)).toHaveLength(1);
  });

  test('continues geometrically to the maximum', () => {
    const [low, high] = capacityRanges(1, 100);
    expect(low?.capacities).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(high?.capacities.slice(0, 3)).toEqual([22, 24, 26]);
    expect(high?.capacities).toHaveLength(20);
  });

  test('rises to the maximum with at most 20 steps each, without gap or overlap', () => {
    fc.assert(
      fc.property(bounds, ({ min, max }) => {
        const ranges = capacityRanges(min, max);
        const all = ranges.flatMap((r) => r.capacities);
        expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
        expect(all[all.length - 1]).toBe(max);
        for (const range of ranges) {
          for (const direction of ['out', 'in'] as const) {
            const steps = capacitySteps(range, direction);
            expect(steps.length).toBeLessThanOrEqual(20);
            steps.slice(1).forEach((step, i) => expect(step.lower).toBe(steps[i]?.upper));
            steps.forEach(({ lower = -1, upper = Infinity }) => expect(lower).toBeLessThan(upper));
          }
        }
      }),
    );
  });
});

describe('scaling out', () => {
  test('sets at least the need, at most one step above it, and only upwards', () => {
    fc.assert(
      fc.property(formula, bounds, reading, fc.nat(4000), (f, { min, max }, r, d) => {
        const desired = Math.min(max, Math.max(min, d));
        const hits = capacityRanges(min, max).flatMap((range) => {
          const value = scaleOutValue(f, range, r, desired);
          return value > range.after ? [capacityFor(capacitySteps(range, 'out'), value, 'out')] : [];
        });
        const whole = Math.ceil(needOf(f, r));
        if (whole <= desired) return expect(hits).toEqual([]);
        expect(hits).toHaveLength(1);
        expect(hits[0]).toBeGreaterThanOrEqual(Math.min(max, whole));
        // At the maximum the alarm stays on and sets the maximum again.
        expect(hits[0]).toBeGreaterThanOrEqual(desired);
        expect(hits[0]).toBeLessThanOrEqual(max);
      }),
      { numRuns: runs(2000) },
    );
  });

  test('is idempotent: the capacity it sets, it does not raise again', () => {
    fc.assert(
      fc.property(formula, bounds, reading, (f, { min, max }, r) => {
        for (const range of capacityRanges(min, max)) {
          const value = scaleOutValue(f, range, r, min);
          if (value <= range.after) continue;
          const set = capacityFor(capacitySteps(range, 'out'), value, 'out');
          const again = scaleOutValue(f, range, r, set);
          expect(again > range.after ? capacityFor(capacitySteps(range, 'out'), again, 'out') : set).toBe(set);
        }
      }),
      { numRuns: runs(1000) },
    );
  });
});

describe('scaling in', () => {
  test('only lowers, never below the need, the busy work or the floor, and repeats change nothing', () => {
    fc.assert(
      fc.property(formula, bounds, reading, fc.nat(4000), (f, { min, max }, r, d) => {
        const desired = Math.min(max, Math.max(min, d));
        const floor = Math.max(1, min);
        for (const range of capacityRanges(min, max)) {
          const value = scaleInValue(f, range, r, desired, floor);
          if (value >= NO_SCALE_IN) continue;
          const set = capacityFor(capacitySteps(range, 'in'), value, 'in');
          expect(set).toBeLessThan(desired);
          expect(set).toBeGreaterThanOrEqual(floor);
          expect(set).toBeGreaterThanOrEqual(needOf(f, r));
          expect(set).toBeGreaterThanOrEqual(r.inFlight * f.perBusy);
          const again = scaleInValue(f, range, r, set, floor);
          expect(again >= NO_SCALE_IN ? set : capacityFor(capacitySteps(range, 'in'), again, 'in')).toBe(set);
        }
      }),
      { numRuns: runs(2000) },
    );
  });

  test('does not answer a scale-out on the same numbers', () => {
    fc.assert(
      fc.property(formula, bounds, reading, (f, { min, max }, r) => {
        for (const range of capacityRanges(min, max)) {
          const value = scaleOutValue(f, range, r, min);
          if (value <= range.after) continue;
          const set = capacityFor(capacitySteps(range, 'out'), value, 'out');
          for (const other of capacityRanges(min, max)) {
            expect(scaleInValue(f, other, r, set, Math.max(1, min))).toBe(NO_SCALE_IN);
          }
        }
      }),
      { numRuns: runs(1000) },
    );
  });
});
