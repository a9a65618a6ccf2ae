/** When jobs arrive: named shapes, and traces from a file. */
import { Random } from './random';

/** Names of the built-in shapes. */
export const WORKLOAD_NAMES = ['constant', 'step', 'spike', 'diurnal', 'bursty'] as const;

/** One of the built-in shapes. */
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

/** Numbers that the shapes are made of. */
export interface WorkloadShape {
  /** Usual arrival rate, per second. */
  readonly ratePerSecond: number;
  /** Arrival rate of the busy times, per second. */
  readonly peakRatePerSecond: number;
  /** Jobs that arrive at once in `spike`. */
  readonly burst: number;
  readonly durationSeconds: number;
}

/** Arrivals as a rate over time, plus jobs that arrive at once. */
export interface Workload {
  readonly name: string;
  readonly durationSeconds: number;
  /** Piecewise constant rates, contiguous from second 0, in order. */
  readonly rates: readonly { readonly untilSeconds: number; readonly perSecond: number }[];
  readonly bursts: readonly { readonly atSeconds: number; readonly count: number }[];
  /** Arrival seconds of a trace; the rates are empty then. */
  readonly trace?: Trace;
}

/** Arrivals read from a file. */
export interface Trace {
  /** Seconds, ascending. */
  readonly arrivals: Float64Array;
  /** Service time of each arrival; NaN where the file gives none. */
  readonly serviceSeconds: Float64Array;
}

/** Typical length of each shape, seconds. */
export const DEFAULT_DURATION_SECONDS: Readonly<Record<WorkloadName, number>> = {
  constant: 14_400,
  step: 14_400,
  spike: 14_400,
  diurnal: 86_400,
  bursty: 28_800,
};

/** Pieces of a smooth curve. */
const DIURNAL_PIECE_SECONDS = 300;
/** Mean length of the quiet and of the busy times of `bursty`. */
const BURSTY_SECONDS = { quiet: 1_200, busy: 600 } as const;

/**
 * Makes a named workload.
 *
 * - `constant`: the usual rate.
 * - `step`: the usual rate for a quarter of the time, then the peak rate.
 * - `spike`: the usual rate, and `burst` jobs at once after an eighth of the time.
 * - `diurnal`: a cosine from the usual rate (at the start and the end of each 24 hours) to the peak rate.
 * - `bursty`: the usual and the peak rate in turns, each for an exponential time (mean 20 and 10 minutes).
 *
 * @param seed draws the turns of `bursty`
 */
export function namedWorkload(name: WorkloadName, shape: WorkloadShape, seed: number): Workload {
  const { durationSeconds, ratePerSecond, peakRatePerSecond, burst } = shape;
  const base = { name, durationSeconds, bursts: [] };
  const constant = [{ untilSeconds: durationSeconds, perSecond: ratePerSecond }];
  switch (name) {
    case 'constant':
      return { ...base, rates: constant };
    case 'step':
      return {
        ...base,
        rates: [
          { untilSeconds: durationSeconds / 4, perSecond: ratePerSecond },
          { untilSeconds: durationSeconds, perSecond: peakRatePerSecond },
        ],
      };
    case 'spike':
      return { ...base, rates: constant, bursts: [{ atSeconds: durationSeconds / 8, count: Math.round(burst) }] };
    case 'diurnal': {
      const pieces = Math.ceil(durationSeconds / DIURNAL_PIECE_SECONDS);
      const rates = Array.from({ length: pieces }, (_, i) => {
        const middle = (i + 0.5) * DIURNAL_PIECE_SECONDS;
        const height = (1 - Math.cos((2 * Math.PI * middle) / 86_400)) / 2;
        return {
          untilSeconds: Math.min(durationSeconds, (i + 1) * DIURNAL_PIECE_SECONDS),
          perSecond: ratePerSecond + (peakRatePerSecond - ratePerSecond) * height,
        };
      });
      return { ...base, rates };
    }
    case 'bursty': {
      const random = new Random(seed, 'bursty');
      const rates: { untilSeconds: number; perSecond: number }[] = [];
      for (let at = 0, isBusy = false; at < durationSeconds; isBusy = !isBusy) {
        at += random.exponential(isBusy ? BURSTY_SECONDS.busy : BURSTY_SECONDS.quiet);
        rates.push({
          untilSeconds: Math.min(at, durationSeconds),
          perSecond: isBusy ? peakRatePerSecond : ratePerSecond,
        });
      }
      return { ...base, rates };
    }
  }
}

/** Expected number of arrivals. */
export function expectedArrivals(workload: Workload): number {
  if (workload.trace !== undefined) return workload.trace.arrivals.length;
  let [sum, from] = [0, 0];
  for (const { untilSeconds, perSecond } of workload.rates) {
    sum += (untilSeconds - from) * perSecond;
    from = untilSeconds;
  }
  return workload.bursts.reduce((total, { count }) => total + count, sum);
}

/** Draws the arrival seconds of a workload: a Poisson process of its rates, plus its bursts, ascending. */
export function drawArrivals(workload: Workload, seed: number): Float64Array {
  if (workload.trace !== undefined) return workload.trace.arrivals;
  const random = new Random(seed, 'arrivals');
  const arrivals: number[] = [];
  let from = 0;
  for (const { untilSeconds, perSecond } of workload.rates) {
    if (perSecond > 0) {
      const gap = 1 / perSecond;
      for (let at = from + random.exponential(gap); at < untilSeconds; at += random.exponential(gap)) arrivals.push(at);
    }
    from = untilSeconds;
  }
  for (const { atSeconds, count } of workload.bursts) for (let i = 0; i < count; i++) arrivals.push(atSeconds);
  const drawn = Float64Array.from(arrivals);
  return workload.bursts.length > 0 ? drawn.sort() : drawn;
}

/**
 * Reads a trace: one arrival a line, `second` or `second,service seconds`. A first line of words is a header, empty lines
 * and lines that start with `#` are skipped, the order is free.
 *
 * @throws Error with file and line number for a row that is malformed
 */
export function parseTrace(text: string, file: string): Workload {
  const rows: { readonly at: number; readonly service: number }[] = [];
  let isFirst = true;
  text.split(/\r?\n/).forEach((line, i) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const mayBeHeader = isFirst;
    isFirst = false;
    const cells = trimmed.split(',').map((cell) => cell.trim());
    if (mayBeHeader && cells.every((cell) => /^"?[A-Za-z_]/.test(cell))) return;
    const [at, service] = cells.map((cell, column) => (cell !== '' ? Number(cell) : column === 1 ? undefined : NaN));
    const fail = (reason: string) => new Error(`${file}:${i + 1}: ${reason}: '${trimmed}'`);
    if (cells.length > 2) throw fail(`has ${cells.length} columns instead of 'arrival second' and 'service seconds'`);
    if (at === undefined || !Number.isFinite(at) || at < 0)
      throw fail('the arrival second must be a number of at least 0');
    if (service !== undefined && !(Number.isFinite(service) && service >= 0)) {
      throw fail('the service seconds must be a number of at least 0');
    }
    rows.push({ at, service: service ?? NaN });
  });
  if (rows.length === 0) throw new Error(`${file}: has no arrivals`);
  rows.sort((a, b) => a.at - b.at);
  const arrivals = Float64Array.from(rows, (row) => row.at);
  return {
    name: file,
    durationSeconds: Math.ceil((arrivals.at(-1) ?? 0) + 1),
    rates: [],
    bursts: [],
    trace: { arrivals, serviceSeconds: Float64Array.from(rows, (row) => row.service) },
  };
}
