/**
 * Simulation in groups of jobs, for days of a hundred million jobs on thousands of instances.
 *
 * Time moves in steps of a fraction of the mean service time. Jobs that arrive in one step form a cohort and wait
 * together; jobs that start in one step finish spread over the later steps as the service time's distribution says.
 * Alarms, policies, boot and warm pool are the same as in the exact simulation. What is approximate: waits are whole
 * steps, a drained instance lives as long as the expected last of its jobs, and there are no failed attempts.
 */
import { WorkLedger } from './clairvoyant';
import { EventHeap } from './event-heap';
import { Random } from './random';
import { Recorder } from './recorder';
import { reportOf } from './report';
import type { Run, RunOptions } from './run';
import type { GroupSnapshot, ScalingEvent } from './scaling-engine';
import type { ServiceTime } from './service-time';
import { drainSeconds, type Controller } from './simulator';
import type { Timing } from './timing';
import { workerMetrics } from './worker-metrics';

/** Points at which a service time's distribution is read. */
const QUANTILES = 400;
const MAX_IN_FLIGHT = 120_000;

/** Instances that drain together. */
interface DrainCohort {
  readonly instances: number;
  readonly jobsAtStart: number;
  readonly endsSeconds: number;
  jobs: number;
}

/** Runs a simulation in groups of jobs. */
export function simulateAggregate(
  options: RunOptions & { readonly timing: Timing; readonly controller: Controller },
): Run {
  const { model, workload, seed, controller, concurrency, service, acceptableLatencySeconds } = options;
  if ((options.failureShare ?? 0) > 0) throw new RangeError('failed attempts need the exact simulation: fewer jobs');
  const stepSeconds = Math.min(5, Math.max(0.1, service.meanSeconds / 8));
  const random = new Random(seed, 'aggregate');
  const arrivals = arrivalCounter(options, stepSeconds, new Random(seed, 'arrivals'));
  const fleet = new AggregateFleet(options, stepSeconds, random);
  const waits = new CohortQueue(stepSeconds);
  const ledger = new WorkLedger(workload.durationSeconds);
  const recorder = new Recorder(workload.durationSeconds, 600);
  const queue = model.queues.find((candidate) => candidate.logicalId === model.consumedQueues[0]);
  const mostInFlight = Math.min(MAX_IN_FLIGHT, queue?.fifo === true ? (options.messageGroups ?? Infinity) : Infinity);
  const namespace = model.worker?.metricsNamespace;
  const events: ScalingEvent[] = [];
  const horizon = workload.durationSeconds + 86_400;
  let [jobs, done, lastArrival, lastDone, step, now] = [0, 0, 0, 0, 0, 0];
  for (; ; step++) {
    now = step * stepSeconds;
    const isOver = now >= workload.durationSeconds;
    if ((isOver && done === jobs) || now > horizon) break;
    fleet.advance(now);
    const finished = fleet.finish(step);
    if (finished > 0) {
      done += finished;
      lastDone = now;
    }
    const arrived = isOver ? 0 : arrivals(step);
    if (arrived > 0) {
      jobs += arrived;
      lastArrival = now;
      waits.push(step, arrived);
      ledger.add(now, (arrived * service.meanSeconds) / concurrency);
    }
    waits.return(fleet.takeReturned(now), step);
    const started = Math.min(waits.waiting, fleet.freeSlots, Math.max(0, mostInFlight - fleet.running));
    if (started > 0) {
      waits.take(step, started, (wait) => recorder.wait(wait));
      fleet.start(step, started);
    }
    if (controller.nextWakeSeconds <= now) {
      controller.observe(now, {
        queues: Object.fromEntries(
          model.consumedQueues.map((logicalId, i) => [
            logicalId,
            // Several queues on one fleet are one backlog here; the first one shows it.
            snapshotOf(i === 0, waits, fleet, jobs, done, now),
          ]),
        ),
        group: fleet.snapshot(),
        custom: workerMetrics({
          workers: fleet.snapshot().inService,
          concurrency,
          waiting: waits.waiting,
          busy: fleet.running,
          running: fleet.running,
          ...(namespace === undefined ? {} : { namespace }),
        }),
      });
      for (const event of controller.advance(now)) {
        events.push(event);
        if (event.kind === 'capacity') fleet.setDesired(event.to, now);
      }
    }
    if (recorder.nextSeconds <= now) {
      const { desired, inService, pending, terminating } = fleet.snapshot();
      recorder.record(now, {
        visible: waits.waiting,
        inFlight: fleet.running,
        desired,
        inService,
        total: inService + pending + terminating,
        alarms: (controller.alarms ?? []).filter((alarm) => alarm.scales),
      });
      options.onProgress?.(Math.min(1, now / workload.durationSeconds));
    }
  }
  const endSeconds = Math.max(now, workload.durationSeconds);
  fleet.advance(endSeconds);
  const tally = {
    mode: 'aggregate' as const,
    jobs,
    done,
    deadLettered: 0,
    expired: 0,
    ...waits.statistics(),
    lastArrivalSeconds: lastArrival,
    lastDoneSeconds: lastDone,
    endSeconds,
    instanceSeconds: fleet.instanceSeconds,
    maxInstances: fleet.maxInstances,
    scalingActions: events.filter((event) => event.kind === 'capacity').length,
    killed: fleet.killed,
  };
  const { minSize: minInstances } = model.group;
  const report = reportOf(tally, {
    policy: options.policy ?? 'template',
    workload: workload.name,
    seed,
    acceptableLatencySeconds,
    clairvoyantInstanceSeconds: ledger.cheapestInstanceSeconds({
      acceptableLatencySeconds,
      minInstances,
      durationSeconds: workload.durationSeconds,
    }),
  });
  return { report, recording: recorder.finish(endSeconds), events };
}

