/** Instances of an Auto Scaling group: boot, warm pool, slots, drain. */
import type { Random } from './random';
import type { GroupModel, ScalingModel } from './scaling-model';
import { SpareNodes } from './spare-nodes';
import type { Timing } from './timing';

/** How a fleet is set up; the callbacks schedule what happens later. */
export interface FleetOptions {
  readonly group: GroupModel;
  readonly concurrency: number;
  readonly drainSeconds: number;
  readonly timing: Timing;
  readonly random: Random;
  readonly onReady: (atSeconds: number, instance: number) => void;
  readonly onPoolReady: (atSeconds: number) => void;
  readonly onDrain: (atSeconds: number, instance: number) => void;
}

type InstanceState = 'pending' | 'inService' | 'draining' | 'gone';

interface Instance {
  state: InstanceState;
  /** Jobs that run here. */
  readonly jobs: Set<number>;
  /** Place in the list of instances in service. */
  position: number;
}

/** The instances. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #instances: Instance[] = [];
  /** Ids in service, unordered. */
  readonly #inService: number[] = [];
  /** One entry for each free slot; entries of instances that left service are skipped when they come up. */
  readonly #freeSlots: number[] = [];
  readonly #spareNodes: SpareNodes;
  #pending = 0;
  #draining = 0;
  #desired: number;
  #poolReady = 0;
  #poolPending = 0;
  #lastSeconds = 0;
  #now = 0;

  /** Instance time so far. */
  instanceSeconds = 0;
  maxInstances = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#desired = options.group.desiredCapacity;
    this.#spareNodes = new SpareNodes(options.group.nodeReleaseSeconds ?? 0);
    for (let i = 0; i < this.#desired; i++) this.ready(this.#add());
    if (options.group.warmPool !== undefined) this.#poolReady = this.#poolTarget();
  }

  get inService(): number {
    return this.#inService.length;
  }

  get pending(): number {
    return this.#pending;
  }

  get terminating(): number {
    return this.#draining;
  }

  /** Counts instance time up to now. */
  advance(nowSeconds: number): void {
    const paid = this.#inService.length + this.#pending + this.#draining;
    const running = this.#options.group.warmPool?.state === 'Running' ? this.#poolReady : 0;
    // A warm pool's refill runs while it boots, even when its instances stop afterwards.
    this.instanceSeconds += (paid + running + this.#poolPending) * (nowSeconds - this.#lastSeconds);
    this.instanceSeconds += this.#spareNodes.paidSeconds(this.#lastSeconds, nowSeconds);
    this.#lastSeconds = nowSeconds;
    this.#now = nowSeconds;
    this.maxInstances = Math.max(this.maxInstances, paid + this.#spareNodes.count);
  }

  /** Launches or terminates until the group has the desired number. */
  setDesired(desired: number, nowSeconds: number): void {
    this.#desired = desired;
    const surplus = () => this.#inService.length + this.#pending - desired;
    for (let missing = -surplus(); missing > 0; missing--) this.#launch(nowSeconds);
    // A protected group gives up idle instances at once, and busy ones when they become idle.
    if (this.#options.group.protectedFromScaleIn) {
      const idle = this.#inService.filter((id) => (this.#instances[id] as Instance).jobs.size === 0);
      for (const id of idle.slice(0, Math.max(0, surplus()))) this.#terminate(id);
    } else {
      while (surplus() > 0 && this.#inService.length > 0) {
        this.#terminate(this.#inService[this.#options.random.below(this.#inService.length)] as number);
      }
    }
    this.#fillPool(nowSeconds);
  }

  /** An instance finished booting; false when it is no longer wanted. */
  ready(id: number): boolean {
    const instance = this.#instances[id] as Instance;
    this.#pending--;
    if (
      this.#options.timing.launchFailureShare > 0 &&
      this.#options.random.next() < this.#options.timing.launchFailureShare
    ) {
      instance.state = 'gone';
      this.#launch(this.#now);
      return false;
    }
    if (this.#inService.length + this.#pending + 1 > this.#desired) {
      instance.state = 'gone';
      this.#spareNodes.add(this.#now);
      return false;
    }
    instance.state = 'inService';
    instance.position = this.#inService.push(id) - 1;
    for (let slot = 0; slot < this.#options.concurrency; slot++) this.#freeSlots.push(id);
    return true;
  }

  /** An instance of the warm pool is prepared. */
  poolReady(): void {
    this.#poolPending--;
    this.#poolReady++;
  }

  /** Takes a free slot at random, as long polling spreads messages; -1 when there is none. */
  takeSlot(): number {
    const slots = this.#freeSlots;
    while (slots.length > 0) {
      const index = this.#options.random.below(slots.length);
      const id = slots[index] as number;
      slots[index] = slots[slots.length - 1] as number;
      slots.pop();
      if ((this.#instances[id] as Instance).state === 'inService') return id;
    }
    return -1;
  }

  /** Gives a slot back that was taken but not used. */
  returnSlot(id: number): void {
    this.#freeSlots.push(id);
  }

  start(id: number, job: number): void {
    (this.#instances[id] as Instance).jobs.add(job);
  }

  /** Whether the job still runs there. */
  runs(id: number, job: number): boolean {
    return (this.#instances[id] as Instance).jobs.has(job);
  }

  /** A job ended: the slot is free again, or the instance has drained. */
  finish(id: number, job: number): void {
    const instance = this.#instances[id] as Instance;
    instance.jobs.delete(job);
    if (instance.state === 'inService') {
      const surplus = this.#inService.length + this.#pending > this.#desired;
      if (surplus && instance.jobs.size === 0) this.#terminate(id);
      else this.#freeSlots.push(id);
    } else if (instance.state === 'draining' && instance.jobs.size === 0) {
      this.#leave(instance);
    }
  }

  /** The drain time of an instance is over; returns the jobs that it takes down. */
  kill(id: number): readonly number[] {
    const instance = this.#instances[id] as Instance;
    if (instance.state !== 'draining') return [];
    const jobs = [...instance.jobs];
    instance.jobs.clear();
    this.#leave(instance);
    return jobs;
  }

  #add(): number {
    this.#pending++;
    return this.#instances.push({ state: 'pending', jobs: new Set(), position: -1 }) - 1;
  }

  #launch(nowSeconds: number): void {
    const { random, timing } = this.#options;
    if (this.#spareNodes.take(nowSeconds)) {
      this.#options.onReady(nowSeconds + random.within(timing.taskStart), this.#add());
      return;
    }
    const isWarm = this.#poolReady > 0;
    if (isWarm) this.#poolReady--;
    this.#options.onReady(nowSeconds + random.within(isWarm ? timing.warmLaunch : timing.launch), this.#add());
  }

  #terminate(id: number): void {
    const instance = this.#instances[id] as Instance;
    const last = this.#inService.pop() as number;
    if (last !== id) {
      this.#inService[instance.position] = last;
      (this.#instances[last] as Instance).position = instance.position;
    }
    instance.state = 'draining';
    this.#draining++;
    if (instance.jobs.size === 0) this.#leave(instance);
    else this.#options.onDrain(this.#now + this.#options.drainSeconds, id);
  }

  #leave(instance: Instance): void {
    instance.state = 'gone';
    this.#draining--;
    this.#spareNodes.add(this.#now);
    if (this.#options.group.warmPool?.reuseOnScaleIn === true && this.#poolReady < this.#poolTarget())
      this.#poolReady++;
  }

  #poolTarget(): number {
    const { warmPool } = this.#options.group;
    return warmPool === undefined ? 0 : Math.max(warmPool.minSize, warmPool.maxPreparedCapacity - this.#desired);
  }

  #fillPool(nowSeconds: number): void {
    if (this.#options.group.warmPool === undefined) return;
    for (let missing = this.#poolTarget() - this.#poolReady - this.#poolPending; missing > 0; missing--) {
      this.#poolPending++;
      this.#options.onPoolReady(nowSeconds + this.#options.random.within(this.#options.timing.launch));
    }
  }
}

/** How long running work may go on after a scale-in. */
export function drainSeconds(model: ScalingModel, timing: Timing): number {
  const hooks = model.group.hooks.filter((hook) => hook.transition === 'terminate');
  if (hooks.length === 0) return timing.terminateWithoutHook;
  // The worker extends the hook until its own drain timeout; without a known worker the hook's heartbeat is the limit.
  return model.worker?.drainTimeoutSeconds ?? Math.max(...hooks.map((hook) => hook.heartbeatSeconds));
}
