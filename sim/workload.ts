/** When jobs arrive: named shapes, and traces from a file. */
import { Random } from './random';

/** Names of the built-in shapes. */
export const WORKLOAD_NAMES = ['constant', 'step', 'spike', 'diurnal', 'weekly', 'nightly', 'bursty'] as const;

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

const HOUR = 3_600;
const DAY = 24 * HOUR;
/** Pieces of a smooth curve. */
const CURVE_PIECE_SECONDS = 300;
/** Days of a week on which people work; the first second is a Monday's. */
const WORKING_DAYS = 5;
/** Mean length of the quiet and of the busy times of `bursty`. */
const BURSTY_SECONDS = { quiet: 1_200, busy: 600 } as const;

/** A kind of arrivals. */
interface ShapeKind {
  /** Length without `--duration`. */
  readonly durationSeconds: number;
  /** @param seed draws what is random about the rates themselves; arrivals are drawn later */
  readonly draw: (shape: WorkloadShape, seed: number) => Partial<Pick<Workload, 'rates' | 'bursts'>>;
}

const SHAPES: Readonly<Record<WorkloadName, ShapeKind>> = {
  /** The usual rate. */
  constant: { durationSeconds: 4 * HOUR, draw: () => ({}) },
  /** The usual rate for a quarter of the time, then the peak rate. */
  step: {
    durationSeconds: 4 * HOUR,
    draw: ({ durationSeconds, ratePerSecond, peakRatePerSecond }) => ({
      rates: [
        { untilSeconds: durationSeconds / 4, perSecond: ratePerSecond },
        { untilSeconds: durationSeconds, perSecond: peakRatePerSecond },
      ],
    }),
  },
  /** The usual rate, and `burst` jobs at once after an eighth of the time. */
  spike: {
    durationSeconds: 4 * HOUR,
    draw: ({ durationSeconds, burst }) => ({
      bursts: [{ atSeconds: durationSeconds / 8, count: Math.round(burst) }],
    }),
  },
  /** A cosine from the usual rate at midnight to the peak rate at noon. */
  diurnal: { durationSeconds: DAY, draw: (shape) => ({ rates: curve(shape, () => true) }) },
  /** Five such days, and a weekend at the usual rate. */
  weekly: {
    durationSeconds: 7 * DAY,
    draw: (shape) => ({ rates: curve(shape, (seconds) => Math.floor(seconds / DAY) % 7 < WORKING_DAYS) }),
  },
  /** The usual rate, and `burst` jobs at once at each midnight but the first. */
  nightly: {
    durationSeconds: 3 * DAY,
    draw: ({ durationSeconds, burst }) => ({
      bursts: Array.from({ length: Math.ceil(durationSeconds / DAY) - 1 }, (_, night) => ({
        atSeconds: (night + 1) * DAY,
        count: Math.round(burst),
      })),
    }),
  },
  /** The usual and the peak rate in turns, each for an exponential time (mean 20 and 10 minutes). */
  bursty: {
    durationSeconds: 8 * HOUR,
    draw: ({ durationSeconds, ratePerSecond, peakRatePerSecond }, seed) => {
      const random = new Random(seed, 'bursty');
      const rates: { untilSeconds: number; perSecond: number }[] = [];
      for (let at = 0, isBusy = false; at < durationSeconds; isBusy = !isBusy) {
        at += random.exponential(isBusy ? BURSTY_SECONDS.busy : BURSTY_SECONDS.quiet);
        rates.push({
          untilSeconds: Math.min(at, durationSeconds),
          perSecond: isBusy ? peakRatePerSecond : ratePerSecond,
        });
      }
      return { rates };
    },
  },
};

/** Pieces of a day's cosine on busy days, the usual rate on others. */
function curve(shape: WorkloadShape, isBusyDay: (seconds: number) => boolean): Workload['rates'] {
  const { durationSeconds, ratePerSecond, peakRatePerSecond } = shape;
  return Array.from({ length: Math.ceil(durationSeconds / CURVE_PIECE_SECONDS) }, (_, i) => {
    const middle = (i + 0.5) * CURVE_PIECE_SECONDS;
    const height = isBusyDay(middle) ? (1 - Math.cos((2 * Math.PI * middle) / DAY)) / 2 : 0;
    return {
      untilSeconds: Math.min(durationSeconds, (i + 1) * CURVE_PIECE_SECONDS),
      perSecond: ratePerSecond + (peakRatePerSecond - ratePerSecond) * height,
    };
  });
}

/** Length of a named workload when nothing else is said. */
export const defaultDurationSeconds = (name: WorkloadName): number => SHAPES[name].durationSeconds;

/**
 * Makes a named workload.
 *
 * @param seed draws the turns of `bursty`
 */
export function namedWorkload(name: WorkloadName, shape: WorkloadShape, seed: number): Workload {
  const { durationSeconds, ratePerSecond } = shape;
  const { rates = [{ untilSeconds: durationSeconds, perSecond: ratePerSecond }], bursts = [] } = SHAPES[name].draw(
    shape,
    seed,
  );
  return { name, durationSeconds, rates, bursts };
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
