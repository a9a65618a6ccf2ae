/**
 * The latency-goal policy as pure arithmetic: how many instances a queue needs, and the steps that say so to Auto
 * Scaling. `lib/private/scaling/latency-goal.ts` writes the same formula as CloudWatch metric math; a test proves the two equal.
 */
import type { Sizing } from './sizing';
import { SCALING_LIMITS } from './timing';

/** What CloudWatch knows about the queues during one period. */
export interface QueueReading {
  /** Messages waiting (ApproximateNumberOfMessagesVisible). */
  readonly visible: number;
  /** Messages being worked on (ApproximateNumberOfMessagesNotVisible). */
  readonly inFlight: number;
  /** Messages sent during the period. */
  readonly sent: number;
}

/** Coefficients of the formula for one period; rounded once, so that the template and this code use the same numbers. */
export interface NeedFormula {
  /** T: the period. */
  readonly periodSeconds: number;
  /** z: standard deviations of Poisson noise that an arrival count must rise above before it counts. */
  readonly noise: number;
  /** Instances per message sent in the period: S / (T c u). */
  readonly perSent: number;
  /** Instances per waiting message: S / (c Ld). */
  readonly perWaiting: number;
  /** Instances per message, waiting or in flight: S / (c (Ld + S)). */
  readonly perMessage: number;
  /** Instances per message in flight: 1 / c. */
  readonly perBusy: number;
  /** Most instances that can be busy at once (FIFO: one message per group), if that is known. */
  readonly cap?: number;
}

/** Value of the scale-in alarm when there is nothing to do; its threshold. Far above any capacity. */
export const NO_SCALE_IN = 1_000_000;

/** Scale in only when at least this share of the group would go: hysteresis against flapping. */
const SCALE_IN_SHARE = 0.9;

/**
 * Twelve significant digits, towards zero: what the metric math is written with. Rounded up, a backlog that fills whole
 * instances exactly would ask for one more.
 */
function round(value: number): number {
  const near = Number(value.toPrecision(12));
  if (near <= value) return near;
  const unit = 10 ** (Math.floor(Math.log10(near)) - 11);
  return Number((near - unit).toPrecision(12));
}

/** The formula for a period; `messageGroups` limits it to what a FIFO queue can run at once. */
export function needFormula(
  sizing: Sizing,
  period: { readonly periodSeconds: number; readonly noise: number },
  messageGroups?: number,
): NeedFormula {
  const { averageProcessingSeconds: s, concurrency: c, drainTargetSeconds: ld, plannedUtilization: u } = sizing;
  return {
    ...period,
    perSent: round(s / (period.periodSeconds * c * u)),
    perWaiting: round(s / (c * ld)),
    perMessage: round(s / (c * (ld + s))),
    perBusy: round(1 / c),
    ...(messageGroups === undefined ? {} : { cap: round(messageGroups / c) }),
  };
}

/**
 * Instances needed, as a fraction.
 *
 * need = max(lam + V S / (c Ld), (V + F) S / (c (Ld + S))): enough for the arrivals that are surely there plus the
 * backlog within Ld, and enough to finish everything that is in the queue within Ld and one more job.
 */
export function needOf(formula: NeedFormula, { visible, inFlight, sent }: QueueReading): number {
  const sureSent = sent > formula.noise * formula.noise ? sent - formula.noise * sent ** 0.5 : 0;
  const byRate = sureSent * formula.perSent + visible * formula.perWaiting;
  const byWork = (visible + inFlight) * formula.perMessage;
  const need = byRate > byWork ? byRate : byWork;
  return formula.cap !== undefined && need > formula.cap ? formula.cap : need;
}

/** One policy's share of the capacities: `after` < need <= last of `capacities`. */
export interface CapacityRange {
  /** The largest capacity below this range; 0 for the lowest range. */
  readonly after: number;
  /** Rising capacities that the policy can set, at most 20. */
  readonly capacities: readonly number[];
  /** Whether needs beyond the last capacity belong to this range. */
  readonly last: boolean;
}

