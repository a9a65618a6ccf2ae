import { readFileSync } from 'node:fs';
import { Random } from '../../sim/random';
import { clairvoyantInstanceSeconds } from '../../sim/clairvoyant';
import { EventHeap } from '../../sim/event-heap';
import {
  empiricalServiceTime,
  exponentialServiceTime,
  fixedServiceTime,
  lognormalServiceTime,
  normalQuantile,
} from '../../sim/service-time';
import { DEFAULT_TIMING, parseTiming } from '../../sim/timing';
import {
  defaultDurationSeconds,
  drawArrivals,
  expectedArrivals,
  namedWorkload,
  WORKLOAD_NAMES,
} from '../../sim/workload';
import { tableRowsOf } from '../support/doc-pages';

const DAY = 86_400;
const shape = { ratePerSecond: 0.5, peakRatePerSecond: 2, burst: 100, durationSeconds: 86_400 };

describe('namedWorkload', () => {
  test.each(WORKLOAD_NAMES)('draws about as many arrivals as expected, ascending and within the time: %s', (name) => {
    const workload = namedWorkload(name, shape, 4);
    const arrivals = drawArrivals(workload, 4);
    const expected = expectedArrivals(workload);
    expect(Math.abs(arrivals.length - expected)).toBeLessThan(5 * Math.sqrt(expected));
    expect(arrivals.every((at, i) => at >= (arrivals[i - 1] ?? 0))).toBe(true);
    expect(arrivals.at(-1)).toBeLessThan(86_400);
    expect(drawArrivals(workload, 4).slice(0, 100)).toEqual(arrivals.slice(0, 100));
  });

  test('has five working days and a quiet weekend a week', () => {
    const { rates } = namedWorkload('weekly', { ...shape, durationSeconds: 8 * DAY }, 1);
    const ofDay = (day: number) =>
      rates.filter(({ untilSeconds }) => Math.ceil(untilSeconds / DAY) === day).map(({ perSecond }) => perSecond);
    const [monday, saturday] = [ofDay(1), ofDay(6)];
    expect(monday).toEqual(namedWorkload('diurnal', shape, 1).rates.map(({ perSecond }) => perSecond));
    expect(new Set(saturday)).toEqual(new Set([0.5]));
    expect([2, 3, 4, 5, 8].map((day) => Math.max(...ofDay(day)))).toEqual(Array(5).fill(Math.max(...monday)));
    expect(ofDay(7)).toEqual(saturday);
  });

  test('has a batch each midnight, none at the very end', () => {
    const bursts = (days: number) => namedWorkload('nightly', { ...shape, durationSeconds: days * DAY }, 1).bursts;
    expect(bursts(3)).toEqual([1, 2].map((day) => ({ atSeconds: day * DAY, count: 100 })));
    expect([bursts(1), bursts(0.5)]).toEqual([[], []]);
    expect(bursts(1.5)).toHaveLength(1);
  });

  test('is described in docs/simulator.md, with its length', () => {
    const rows = tableRowsOf(readFileSync('docs/simulator.md', 'utf8'));
    for (const name of WORKLOAD_NAMES) {
      const hours = defaultDurationSeconds(name) / 3_600;
      const length = hours > 24 ? `${hours / 24} days` : `${hours} h`;
      expect(rows.filter(([first, , last]) => first === `\`${name}\`` && last === length)).toHaveLength(1);
    }
  });

  test('puts the burst, the step and the peak where the documentation says', () => {
    expect(namedWorkload('spike', shape, 1).bursts).toEqual([{ atSeconds: 10_800, count: 100 }]);
    expect(namedWorkload('step', shape, 1).rates.map((rate) => rate.perSecond)).toEqual([0.5, 2]);
    const { rates } = namedWorkload('diurnal', shape, 1);
    expect(Math.max(...rates.map((rate) => rate.perSecond))).toBeCloseTo(2, 3);
    expect(rates.find((rate) => rate.untilSeconds > 43_200)?.perSecond).toBeCloseTo(2, 3);
  });
});

describe('service times', () => {
  test.each([
    fixedServiceTime(60),
    exponentialServiceTime(60),
    lognormalServiceTime(60, 240),
    empiricalServiceTime([30, 60, 90]),
  ])('have the mean and the quantiles that they declare: %o', (service) => {
    const random = new Random(9);
    const draws = Array.from({ length: 100_000 }, () => service.draw(random)).sort((a, b) => a - b);
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    expect(Math.abs(mean / service.meanSeconds - 1)).toBeLessThan(0.02);
    for (const share of [0.1, 0.5, 0.99]) {
      expect(Math.abs((draws[share * 100_000] ?? 0) / service.quantile(share) - 1)).toBeLessThan(0.05);
    }
  });

  test('take the 99th percentile of a lognormal', () => {
    expect(lognormalServiceTime(180, 720).quantile(0.99)).toBeCloseTo(720, 4);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 5);
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
  });

  test.each([
    [60, 30],
    [60, 1_000],
  ])('fail when no lognormal has mean %d and 99th percentile %d', (mean, p99) => {
    expect(() => lognormalServiceTime(mean, p99)).toThrow(/must be 1 to 15.0 times the average/);
  });

  test('fail without samples', () => {
    expect(() => empiricalServiceTime([])).toThrow(RangeError);
  });
});

