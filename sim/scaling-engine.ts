/**
 * CloudWatch alarms and Auto Scaling policies of one template, driven by whoever owns the clock.
 *
 * The simulator calls it in virtual time, the local run with a faster clock. The caller owns queues and instances: it
 * tells what they look like (`observe`), asks what follows (`advance`), and applies the capacity decisions.
 */
import { nextAlarmState, type AlarmState } from './alarm-state';
import { settle, stepFor, stepText, trackedCapacity, wantedBy, type Capacity } from './capacity';
import { evaluateMetricMath, type Series } from './metric-math';
import { MetricStore, type Snapshot } from './metric-store';
import { Random } from './random';
import type { AlarmModel, MetricSet, PolicyModel, ScalingModel } from './scaling-model';
import { DEFAULT_TIMING, type Timing } from './timing';

export type { GroupSnapshot, QueueSnapshot, SampleSet, Snapshot } from './metric-store';

/** An alarm changed its state. */
export interface AlarmTransition {
  readonly kind: 'alarm';
  readonly atSeconds: number;
  readonly alarmLogicalId: string;
  readonly from: AlarmState;
  readonly to: AlarmState;
  /** The newest values that made it, oldest first; NaN is a missing point. */
  readonly datapoints: readonly number[];
  readonly threshold: number;
  readonly reason: string;
}

/** A policy changed the desired capacity; the caller must apply it. */
export interface CapacityDecision {
  readonly kind: 'capacity';
  readonly atSeconds: number;
  readonly policyLogicalId: string;
  readonly alarmLogicalId: string;
  /** Interval of the step, or what target tracking did. */
  readonly step: string;
  readonly value: number;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** What `advance` reports. */
export type ScalingEvent = AlarmTransition | CapacityDecision;

/** An alarm as a chart shows it. */
export interface AlarmBand {
  readonly logicalId: string;
  readonly state: AlarmState;
  readonly sinceSeconds: number;
  /** Newest value that the alarm saw; NaN before the first. */
  readonly value: number;
  readonly threshold: number;
  readonly scales: boolean;
}

/** How the engine is set up. */
export interface ScalingEngineOptions {
  readonly timing?: Timing;
  /** Draws sampling phases and publication delays. */
  readonly seed?: number;
  /** The caller's time of the first call. @default 0 */
  readonly startSeconds?: number;
}

interface Watch {
  readonly alarm: AlarmModel;
  /** Set for the two alarms of a target tracking policy. */
  readonly direction?: 'out' | 'in';
  readonly intervalSeconds: number;
  nextSeconds: number;
  state: AlarmState;
  sinceSeconds: number;
  value: number;
}

interface Proposal {
  readonly policy: PolicyModel;
  /** Capacity that the policy asks for. */
  readonly wanted: number;
  /** Whether it may take effect now. */
  readonly isAllowed: boolean;
  readonly step: string;
  readonly adjustment: string;
}

/** The engine. */
export class ScalingEngine {
  readonly #model: ScalingModel;
  readonly #timing: Timing;
  readonly #store: MetricStore;
  readonly #watches: readonly Watch[];
  readonly #policies: ReadonlyMap<string, PolicyModel>;
  #capacity: Capacity;
  /** Instances by when they came into service, oldest first, as far as a warm-up looks back. */
  #arrivals: { readonly atSeconds: number; count: number }[] = [];
  #longestWarmupSeconds = 0;
  #isFirstObservation = true;
  #coolingUntilSeconds = -Infinity;
  #nextSeconds: number;

