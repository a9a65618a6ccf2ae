/** Samples queues and group as SQS and Auto Scaling do, and shows each point from when it is published. */
import { Random } from './random';
import type { MetricQuery, MetricSource, Statistic } from './scaling-model';
import type { Timing } from './timing';

/** One queue at one moment; `sent`, `received` and `deleted` count from the start. */
export interface QueueSnapshot {
  readonly visible: number;
  readonly notVisible: number;
  readonly delayed: number;
  readonly oldestAgeSeconds: number;
  readonly sent: number;
  readonly received: number;
  readonly deleted: number;
}

/** The group at one moment. */
export interface GroupSnapshot {
  readonly desired: number;
  /** Instances in service: neither pending nor terminating. */
  readonly inService: number;
  readonly pending: number;
  readonly terminating: number;
}

/** Values of one metric that several publishers sent in one interval. */
export interface SampleSet {
  readonly count: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** What the engine is told. */
export interface Snapshot {
  /** By logical id; queues that no alarm watches may be left out. */
  readonly queues: Readonly<Record<string, QueueSnapshot>>;
  readonly group: GroupSnapshot;
  /** Custom metrics by `namespace/name`, one value or what several publishers sent together; a missing one has no sample. */
  readonly custom?: Readonly<Record<string, number | SampleSet>>;
}

interface Point {
  readonly startSeconds: number;
  readonly value: number | SampleSet;
  readonly publishedSeconds: number;
}

interface Sampler {
  readonly random: Random;
  /** Seconds between two samples. */
  readonly intervalSeconds: number;
  readonly publication: { readonly min: number; readonly max: number };
  /** Reads the values of one sample; undefined when nothing is published. */
  readonly sample: (snapshot: Snapshot, nowSeconds: number) => Readonly<Record<string, number | SampleSet>> | undefined;
  /** Earliest publication, whatever the delay. */
  readonly notBefore: () => number;
  phaseSeconds: number;
  nextSeconds: number;
  /** What is known of intervals that have not closed yet. */
  lastPublishedSeconds: number;
}

const MINUTE = 60;

/** Key under which a source's points are stored. */
export function sourceKey(source: MetricSource): string {
  if (source.kind === 'queue') return `queue/${source.queue}/${source.metricName}`;
  return source.kind === 'group' ? `group/${source.metricName}` : `custom/${source.namespace}/${source.metricName}`;
}

/** Points of every metric that some alarm watches. */
export class MetricStore {
  readonly #timing: Timing;
  readonly #seed: number;
  readonly #keepSeconds: number;
  readonly #points = new Map<string, Point[]>();
  readonly #samplers: Sampler[] = [];
  #nextSampleSeconds = Infinity;

  /**
   * @param metrics metrics that are watched
   * @param keepSeconds how far back an evaluation looks
   */
  constructor(options: {
    readonly metrics: readonly MetricQuery[];
    readonly timing: Timing;
    /** Draws sampling phases and publication delays. */
    readonly seed: number;
    readonly startSeconds: number;
    readonly keepSeconds: number;
    readonly bounds: { readonly min: number; readonly max: number };
  }) {
    this.#timing = options.timing;
    this.#seed = options.seed;
    this.#keepSeconds = options.keepSeconds + 1_800;
    const queues = new Set<string>();
    let [hasGroup, hasCustom] = [false, false];
    for (const { source } of options.metrics) {
      this.#points.set(sourceKey(source), []);
      if (source.kind === 'queue') queues.add(source.queue);
      hasGroup ||= source.kind === 'group';
      hasCustom ||= source.kind === 'custom';
    }
    const { startSeconds, timing } = options;
    for (const queue of queues) this.#addQueue(queue, startSeconds);
    if (hasGroup) this.#addGroup(startSeconds, options.bounds);
    if (hasCustom) {
      this.#add('custom', startSeconds, timing.customInterval, timing.customPublication, (snapshot) =>
        Object.fromEntries(Object.entries(snapshot.custom ?? {}).map(([name, value]) => [`custom/${name}`, value])),
      );
    }
    this.#schedule();
  }

  /** When the next sample is due. */
  get nextSampleSeconds(): number {
    return this.#nextSampleSeconds;
  }

