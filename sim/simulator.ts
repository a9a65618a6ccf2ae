/**
 * Discrete-event simulation of one fleet: queues, instances with slots, and a controller that sets the capacity.
 *
 * Every job is simulated. For more than some ten million jobs see `aggregate.ts`.
 */
import { EventHeap } from './event-heap';
import { drainSeconds, Fleet, type FleetOptions } from './fleet';
import { Recorder, type Recording } from './recorder';
import type { AlarmBand, QueueSnapshot, ScalingEvent, Snapshot } from './scaling-engine';
import { Random } from './random';
import type { ScalingModel } from './scaling-model';
import { compact, queueSnapshot, simulatedQueue, type SimulatedQueue } from './simulated-queue';
import type { Timing } from './timing';
import { workerMetrics } from './worker-metrics';

/** Sets the desired capacity; `ScalingEngine` is one. */
export interface Controller {
  readonly nextWakeSeconds: number;
  readonly alarms?: readonly AlarmBand[];
  observe(nowSeconds: number, snapshot: Snapshot): void;
  advance(nowSeconds: number): readonly ScalingEvent[];
}

/** What is simulated. */
export interface SimulationOptions {
  readonly model: ScalingModel;
  readonly controller: Controller;
  readonly timing: Timing;
  readonly seed: number;
  /** Arrival seconds, ascending. */
  readonly arrivals: Float64Array;
  /** Service seconds of each arrival. */
  readonly serviceSeconds: Float64Array;
  readonly durationSeconds: number;
  /** Jobs that one instance runs at a time. */
  readonly concurrency: number;
  /** Share of attempts that fail and are tried again. @default 0 */
  readonly failureShare?: number;
  /** FIFO queues: jobs that can run at the same time, one for each message group. @default - not limited */
  readonly messageGroups?: number;
  /** How long the simulation may go on after the last arrival. @default 86400 */
  readonly overrunSeconds?: number;
  /** Points of the time line. @default 600 */
  readonly timelinePoints?: number;
  readonly onProgress?: (share: number) => void;
  /** Called after every event: for tests of invariants. */
  readonly onStep?: (counts: JobCounts) => void;
}

/** Where all jobs are. */
export interface JobCounts {
  readonly arrived: number;
  readonly done: number;
  readonly visible: number;
  readonly delayed: number;
  readonly running: number;
  /** Received by an instance that is gone; hidden until the visibility timeout ends. */
  readonly hidden: number;
  readonly deadLettered: number;
  readonly expired: number;
}

/** What happened. */
export interface SimulationResult extends JobCounts {
  /** Wait of each finished job, from arrival to the start of the attempt that finished it; NaN for the others. */
  readonly waitSeconds: Float64Array;
  readonly killed: number;
  readonly events: readonly ScalingEvent[];
  readonly lastArrivalSeconds: number;
  readonly lastDoneSeconds: number;
  readonly endSeconds: number;
  /** Paid instance time, boot and drain included. */
  readonly instanceSeconds: number;
  readonly maxInstances: number;
  readonly recording: Recording;
}

/** The alarms that a chart shows. */
export function scalingAlarms(controller: Controller): readonly AlarmBand[] {
  return (controller.alarms ?? []).filter((alarm) => alarm.scales);
}

const enum Kind {
  Done,
  InstanceReady,
  DrainEnds,
  Visible,
  Undelayed,
  PoolReady,
}