  constructor(model: ScalingModel, options: ScalingEngineOptions = {}) {
    const { timing = DEFAULT_TIMING, seed = 1, startSeconds = 0 } = options;
    this.#model = model;
    this.#timing = timing;
    this.#policies = new Map(model.policies.map((policy) => [policy.logicalId, policy]));
    const alarms = [
      ...model.alarms.map((alarm) => ({ alarm, direction: undefined })),
      ...model.policies.flatMap((policy) => trackingAlarms(policy, timing)),
    ];
    this.#watches = alarms.map(({ alarm, direction }): Watch => {
      const isHigh = alarm.periodSeconds < 60;
      const intervalSeconds = isHigh ? timing.highResolutionAlarmInterval : timing.alarmInterval;
      return {
        alarm,
        ...(direction === undefined ? {} : { direction }),
        intervalSeconds,
        // Each alarm draws for itself: one more alarm must not change when the others are evaluated.
        nextSeconds: startSeconds + new Random(seed, `alarm/${alarm.logicalId}`).next() * intervalSeconds,
        state: 'INSUFFICIENT_DATA',
        sinceSeconds: startSeconds,
        value: NaN,
      };
    });
    const lookBack = (alarm: AlarmModel) =>
      alarm.periodSeconds * (alarm.evaluationPeriods + timing.alarmExtraDatapoints + 1);
    const { minSize: min, maxSize: max, desiredCapacity: desired } = model.group;
    this.#store = new MetricStore({
      metrics: alarms.flatMap(({ alarm }) => alarm.metrics),
      timing,
      seed,
      startSeconds,
      keepSeconds: Math.max(0, ...alarms.map(({ alarm }) => lookBack(alarm))),
      bounds: { min, max },
    });
    this.#longestWarmupSeconds = Math.max(0, ...model.policies.map(warmupOf));
    this.#capacity = { desired, inService: 0, pending: 0, terminating: 0, min, max };
    this.#nextSeconds = 0;
    this.#schedule();
  }

  /** When the engine next wants `observe` and `advance`; calls in between are harmless. */
  get nextWakeSeconds(): number {
    return this.#nextSeconds;
  }

  /** Alarms with their states, those of target tracking included. */
  get alarms(): readonly AlarmBand[] {
    return this.#watches.map((watch) => ({
      logicalId: watch.alarm.logicalId,
      state: watch.state,
      sinceSeconds: watch.sinceSeconds,
      value: watch.value,
      threshold: watch.alarm.threshold,
      scales: watch.direction !== undefined || watch.alarm.policies.length > 0,
    }));
  }

  /** Tells how queues and group look now. */
  observe(nowSeconds: number, snapshot: Snapshot): void {
    const { group } = snapshot;
    const before = this.#capacity.inService;
    if (group.inService > before && !this.#isFirstObservation) {
      this.#arrivals.push({ atSeconds: nowSeconds, count: group.inService - before });
    }
    if (group.inService < before) this.#forget(before - group.inService);
    this.#isFirstObservation = false;
    this.#capacity = { ...this.#capacity, ...pick(group) };
    while ((this.#arrivals[0]?.atSeconds ?? Infinity) + this.#longestWarmupSeconds <= nowSeconds)
      this.#arrivals.shift();
    this.#store.observe(nowSeconds, snapshot);
    this.#schedule();
  }

  /** Evaluates the alarms that are due. Call `observe` of the same moment before. */
  advance(nowSeconds: number): readonly ScalingEvent[] {
    if (nowSeconds < this.#nextSeconds) return [];
    const events: ScalingEvent[] = [];
    for (const watch of this.#watches) {
      if (watch.nextSeconds > nowSeconds) continue;
      // A caller that comes late gets one evaluation, not one for each that it missed.
      const missed = Math.floor((nowSeconds - watch.nextSeconds) / watch.intervalSeconds);
      watch.nextSeconds += (missed + 1) * watch.intervalSeconds;
      this.#evaluate(watch, nowSeconds, events);
    }
    this.#schedule();
    return events;
  }

  #evaluate(watch: Watch, nowSeconds: number, events: ScalingEvent[]): void {
    const { alarm } = watch;
    const datapoints = this.#datapoints(alarm, nowSeconds);
    const newest = datapoints.findLast((value) => !Number.isNaN(value)) ?? NaN;
    if (!Number.isNaN(newest)) watch.value = newest;
    const from = watch.state;
    const to = nextAlarmState(alarm, datapoints, from);
    if (to !== from) {
      watch.state = to;
      watch.sinceSeconds = nowSeconds;
      events.push({
        kind: 'alarm',
        atSeconds: nowSeconds,
        alarmLogicalId: alarm.logicalId,
        from,
        to,
        datapoints,
        threshold: alarm.threshold,
        reason: `${from} to ${to}: ${describe(newest)} ${COMPARISON_TEXT[alarm.comparison]} ${alarm.threshold}`,
      });
    }
    // Actions of Auto Scaling run at every evaluation in ALARM; without a datapoint there is no step to choose.
    if (to === 'ALARM' && !Number.isNaN(newest)) this.#act(watch, newest, nowSeconds, events);
  }

  #datapoints(alarm: MetricSet & Pick<AlarmModel, 'evaluationPeriods'>, nowSeconds: number): Series {
    const { periodSeconds } = alarm;
    const length = alarm.evaluationPeriods + this.#timing.alarmExtraDatapoints;
    const step = Math.min(periodSeconds, 60);
    const end = Math.floor(nowSeconds / step) * step;
    const metrics = new Map(
      alarm.metrics.map((metric) => [
        metric.id,
        Array.from({ length }, (_, i) =>
          this.#store.value(metric, end - (length - 1 - i) * periodSeconds, periodSeconds, nowSeconds),
        ),
      ]),
    );
    const single = metrics.get(alarm.returnId);
    if (single !== undefined) return single;
    const expressions = new Map([...alarm.expressions].map(([id, { node }]) => [id, node]));
    const root = expressions.get(alarm.returnId);
    if (root === undefined) return [];
    const newestSeconds = end - periodSeconds;
    const value = evaluateMetricMath(root, { metrics, expressions, length, periodSeconds, newestSeconds });
    if (Array.isArray(value)) return (value as Series).map((point) => (Number.isFinite(point) ? point : NaN));
    return typeof value === 'number' ? new Array<number>(length).fill(value) : [];
  }

  #act(watch: Watch, value: number, nowSeconds: number, events: ScalingEvent[]): void {
    const proposals = this.#proposals(watch, value, nowSeconds);
    const best = largest(proposals);
    const from = this.#capacity.desired;
    if (best === undefined || !best.isAllowed) return;
    // Several policies in force at once: the largest capacity wins, so another alarm's higher wish stops a scale-in.
    const others = this.#watches
      .filter((other) => other !== watch && other.state === 'ALARM' && !Number.isNaN(other.value))
      .flatMap((other) => this.#proposals(other, other.value, nowSeconds));
    if (best.wanted < from && others.some((other) => other.wanted > best.wanted)) return;
    if (best.policy.kind === 'simple') this.#coolingUntilSeconds = nowSeconds + best.policy.cooldownSeconds;
    this.#capacity = { ...this.#capacity, desired: best.wanted };
    events.push({
      kind: 'capacity',
      atSeconds: nowSeconds,
      policyLogicalId: best.policy.logicalId,
      alarmLogicalId: watch.alarm.logicalId,
      step: best.step,
      value,
      from,
      to: best.wanted,
      reason: `${watch.alarm.logicalId} is at ${describe(value)}, step ${best.step}: ${best.adjustment}, ${from} to ${best.wanted} instances`,
    });
  }

  #proposals(watch: Watch, value: number, nowSeconds: number): readonly Proposal[] {
    return watch.alarm.policies.flatMap((logicalId) => {
      const policy = this.#policies.get(logicalId);
      const proposal = policy === undefined ? undefined : this.#propose(policy, watch, value, nowSeconds);
      return proposal === undefined ? [] : [proposal];
    });
  }

  #propose(policy: PolicyModel, watch: Watch, value: number, nowSeconds: number): Proposal | undefined {
    const warming = this.#warming(warmupOf(policy), nowSeconds);
    const propose = (wanted: number, step: string, adjustment: string, mayRun = true): Proposal => {
      const isAllowed = mayRun && settle(this.#capacity, wanted, warming) !== undefined;
      return { policy, wanted, step, adjustment, isAllowed };
    };
    if (policy.kind === 'targetTracking') {
      const wanted = trackedCapacity(this.#capacity, value, policy.target, warming);
      return propose(
        wanted,
        `${watch.direction === 'out' ? 'above' : 'below'} the target ${policy.target}`,
        'in proportion',
      );
    }
    const { adjustmentType: type, minAdjustmentMagnitude: minMagnitude } = policy;
    if (policy.kind === 'simple') {
      const capacity = { ...this.#capacity, inService: this.#capacity.desired, terminating: 0 };
      const wanted = wantedBy(capacity, { type, amount: policy.adjustment, minMagnitude }, 0);
      const mayRun = nowSeconds >= this.#coolingUntilSeconds && this.#capacity.pending === 0;
      return propose(wanted, 'any', `${type} ${policy.adjustment}`, mayRun);
    }
    const step = stepFor(policy.steps, value, watch.alarm);
    if (step === undefined) return undefined;
    const wanted = wantedBy(this.#capacity, { type, amount: step.adjustment, minMagnitude }, warming);
    return propose(wanted, stepText(step, watch.alarm.threshold), `${type} ${step.adjustment}`);
  }

  #warming(warmupSeconds: number, nowSeconds: number): number {
    let count = 0;
    for (const arrival of this.#arrivals) if (arrival.atSeconds + warmupSeconds > nowSeconds) count += arrival.count;
    return Math.min(count, this.#capacity.inService);
  }

  /** Instances left service: the newest arrivals are forgotten last, an old instance is the likelier one to go. */
  #forget(count: number): void {
    const arrivals = this.#arrivals.reduce((sum, arrival) => sum + arrival.count, 0);
    let surplus = arrivals - Math.max(0, this.#capacity.inService - count);
    for (const arrival of this.#arrivals) {
      const gone = Math.max(0, Math.min(surplus, arrival.count));
      arrival.count -= gone;
      surplus -= gone;
    }
    this.#arrivals = this.#arrivals.filter((arrival) => arrival.count > 0);
  }

  #schedule(): void {
    let next = this.#store.nextSampleSeconds;
    for (const watch of this.#watches) next = Math.min(next, watch.nextSeconds);
    this.#nextSeconds = next;
  }

  /** The model that the engine runs. */
  get model(): ScalingModel {
    return this.#model;
  }
}

const COMPARISON_TEXT: Readonly<Record<AlarmModel['comparison'], string>> = {
  GreaterThanThreshold: 'against more than',
  GreaterThanOrEqualToThreshold: 'against at least',
  LessThanThreshold: 'against less than',
  LessThanOrEqualToThreshold: 'against at most',
};

function describe(value: number): string {
  return Number.isNaN(value) ? 'no data' : String(Math.round(value * 1000) / 1000);
}

function largest(proposals: readonly Proposal[]): Proposal | undefined {
  let best: Proposal | undefined;
  for (const proposal of proposals) if (best === undefined || proposal.wanted > best.wanted) best = proposal;
  return best;
}

function warmupOf(policy: PolicyModel): number {
  return policy.kind === 'simple' ? 0 : policy.warmupSeconds;
}

function pick(group: Snapshot['group']): Pick<Capacity, 'desired' | 'inService' | 'pending' | 'terminating'> {
  const { desired, inService, pending, terminating } = group;
  return { desired, inService, pending, terminating };
}

/** The two alarms that AWS makes for a target tracking policy. */
function trackingAlarms(
  policy: PolicyModel,
  timing: Timing,
): readonly { readonly alarm: AlarmModel; readonly direction: 'out' | 'in' }[] {
  if (policy.kind !== 'targetTracking') return [];
  const { periodSeconds, metrics, expressions, returnId, target } = policy;
  const common = { periodSeconds, metrics, expressions, returnId, policies: [policy.logicalId] };
  const alarm = (direction: 'out' | 'in'): { alarm: AlarmModel; direction: 'out' | 'in' } => {
    const periods = direction === 'out' ? timing.trackingOutPeriods : timing.trackingInPeriods;
    return {
      direction,
      alarm: {
        ...common,
        logicalId: `${policy.logicalId}.${direction === 'out' ? 'AlarmHigh' : 'AlarmLow'}`,
        threshold: direction === 'out' ? target : target * timing.trackingInShare,
        comparison: direction === 'out' ? 'GreaterThanThreshold' : 'LessThanThreshold',
        evaluationPeriods: periods,
        datapointsToAlarm: periods,
        treatMissingData: 'missing',
      },
    };
  };
  return policy.disableScaleIn ? [alarm('out')] : [alarm('out'), alarm('in')];
}
