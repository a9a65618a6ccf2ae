/** What a scaling policy makes of a group's capacity: pure arithmetic, as Amazon EC2 Auto Scaling documents it. */
import type { AdjustmentType, AlarmModel, StepModel } from './scaling-model';

/** A group at one moment. */
export interface Capacity {
  readonly desired: number;
  readonly inService: number;
  /** Launching, not in service yet. */
  readonly pending: number;
  readonly terminating: number;
  readonly min: number;
  readonly max: number;
}

/** An adjustment of a policy. */
export interface Adjustment {
  readonly type: AdjustmentType;
  readonly amount: number;
  readonly minMagnitude: number;
}

/**
 * The step whose interval holds a value: bounds are relative to the threshold; above it the lower bound belongs to the
 * interval, below it the upper bound does. At the threshold itself it is the side to which the alarm looks: 50 belongs to
 * [50, 60) when 50 or more is too much, and to (40, 50] when 50 or less is too little.
 *
 * @see https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StepAdjustment.html (read November 2026)
 */
export function stepFor(
  steps: readonly StepModel[],
  value: number,
  { threshold, comparison }: Pick<AlarmModel, 'threshold' | 'comparison'>,
): StepModel | undefined {
  const breach = value - threshold;
  const isBelow = breach < 0 || (breach === 0 && comparison.startsWith('LessThan'));
  return steps.find((step) =>
    isBelow ? breach > step.lower && breach <= step.upper : breach >= step.lower && breach < step.upper,
  );
}

/** Interval of a step as text, in the metric's own values. */
export function stepText(step: StepModel, threshold: number): string {
  const [lower, upper] = [step.lower + threshold, step.upper + threshold];
  if (upper === Infinity) return `${lower} or more`;
  if (lower === -Infinity) return `${upper} or less`;
  return step.lower >= 0 ? `[${lower}, ${upper})` : `(${lower}, ${upper}]`;
}

/** Rounds a change in instances: to whole ones towards zero, but never to none. */
export function roundChange(change: number): number {
  if (change > 0 && change < 1) return 1;
  if (change < 0 && change > -1) return -1;
  return Math.trunc(change);
}

/**
 * Capacity that an adjustment asks for, within the group's bounds.
 *
 * Instances that warm up count towards desired but not towards the current capacity that a growing adjustment adds to,
 * so repeated breaches of one step add once. A shrinking adjustment counts instances that terminate.
 *
 * @param warming instances in service that are still within their warm-up
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html (read November 2026)
 */
export function wantedBy(capacity: Capacity, adjustment: Adjustment, warming: number): number {
  const within = (wanted: number) => Math.min(capacity.max, Math.max(capacity.min, wanted));
  const { amount, type } = adjustment;
  if (type === 'ExactCapacity') return within(amount);
  if (amount === 0) return capacity.desired;
  const grows = amount > 0;
  const current = grows
    ? Math.min(capacity.desired, Math.max(0, capacity.inService - warming))
    : Math.max(capacity.desired, capacity.inService + capacity.terminating);
  let change = amount;
  if (type === 'PercentChangeInCapacity') {
    change = roundChange((current * amount) / 100);
    if (Math.abs(change) < adjustment.minMagnitude) change = grows ? adjustment.minMagnitude : -adjustment.minMagnitude;
  }
  const wanted = within(current + change);
  return grows ? Math.max(wanted, capacity.desired) : Math.min(wanted, capacity.desired);
}

/** Capacity after an adjustment; undefined when it changes nothing or may not run now. */
export function adjust(capacity: Capacity, adjustment: Adjustment, warming: number): number | undefined {
  return settle(capacity, wantedBy(capacity, adjustment, warming), warming);
}

/** The wanted capacity, or undefined when nothing changes or a scale-in must wait for instances that start. */
export function settle(capacity: Capacity, wanted: number, warming: number): number | undefined {
  if (wanted === capacity.desired) return undefined;
  if (wanted < capacity.desired && (warming > 0 || capacity.pending > 0)) return undefined;
  return wanted;
}

/**
 * Capacity that brings a metric which falls in proportion to capacity to its target, within the group's bounds.
 *
 * @param value the metric now
 */
export function trackedCapacity(capacity: Capacity, value: number, target: number, warming: number): number {
  const grows = value > target;
  const current = grows ? Math.max(0, capacity.inService - warming) : capacity.inService;
  // Subtracting a hair keeps 3 * (1 / 3) from becoming 2 instances.
  const wanted = Math.ceil((current * value) / target - 1e-9);
  const bounded = Math.min(capacity.max, Math.max(capacity.min, wanted));
  return grows ? Math.max(bounded, capacity.desired) : Math.min(bounded, capacity.desired);
}
