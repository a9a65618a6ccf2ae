/** Instances of the simulation of groups of jobs: counts instead of single instances and jobs. */
import { EventHeap } from './event-heap';
import { drainSeconds } from './fleet';
import type { Random } from './random';
import type { RunOptions } from './run-options';
import type { GroupSnapshot } from './scaling-engine';
import type { ServiceTime } from './service-time';
import type { Timing } from './timing';

/** Points at which a service time's distribution is read. */
const QUANTILES = 400;

/** Instances that drain together. */
interface DrainCohort {
  readonly instances: number;
  readonly jobsAtStart: number;
  readonly endsSeconds: number;
  jobs: number;
}

/** Instances as numbers. */
export class AggregateFleet {
  readonly #options: RunOptions & { readonly timing: Timing };
  readonly #random: Random;
  readonly #offsets: readonly { readonly steps: number; readonly upTo: number }[];
  readonly #finishing: Float64Array;
  readonly #boots = new EventHeap();
  readonly #drainSeconds: number;
  readonly #visibilitySeconds: number;
  #drains: DrainCohort[] = [];
  #returns: { readonly atSeconds: number; readonly count: number }[] = [];
  #desired: number;
  #inService: number;
  #pending = 0;
  #poolReady = 0;
  #poolPending = 0;
  /** Jobs on instances in service. */
  #serving = 0;
  /** Jobs that were cut off but still stand in `#finishing`. */
  #ghosts = 0;
  #lastSeconds = 0;
  instanceSeconds = 0;
  maxInstances = 0;
  killed = 0;

  constructor(options: RunOptions & { readonly timing: Timing }, stepSeconds: number, random: Random) {
    const { model } = options;
    this.#options = options;
    this.#random = random;
    this.#offsets = offsetsOf(options.service, stepSeconds);
    this.#finishing = new Float64Array((this.#offsets.at(-1)?.steps ?? 0) + 1);
    this.#drainSeconds = drainSeconds(model, options.timing);
    this.#visibilitySeconds =
      model.queues.find((q) => q.logicalId === model.consumedQueues[0])?.visibilityTimeoutSeconds ?? 30;
    this.#desired = model.group.desiredCapacity;
    this.#inService = this.#desired;
    this.#poolReady = this.#poolTarget();
  }

  get running(): number {
    return this.#serving + this.#draining((cohort) => cohort.jobs) + this.#hidden;
  }

  get freeSlots(): number {
    return Math.max(0, this.#inService * this.#options.concurrency - this.#serving);
  }

  get #hidden(): number {
    return this.#returns.reduce((sum, { count }) => sum + count, 0);
  }