/** Runs a simulation to its end. */
export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #heap = new EventHeap();
  readonly #queues: readonly SimulatedQueue[];
  readonly #fleet: Fleet;
  readonly #random: Random;
  readonly #recorder: Recorder;
  readonly #events: ScalingEvent[] = [];
  readonly #startSeconds: Float64Array;
  readonly #waitSeconds: Float64Array;
  readonly #receives: Uint16Array;
  readonly #queueOf: Uint8Array;
  #now = 0;
  #nextArrival = 0;
  #done = 0;
  #deadLettered = 0;
  #expired = 0;
  #killed = 0;
  #lastDone = 0;
  #desired: number;

  constructor(options: SimulationOptions) {
    const { model, timing, seed, arrivals, concurrency } = options;
    this.#options = options;
    this.#random = new Random(seed, 'fleet');
    this.#startSeconds = new Float64Array(arrivals.length);
    this.#waitSeconds = new Float64Array(arrivals.length).fill(NaN);
    this.#receives = new Uint16Array(arrivals.length);
    this.#queueOf = new Uint8Array(arrivals.length);
    this.#queues = model.queues
      .filter((queue) => model.consumedQueues.includes(queue.logicalId))
      .map((queue) => simulatedQueue(queue, options.messageGroups));
    if (this.#queues.length > 1) {
      const split = new Random(seed, 'queues');
      for (let i = 0; i < arrivals.length; i++) this.#queueOf[i] = split.below(this.#queues.length);
    }
    const fleetOptions: FleetOptions = {
      group: model.group,
      drainSeconds: drainSeconds(model, timing),
      concurrency,
      timing,
      random: this.#random,
      onReady: (atSeconds, instance) => this.#heap.push(atSeconds, Kind.InstanceReady, instance),
      onPoolReady: (atSeconds) => this.#heap.push(atSeconds, Kind.PoolReady, 0),
      onDrain: (atSeconds, instance) => this.#heap.push(atSeconds, Kind.DrainEnds, instance),
    };
    this.#fleet = new Fleet(fleetOptions);
    this.#desired = model.group.desiredCapacity;
    this.#recorder = new Recorder(options.durationSeconds, options.timelinePoints ?? 600);
  }

  run(): SimulationResult {
    const { arrivals, controller, durationSeconds, overrunSeconds = 86_400 } = this.#options;
    const lastArrival = arrivals.at(-1) ?? 0;
    const horizon = Math.max(durationSeconds, lastArrival) + overrunSeconds;
    let nextProgress = 0;
    for (;;) {
      const arrival = arrivals[this.#nextArrival] ?? Infinity;
      const wake = controller.nextWakeSeconds;
      const event = this.#heap.nextSeconds;
      const now = Math.min(arrival, wake, event, this.#recorder.nextSeconds);
      const finished = this.#nextArrival === arrivals.length && this.#resolved === arrivals.length;
      if ((finished && now > durationSeconds) || now > horizon || now === Infinity) break;
      this.#now = now;
      this.#fleet.advance(now);
      if (event === now) this.#handleEvent();
      else if (arrival === now) this.#arrive(this.#nextArrival++);
      else if (wake === now) this.#control(controller);
      else this.#record(controller);
      this.#options.onStep?.(this.#counts());
      if (now >= nextProgress && this.#options.onProgress !== undefined) {
        this.#options.onProgress(Math.min(1, now / durationSeconds));
        nextProgress = now + durationSeconds / 100;
      }
    }
    // The fleet is paid until the end of the workload, or until the last job is done.
    this.#now = Math.max(this.#now, durationSeconds);
    this.#fleet.advance(this.#now);
    this.#options.onProgress?.(1);
    return {
      ...this.#counts(),
      waitSeconds: this.#waitSeconds,
      killed: this.#killed,
      events: this.#events,
      lastArrivalSeconds: lastArrival,
      lastDoneSeconds: this.#lastDone,
      endSeconds: this.#now,
      instanceSeconds: this.#fleet.instanceSeconds,
      maxInstances: this.#fleet.maxInstances,
      recording: this.#recorder.finish(this.#now),
    };
  }

  get #resolved(): number {
    return this.#done + this.#deadLettered + this.#expired;
  }

  #counts(): JobCounts {
    const sum = (of: (queue: SimulatedQueue) => number) => this.#queues.reduce((total, queue) => total + of(queue), 0);
    return {
      arrived: this.#nextArrival,
      done: this.#done,
      visible: sum((queue) => queue.tail - queue.head),
      delayed: sum((queue) => queue.delayed),
      running: sum((queue) => queue.running),
      hidden: sum((queue) => queue.hidden),
      deadLettered: this.#deadLettered,
      expired: this.#expired,
    };
  }

  #handleEvent(): void {
    const heap = this.#heap;
    heap.pop();
    const { kind, subject, detail } = heap;
    switch (kind) {
      case Kind.Done:
        this.#finish(subject, detail);
        break;
      case Kind.InstanceReady:
        if (this.#fleet.ready(subject)) this.#serve();
        break;
      case Kind.DrainEnds:
        for (const job of this.#fleet.kill(subject)) this.#lose(job);
        break;
      case Kind.Visible: {
        const queue = this.#queue(subject);
        queue.hidden--;
        this.#enqueue(queue, subject);
        break;
      }
      case Kind.Undelayed: {
        const queue = this.#queue(subject);
        queue.delayed--;
        this.#enqueue(queue, subject);
        break;
      }
      default:
        this.#fleet.poolReady();
    }
  }

  #arrive(job: number): void {
    const queue = this.#queue(job);
    queue.sent++;
    if (queue.delaySeconds > 0) {
      queue.delayed++;
      this.#heap.push(this.#now + queue.delaySeconds, Kind.Undelayed, job);
    } else {
      this.#enqueue(queue, job);
    }
  }

  #queue(job: number): SimulatedQueue {
    return this.#queues[this.#queueOf[job] as number] as SimulatedQueue;
  }

  #enqueue(queue: SimulatedQueue, job: number): void {
    if (queue.tail === queue.ready.length) compact(queue);
    queue.ready[queue.tail++] = job;
    this.#serve();
  }

  /** Hands waiting jobs to free slots; several queues take turns by chance. */
  #serve(): void {
    for (;;) {
      const queue = this.#pickQueue();
      if (queue === undefined) return;
      const instance = this.#fleet.takeSlot();
      if (instance < 0) return;
      const job = this.#receive(queue);
      if (job < 0) {
        this.#fleet.returnSlot(instance);
        continue;
      }
      this.#startSeconds[job] = this.#now;
      queue.running++;
      this.#fleet.start(instance, job);
      this.#heap.push(this.#now + (this.#options.serviceSeconds[job] as number), Kind.Done, job, instance);
    }
  }

  #pickQueue(): SimulatedQueue | undefined {
    const open = (queue: SimulatedQueue) => queue.head < queue.tail && queue.running + queue.hidden < queue.maxInFlight;
    const first = this.#queues[0] as SimulatedQueue;
    if (this.#queues.length === 1) return open(first) ? first : undefined;
    const candidates = this.#queues.filter(open);
    return candidates[this.#random.below(candidates.length)];
  }

  /** The next message that SQS gives out; -1 when the head was expired or dead. */
  #receive(queue: SimulatedQueue): number {
    const job = queue.ready[queue.head++] as number;
    if (this.#now - (this.#options.arrivals[job] as number) > queue.retentionSeconds) {
      this.#expired++;
      return -1;
    }
    // SQS moves a message when it would be received once more than the redrive policy allows.
    if ((this.#receives[job] as number) >= queue.maxReceiveCount) {
      this.#deadLettered++;
      return -1;
    }
    this.#receives[job]!++;
    queue.received++;
    return job;
  }

  #finish(job: number, instance: number): void {
    // An event of an attempt that was killed.
    if (!this.#fleet.runs(instance, job)) return;
    const queue = this.#queue(job);
    queue.running--;
    // First the slot: the same instance may receive the message again at once.
    this.#fleet.finish(instance, job);
    const { failureShare = 0 } = this.#options;
    if (failureShare > 0 && this.#random.next() < failureShare) {
      this.#enqueue(queue, job);
      return;
    }
    queue.deleted++;
    this.#done++;
    this.#lastDone = this.#now;
    const wait = (this.#startSeconds[job] as number) - (this.#options.arrivals[job] as number);
    this.#waitSeconds[job] = wait;
    this.#recorder.wait(wait);
    this.#serve();
  }

  /** The instance is gone with its work: the message shows up when its last renewal runs out, the worker renews each third. */
  #lose(job: number): void {
    const queue = this.#queue(job);
    queue.running--;
    queue.hidden++;
    this.#killed++;
    const left = queue.visibilitySeconds * (2 / 3 + this.#random.next() / 3);
    this.#heap.push(this.#now + left, Kind.Visible, job);
  }

  #control(controller: Controller): void {
    controller.observe(this.#now, this.#snapshot());
    const events = controller.advance(this.#now);
    if (events.some((event) => event.kind === 'alarm')) this.#recorder.alarms(scalingAlarms(controller));
    for (const event of events) {
      this.#events.push(event);
      if (event.kind === 'capacity') {
        this.#desired = event.to;
        this.#fleet.setDesired(event.to, this.#now);
      }
    }
  }

  #snapshot(): Snapshot {
    const queues: Record<string, QueueSnapshot> = {};
    for (const queue of this.#queues) {
      queues[queue.logicalId] = queueSnapshot(queue, this.#now, this.#options.arrivals);
    }
    const { inService, pending, terminating } = this.#fleet;
    const first = this.#queues[0] as SimulatedQueue;
    const namespace = this.#options.model.worker?.metricsNamespace;
    return {
      queues,
      group: { desired: this.#desired, inService, pending, terminating },
      custom: workerMetrics({
        workers: inService,
        concurrency: this.#options.concurrency,
        waiting: first.tail - first.head,
        busy: first.running,
        running: this.#queues.reduce((sum, queue) => sum + queue.running, 0),
        ...(namespace === undefined ? {} : { namespace }),
      }),
    };
  }

  #record(controller: Controller): void {
    const counts = this.#counts();
    const { inService, pending, terminating } = this.#fleet;
    this.#recorder.record(this.#now, {
      visible: counts.visible,
      inFlight: counts.running + counts.hidden,
      desired: this.#desired,
      inService,
      total: inService + pending + terminating,
      alarms: scalingAlarms(controller),
    });
  }
}