  /** Takes the samples that are due. */
  observe(nowSeconds: number, snapshot: Snapshot): void {
    if (nowSeconds < this.#nextSampleSeconds) return;
    for (const sampler of this.#samplers) {
      while (sampler.nextSeconds <= nowSeconds) {
        this.#record(sampler, sampler.nextSeconds, sampler.sample(snapshot, sampler.nextSeconds));
        sampler.nextSeconds += sampler.intervalSeconds;
      }
    }
    this.#schedule();
  }

  /**
   * One value for one period, NaN when nothing is published of it.
   *
   * @param endSeconds end of the period, not included
   */
  value(query: MetricQuery, endSeconds: number, periodSeconds: number, nowSeconds: number): number {
    const points = this.#points.get(sourceKey(query.source)) ?? [];
    const values: (number | SampleSet)[] = [];
    for (let i = points.length - 1; i >= 0; i--) {
      const point = points[i] as Point;
      if (point.startSeconds < endSeconds - periodSeconds) break;
      if (point.startSeconds < endSeconds && point.publishedSeconds <= nowSeconds) values.push(point.value);
    }
    return aggregate(values, query.statistic);
  }

  #addQueue(queue: string, startSeconds: number): void {
    let activeSeconds = startSeconds;
    let blindUntilSeconds = -Infinity;
    let sums = { sent: NaN, received: NaN, deleted: NaN };
    const prefix = `queue/${queue}/`;
    const sample = (snapshot: Snapshot, nowSeconds: number) => {
      const state = snapshot.queues[queue];
      if (state === undefined) return undefined;
      const previous = Number.isNaN(sums.sent) ? state : sums;
      const changed =
        state.sent !== previous.sent || state.received !== previous.received || state.deleted !== previous.deleted;
      // Instances in service poll, and a poll keeps a queue active.
      const isActive = changed || state.visible + state.notVisible + state.delayed > 0 || snapshot.group.inService > 0;
      const wasSilent = nowSeconds - activeSeconds > this.#timing.idleUntilSilent;
      if (isActive) {
        if (wasSilent) blindUntilSeconds = nowSeconds + this.#timing.silentUntilPublished;
        activeSeconds = nowSeconds;
      }
      sums = { sent: state.sent, received: state.received, deleted: state.deleted };
      if (!isActive && wasSilent) return undefined;
      return {
        [`${prefix}ApproximateNumberOfMessagesVisible`]: state.visible,
        ...(state.notVisible > 0 || this.#timing.reportsZeroNotVisible > 0
          ? { [`${prefix}ApproximateNumberOfMessagesNotVisible`]: state.notVisible }
          : {}),
        [`${prefix}ApproximateNumberOfMessagesDelayed`]: state.delayed,
        [`${prefix}ApproximateAgeOfOldestMessage`]: state.oldestAgeSeconds,
        [`${prefix}NumberOfMessagesSent`]: state.sent - previous.sent,
        [`${prefix}NumberOfMessagesReceived`]: state.received - previous.received,
        [`${prefix}NumberOfMessagesDeleted`]: state.deleted - previous.deleted,
      };
    };
    this.#add(prefix, startSeconds, MINUTE, this.#timing.queuePublication, sample, () => blindUntilSeconds);
  }

  #addGroup(startSeconds: number, bounds: { readonly min: number; readonly max: number }): void {
    this.#add('group', startSeconds, MINUTE, this.#timing.groupPublication, ({ group }) => ({
      'group/GroupDesiredCapacity': group.desired,
      'group/GroupInServiceInstances': group.inService,
      'group/GroupPendingInstances': group.pending,
      'group/GroupTerminatingInstances': group.terminating,
      'group/GroupTotalInstances': group.inService + group.pending + group.terminating,
      'group/GroupMinSize': bounds.min,
      'group/GroupMaxSize': bounds.max,
    }));
  }

  #add(
    name: string,
    startSeconds: number,
    intervalSeconds: number,
    publication: Sampler['publication'],
    sample: Sampler['sample'],
    notBefore: Sampler['notBefore'] = () => -Infinity,
  ): void {
    // A stream of its own: what else is watched does not change when this is published.
    const random = new Random(this.#seed, `metrics/${name}`);
    const phaseSeconds = random.next() * intervalSeconds;
    const first = Math.floor(startSeconds / intervalSeconds) * intervalSeconds + phaseSeconds;
    this.#samplers.push({
      random,
      intervalSeconds,
      publication,
      sample,
      notBefore,
      phaseSeconds,
      nextSeconds: first < startSeconds ? first + intervalSeconds : first,
      lastPublishedSeconds: -Infinity,
    });
  }

  #record(sampler: Sampler, atSeconds: number, values: Readonly<Record<string, number | SampleSet>> | undefined): void {
    const startSeconds = Math.floor(atSeconds / sampler.intervalSeconds) * sampler.intervalSeconds;
    const delay = sampler.random.within(sampler.publication);
    if (values === undefined) return;
    const publishedSeconds = Math.max(
      startSeconds + sampler.intervalSeconds + delay,
      sampler.notBefore(),
      sampler.lastPublishedSeconds,
    );
    sampler.lastPublishedSeconds = publishedSeconds;
    for (const [key, value] of Object.entries(values)) {
      const points = this.#points.get(key);
      if (points === undefined) continue;
      points.push({ startSeconds, value, publishedSeconds });
      const first = points[0];
      // Pruned in bulk: shifting one point each minute would move the whole list.
      if (first !== undefined && first.startSeconds < startSeconds - 2 * this.#keepSeconds) {
        points.splice(
          0,
          points.findIndex((point) => point.startSeconds >= startSeconds - this.#keepSeconds),
        );
      }
    }
  }

  #schedule(): void {
    this.#nextSampleSeconds = Math.min(...this.#samplers.map((sampler) => sampler.nextSeconds), Infinity);
  }
}

function aggregate(values: readonly (number | SampleSet)[], statistic: Statistic): number {
  const total = (of: (set: SampleSet) => number) =>
    values.reduce<number>((sum, value) => sum + (typeof value === 'number' ? of(single(value)) : of(value)), 0);
  if (values.length === 0) return NaN;
  switch (statistic) {
    case 'Maximum':
      return Math.max(...values.map((value) => (typeof value === 'number' ? value : value.maximum)));
    case 'Minimum':
      return Math.min(...values.map((value) => (typeof value === 'number' ? value : value.minimum)));
    case 'SampleCount':
      return total((set) => set.count);
    case 'Sum':
      return total((set) => set.sum);
    case 'Average':
      return total((set) => set.sum) / total((set) => set.count);
  }
}

function single(value: number): SampleSet {
  return { count: 1, sum: value, minimum: value, maximum: value };
}