  #draining(of: (cohort: DrainCohort) => number): number {
    return this.#drains.reduce((sum, cohort) => sum + of(cohort), 0);
  }

  snapshot(): GroupSnapshot {
    return {
      desired: this.#desired,
      inService: this.#inService,
      pending: this.#pending,
      terminating: Math.round(this.#draining(aliveInstances)),
    };
  }

  /** Counts instance time, lets booted instances in and ends overdue drains. */
  advance(now: number): void {
    const group = this.#inService + this.#pending + this.#draining(aliveInstances);
    const pool = this.#poolPending + (this.#options.model.group.warmPool?.state === 'Running' ? this.#poolReady : 0);
    this.instanceSeconds += (group + pool) * (now - this.#lastSeconds);
    this.#lastSeconds = now;
    this.maxInstances = Math.max(this.maxInstances, Math.ceil(group));
    while (this.#boots.nextSeconds <= now && this.#boots.pop()) {
      if (this.#boots.kind === 1) {
        this.#poolPending--;
        this.#poolReady++;
        continue;
      }
      this.#pending--;
      if (this.#inService + this.#pending < this.#desired) this.#inService++;
    }
    for (const cohort of this.#drains) {
      if (cohort.endsSeconds > now || cohort.jobs === 0) continue;
      this.killed += cohort.jobs;
      this.#ghosts += cohort.jobs;
      const left = this.#visibilitySeconds * (2 / 3 + this.#random.next() / 3);
      this.#returns.push({ atSeconds: now + left, count: cohort.jobs });
      cohort.jobs = 0;
    }
    if (this.#drains.length > 0) this.#drains = this.#drains.filter((cohort) => cohort.jobs > 0);
  }

  /** Cut-off jobs whose visibility timeout is over. */
  takeReturned(now: number): number {
    if (this.#returns.length === 0) return 0;
    const due = this.#returns.filter((entry) => entry.atSeconds <= now);
    this.#returns = this.#returns.filter((entry) => entry.atSeconds > now);
    return due.reduce((sum, { count }) => sum + count, 0);
  }

  /** Jobs that finish in this step; those of draining and of cut-off instances in proportion. */
  finish(step: number): number {
    const slot = step % this.#finishing.length;
    const count = this.#finishing[slot] as number;
    this.#finishing[slot] = 0;
    if (count === 0) return 0;
    let left = count;
    let pool = this.#serving + this.#draining((cohort) => cohort.jobs) + this.#ghosts;
    const share = (jobs: number): number => {
      if (jobs === 0) return 0;
      const taken = jobs >= pool ? left : Math.min(jobs, left, Math.floor((left * jobs) / pool + this.#random.next()));
      pool -= jobs;
      left -= taken;
      return taken;
    };
    const ghosts = share(this.#ghosts);
    this.#ghosts -= ghosts;
    for (const cohort of this.#drains) cohort.jobs -= share(cohort.jobs);
    this.#serving -= left;
    return count - ghosts;
  }

  start(step: number, count: number): void {
    const phase = this.#random.next();
    let placed = 0;
    for (const { steps, upTo } of this.#offsets) {
      const target = upTo >= 1 ? count : Math.min(count, Math.floor(count * upTo + phase));
      if (target > placed) this.#finishing[(step + steps) % this.#finishing.length]! += target - placed;
      placed = Math.max(placed, target);
    }
    this.#serving += count;
  }

  setDesired(desired: number, now: number): void {
    this.#desired = desired;
    const { launch, warmLaunch } = this.#options.timing;
    for (let missing = desired - this.#inService - this.#pending; missing > 0; missing--) {
      const isWarm = this.#poolReady > 0;
      if (isWarm) this.#poolReady--;
      this.#pending++;
      this.#boots.push(now + this.#random.within(isWarm ? warmLaunch : launch), 0, 0);
    }
    const surplus = Math.min(this.#inService, this.#inService + this.#pending - desired);
    if (surplus > 0) {
      const jobs = Math.min(this.#serving, Math.round((this.#serving * surplus) / this.#inService));
      this.#inService -= surplus;
      this.#serving -= jobs;
      const endsSeconds = now + this.#drainSeconds;
      if (jobs > 0) this.#drains.push({ instances: surplus, jobsAtStart: jobs, jobs, endsSeconds });
    }
    for (let missing = this.#poolTarget() - this.#poolReady - this.#poolPending; missing > 0; missing--) {
      this.#poolPending++;
      this.#boots.push(now + this.#random.within(launch), 1, 0);
    }
  }

  #poolTarget(): number {
    const { warmPool } = this.#options.model.group;
    return warmPool === undefined ? 0 : Math.max(warmPool.minSize, warmPool.maxPreparedCapacity - this.#desired);
  }
}

/** Expected number of instances that still run a job, when jobs finish independently. */
function aliveInstances({ instances, jobsAtStart, jobs }: DrainCohort): number {
  const perInstance = jobsAtStart / instances;
  return Math.min(instances, jobs, instances * (1 - (1 - jobs / jobsAtStart) ** perInstance));
}

/** The service time's distribution in whole steps: cumulative shares. */
function offsetsOf(service: ServiceTime, stepSeconds: number): readonly { steps: number; upTo: number }[] {
  const offsets: { steps: number; upTo: number }[] = [];
  let debt = 0;
  for (let i = 0; i < QUANTILES; i++) {
    // Rounding errors carry over, so that the mean of the steps is the mean of the distribution.
    const exact = service.quantile((i + 0.5) / QUANTILES) / stepSeconds + debt;
    const steps = Math.max(1, Math.round(exact));
    debt = exact - steps;
    const last = offsets.at(-1);
    if (last !== undefined && steps <= last.steps) last.upTo = (i + 1) / QUANTILES;
    else offsets.push({ steps, upTo: (i + 1) / QUANTILES });
  }
  return offsets;
}
