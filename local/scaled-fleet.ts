/** The worker group under the template's alarms and policies: looks at the queues, sets the capacity, loses instances. */
import type { Clock } from '../messaging';
import type { Faults } from './edge/faults';
import type { QueueLedger } from './edge/queue-ledger';
import { LocalFleet, type FleetOptions } from './fleet';
import type { AlarmState, GroupState, InstanceState, QueueState } from './panel-api';
import type { ScalingDriver } from './scaling-driver';

/** How often the scaling model looks and decides, milliseconds of this machine. */
const TICK_MS = 200;

/** What a scaled fleet works with. */
export interface ScaledFleetOptions extends Omit<FleetOptions, 'bootMs' | 'heldBy' | 'doneBy'> {
  readonly scaling: ScalingDriver;
  readonly secondsPerMinute: number;
  /** Seconds since the start on the faster clock. */
  readonly virtualSeconds: () => number;
  readonly queueStates: () => readonly QueueState[];
  /** Logical ids of queues by their names. */
  readonly logicalIds: ReadonlyMap<string, string>;
  readonly ledger: Pick<QueueLedger, 'heldBy' | 'doneBy' | 'counts'>;
  readonly faults: Pick<Faults, 'settings'>;
  readonly random: () => number;
}

/** Capacity of the group: at the start, the highest, and now with everything that still runs. */
export interface Capacity {
  readonly initial: number;
  readonly highest: number;
  readonly last: number;
}

/** One Auto Scaling group with its scaling. */
export class ScaledFleet {
  /** Starts the group at its desired capacity, and looks again and again. */
  static async start(options: ScaledFleetOptions): Promise<ScaledFleet> {
    const { scaling, secondsPerMinute, ledger, log } = options;
    for (const note of scaling.notes) log.add('system', note);
    const fleet = await LocalFleet.start({
      ...options,
      bootMs: () => (scaling.bootSeconds() * secondsPerMinute * 1000) / 60,
      heldBy: (id) => ledger.heldBy(id),
      doneBy: (id) => ledger.doneBy(id),
    });
    return new ScaledFleet(options, fleet);
  }

  #highestCapacity = 0;
  #lastKillMs: number;
  readonly #failed = new Set<string>();
  #cancelTick = (): void => {};

  private constructor(
    private readonly options: ScaledFleetOptions,
    private readonly fleet: LocalFleet,
  ) {
    this.#lastKillMs = options.clock.now();
    this.#setCapacity(options.scaling.initialCapacity);
    this.#schedule(options.clock);
  }

  get instances(): readonly InstanceState[] {
    return this.fleet.instances;
  }

  get alarms(): readonly AlarmState[] {
    return this.options.scaling.alarms();
  }

  get group(): GroupState {
    const { name, min, max } = this.options.resource;
    return { name, min, max, desired: this.fleet.group.desiredCapacity, inService: this.fleet.inService };
  }

  get capacity(): Capacity {
    const last = this.fleet.instances.filter(({ state }) => !ENDED.has(state)).length;
    return { initial: this.options.scaling.initialCapacity, highest: this.#highestCapacity, last };
  }

  /** Whether the template scales the group. */
  get scales(): boolean {
    return this.alarms.some(({ scaling }) => scaling);
  }

  /** Instances that ended by themselves. */
  get failedInstances(): number {
    return this.#failed.size;
  }

  get launched(): number {
    return this.fleet.launched;
  }

  get killed(): number {
    return this.fleet.killed;
  }

  /** Messages that each instance since the start has deleted after work. */
  get jobsByInstance(): Readonly<Record<string, number>> {
    return this.fleet.jobsByInstance;
  }

  /** Ends an instance at once with everything on it. @returns false when there is no such running instance */
  kill(instanceId: string): boolean {
    return this.fleet.kill(instanceId);
  }

  async close(): Promise<void> {
    this.#cancelTick();
    await this.fleet.close();
  }

  #schedule(clock: Clock): void {
    this.#cancelTick = clock.setTimer(TICK_MS, () => {
      this.#schedule(clock);
      this.#tick();
    });
  }

  #tick(): void {
    const { fleet } = this;
    const { scaling, ledger, logicalIds, queueStates, virtualSeconds, log } = this.options;
    const instances = fleet.instances;
    for (const { id, state } of instances) if (state === 'Failed') this.#failed.add(id);
    const decisions = scaling.step(virtualSeconds(), {
      queues: queueStates().map(({ name, visible, inFlight, delayed, oldestAgeSeconds }) => ({
        logicalId: logicalIds.get(name) ?? name,
        visible,
        notVisible: inFlight,
        delayed,
        oldestAgeSeconds,
        ...ledger.counts(name),
      })),
      desired: fleet.group.desiredCapacity,
      inService: fleet.inService,
      pending: fleet.pending,
      terminating: instances.filter(({ state }) => state === 'Terminating:Wait').length,
    });
    for (const { kind, text, desired } of decisions) {
      log.add(kind, text);
      if (desired !== undefined) this.#setCapacity(desired);
    }
    this.#killSometimes(instances);
  }

  #setCapacity(desired: number): void {
    this.#highestCapacity = Math.max(this.#highestCapacity, desired);
    this.fleet.group.setDesiredCapacity(desired);
  }

  #killSometimes(instances: readonly InstanceState[]): void {
    const { clock, faults, random } = this.options;
    const { killEverySeconds } = faults.settings;
    if (killEverySeconds === 0 || clock.now() - this.#lastKillMs < killEverySeconds * 1000) return;
    const working = instances.filter(({ state, running }) => state === 'InService' && running > 0);
    const victim = working[Math.floor(random() * working.length)];
    if (!victim) return;
    this.#lastKillMs = clock.now();
    this.fleet.kill(victim.id);
  }
}

const ENDED: ReadonlySet<InstanceState['state']> = new Set(['Terminated', 'Killed', 'Failed']);