describe('clairvoyantInstanceSeconds', () => {
  const bound = (arrivals: readonly number[], minInstances = 0, acceptableLatencySeconds = 100) =>
    clairvoyantInstanceSeconds({
      arrivals: Float64Array.from(arrivals),
      serviceSeconds: Float64Array.from(arrivals, () => 50),
      acceptableLatencySeconds,
      concurrency: 2,
      minInstances,
      durationSeconds: 1_000,
    });

  test('is the work when nothing must run, and the minimum when that does all of it in time', () => {
    expect(bound([0, 100, 900])).toBe(75);
    expect(bound([0, 100, 900], 1)).toBe(1_000);
  });

  test('buys what the minimum cannot do before it is due', () => {
    // 20 jobs are 500 instance-seconds; one instance does 100 of them within the latency.
    expect(bound(new Array<number>(20).fill(0), 1)).toBe(1_000 + 400 - 10);
    expect(bound(new Array<number>(20).fill(0), 1, 600)).toBe(1_000);
  });
});

describe('EventHeap', () => {
  test('gives events by time, and in the order they came for equal times', () => {
    const heap = new EventHeap();
    const random = new Random(2);
    const pushed = Array.from({ length: 5_000 }, (_, i) => ({ at: random.below(500), subject: i }));
    for (const { at, subject } of pushed) heap.push(at, 1, subject, -subject);
    const popped: { at: number; subject: number }[] = [];
    while (heap.pop()) popped.push({ at: heap.atSeconds, subject: heap.subject });
    expect(popped).toEqual(pushed.sort((a, b) => a.at - b.at || a.subject - b.subject));
    expect([heap.size, heap.nextSeconds]).toEqual([0, Infinity]);
  });
});

describe('Random', () => {
  test('is determined by seed and stream', () => {
    const draw = (seed: number, stream: string) => {
      const random = new Random(seed, stream);
      return Array.from({ length: 5 }, () => random.next());
    };
    expect(draw(1, 'a')).toEqual(draw(1, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
    expect(draw(1, 'a')).not.toEqual(draw(2, 'a'));
  });

  test.each([0.5, 20, 200])('draws Poisson counts of mean and variance %d', (mean) => {
    const random = new Random(7);
    const draws = Array.from({ length: 50_000 }, () => random.poisson(mean));
    const average = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const variance = draws.reduce((sum, value) => sum + (value - average) ** 2, 0) / draws.length;
    expect(Math.abs(average / mean - 1)).toBeLessThan(0.02);
    expect(Math.abs(variance / mean - 1)).toBeLessThan(0.05);
  });
});

describe('parseTiming', () => {
  test('overrides by name: a number, or least and most', () => {
    expect(parseTiming('{"launch":[60,90],"queuePublication":45,"alarmInterval":30}', 't.json')).toEqual({
      ...DEFAULT_TIMING,
      launch: { min: 60, max: 90 },
      queuePublication: { min: 45, max: 45 },
      alarmInterval: 30,
    });
  });

  test.each([
    ['{', /^t.json: is not JSON/],
    ['[]', /^t.json: must hold one JSON object/],
    ['{"boot":1}', /^t.json: 'boot' is not a timing: use one of queuePublication, /],
    ['{"launch":[9,1]}', /^t.json: 'launch' must be a number of seconds or \[least, most\], not \[9,1\]/],
    ['{"launch":"fast"}', /^t.json: 'launch' must be a number of seconds/],
    ['{"alarmInterval":0}', /^t.json: 'alarmInterval' must be more than 0/],
    ['{"trackingInPeriods":1.5}', /^t.json: 'trackingInPeriods' must be a whole number of at least 1, not 1.5/],
    ['{"launchFailureShare":1}', /^t.json: 'launchFailureShare' must be less than 1, not 1/],
    ['{"alarmInterval":-1}', /^t.json: 'alarmInterval' must be a number of at least 0, not -1/],
  ])('fails when it is given %s', (text, message) => {
    expect(() => parseTiming(text, 't.json')).toThrow(message);
  });
});