/**
 * Capacities that the policies can set, in ranges of at most 20 (the step limit): every integer from the floor, then
 * geometrically to the maximum.
 */
export function capacityRanges(min: number, max: number): CapacityRange[] {
  const steps = SCALING_LIMITS.stepsPerPolicy;
  const floor = Math.max(1, min);
  const integers: number[] = [];
  for (let k = floor; k <= max && integers.length < steps; k++) integers.push(k);
  const top = integers[integers.length - 1] ?? floor;
  if (top >= max) return [{ after: 0, capacities: integers.length > 0 ? integers : [floor], last: true }];

  const geometric: number[] = [];
  const ratio = (max / top) ** (1 / steps);
  for (let i = 1; i <= steps; i++) {
    const capacity = i === steps ? max : Math.ceil(top * ratio ** i - 1e-9);
    const previous = geometric[geometric.length - 1] ?? top;
    if (capacity > previous) geometric.push(capacity);
  }
  return [
    { after: 0, capacities: integers, last: false },
    { after: top, capacities: geometric, last: true },
  ];
}

/** Largest ratio of two neighbours in a range: how much a need can be rounded up. */
export function coarseness(range: CapacityRange): number {
  const all = range.after > 0 ? [range.after, ...range.capacities] : range.capacities;
  return range.after === 0 ? 1 : Math.max(...all.slice(1).map((k, i) => k / (all[i] ?? k)));
}

/** Share of the desired capacity that a need must not exceed for this range to scale in. */
export function scaleInShare(range: CapacityRange): number {
  return round(Math.min(SCALE_IN_SHARE, 1 / coarseness(range)));
}

/** Value of a scale-out alarm: in the middle of step `ceil(need)`, or 0 when the group is large enough. */
export function scaleOutValue(
  formula: NeedFormula,
  range: CapacityRange,
  reading: QueueReading,
  desired: number,
): number {
  const whole = Math.ceil(needOf(formula, reading));
  return whole > desired && contains(range, whole) ? whole - 0.5 : 0;
}

/** Whether a need, in whole instances, is this range's to answer. */
function contains(range: CapacityRange, whole: number): boolean {
  return whole > range.after && (range.last || whole <= (range.capacities[range.capacities.length - 1] ?? 0));
}

/** Value of a scale-in alarm: in the middle of the step to keep, or {@link NO_SCALE_IN}. */
export function scaleInValue(
  formula: NeedFormula,
  range: CapacityRange,
  reading: QueueReading,
  desired: number,
  floor: number,
): number {
  const need = needOf(formula, reading);
  const busy = reading.inFlight * formula.perBusy;
  const work = need > busy ? need : busy;
  const keep = work > floor ? work : floor;
  if (!(keep <= desired - 1 && keep <= scaleInShare(range) * desired)) return NO_SCALE_IN;
  const whole = Math.ceil(keep);
  return contains(range, whole) ? whole - 0.5 : NO_SCALE_IN;
}

/** One step of a policy in absolute values of the alarm's metric; an open end is undefined. */
export interface CapacityStep {
  /** Lower end of the values; open when undefined. */
  readonly lower?: number;
  /** Upper end of the values; open when undefined. */
  readonly upper?: number;
  /** Instances to run. */
  readonly capacity: number;
}

/** Steps without gap or overlap: values in (previous, k) set capacity k. */
export function capacitySteps(range: CapacityRange, direction: 'out' | 'in'): CapacityStep[] {
  return range.capacities.map((capacity, i) => {
    const lower = i === 0 ? (direction === 'out' ? range.after : undefined) : range.capacities[i - 1];
    const isTop = i === range.capacities.length - 1;
    const upper = isTop ? (direction === 'in' ? NO_SCALE_IN : undefined) : capacity;
    return {
      ...(lower === undefined ? {} : { lower }),
      ...(upper === undefined ? {} : { upper }),
      capacity,
    };
  });
}