function snapshotOf(
  isFirst: boolean,
  waits: CohortQueue,
  fleet: AggregateFleet,
  sent: number,
  deleted: number,
  now: number,
) {
  if (!isFirst) {
    return { visible: 0, notVisible: 0, delayed: 0, oldestAgeSeconds: 0, sent: 0, received: 0, deleted: 0 };
  }
  return {
    visible: waits.waiting,
    notVisible: fleet.running,
    delayed: 0,
    oldestAgeSeconds: waits.oldestAgeSeconds(now),
    sent,
    received: waits.taken,
    deleted,
  };
}

/** Number of arrivals in each step: Poisson of the rates, plus the bursts. */
function arrivalCounter(options: RunOptions, stepSeconds: number, random: Random): (step: number) => number {
  const { rates, bursts } = options.workload;
  let piece = 0;
  return (step) => {
    const from = step * stepSeconds;
    while (piece < rates.length - 1 && (rates[piece]?.untilSeconds ?? 0) <= from) piece++;
    const current = rates[piece];
    const seconds = Math.max(0, Math.min(stepSeconds, (current?.untilSeconds ?? 0) - from));
    let count = random.poisson((current?.perSecond ?? 0) * seconds);
    for (const burst of bursts)
      if (burst.atSeconds >= from && burst.atSeconds < from + stepSeconds) count += burst.count;
    return count;
  };
}

/** Waiting jobs by the step in which they arrived, and how long those that started had waited. */
class CohortQueue {
  readonly #stepSeconds: number;
  #steps: number[] = [];
  #counts: number[] = [];
  #head = 0;
  #waits: number[] = [];
  waiting = 0;
  taken = 0;

  constructor(stepSeconds: number) {
    this.#stepSeconds = stepSeconds;
  }

  push(step: number, count: number): void {
    this.#steps.push(step);
    this.#counts.push(count);
    this.waiting += count;
  }

  /** Jobs whose attempt was cut off wait anew. */
  return(count: number, step: number): void {
    if (count > 0) this.push(step, count);
  }

  take(step: number, count: number, onWait: (seconds: number) => void): void {
    for (let left = count; left > 0;) {
      const available = this.#counts[this.#head] as number;
      const now = Math.min(left, available);
      const age = step - (this.#steps[this.#head] as number);
      this.#waits[age] = (this.#waits[age] ?? 0) + now;
      onWait(age * this.#stepSeconds);
      left -= now;
      if (now === available) this.#head++;
      else this.#counts[this.#head] = available - now;
    }
    this.waiting -= count;
    this.taken += count;
    if (this.#head > 65_536) {
      this.#steps = this.#steps.slice(this.#head);
      this.#counts = this.#counts.slice(this.#head);
      this.#head = 0;
    }
  }

  oldestAgeSeconds(now: number): number {
    const step = this.#steps[this.#head];
    return step === undefined ? 0 : now - step * this.#stepSeconds;
  }

  statistics() {
    let [total, weighted] = [0, 0];
    const ages: number[] = [];
    this.#waits.forEach((count, age) => {
      ages.push(age);
      total += count;
      weighted += count * age;
    });
    const below = (steps: number) => ages.reduce((sum, age) => (age <= steps ? sum + (this.#waits[age] ?? 0) : sum), 0);
    return {
      meanWaitSeconds: total === 0 ? 0 : (weighted / total) * this.#stepSeconds,
      waitQuantile: (share: number) => {
        let sum = 0;
        for (const age of ages) {
          sum += this.#waits[age] ?? 0;
          if (sum > share * total) return age * this.#stepSeconds;
        }
        return (ages.at(-1) ?? 0) * this.#stepSeconds;
      },
      doneWithin: (seconds: number) => below(seconds / this.#stepSeconds),
    };
  }
}

/** Instances as numbers. */
class AggregateFleet {
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
