/** The group's instances as processes of this machine: boot, instance metadata, drain, loss. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock } from '../messaging';
import { WORKER_ENV } from '../worker/contract';
import { AutoScalingApiServer } from './auto-scaling-api';
import { AutoScalingGroupEmulation, type Machines } from './auto-scaling-group';
import type { EventLog } from './event-log';
import { InstanceMetadataServer } from './instance-metadata';
import type { InstanceLifecycle, InstanceState } from './panel-api';
import { killTree } from './process-tree';
import type { FleetResource } from './resource-types';
import { describeWorkerLine } from './worker-output';

/** How long an ended instance stays in the list. */
const KEEP_ENDED_MS = 8_000;

/** How long a process may take to end after SIGTERM; a worker that was drained has nothing left to do. */
const STOP_GRACE_MS = 8_000;

/** Instances that fail one after the other before the run gives up. */
const MAX_FAILURES = 4;

/** What the fleet works with. */
export interface FleetOptions {
  readonly resource: FleetResource;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly region: string;
  /** Time from launch to the worker's start, milliseconds of this machine. */
  readonly bootMs: () => number;
  /** Environment of every worker process besides the template's: paths, region, endpoints, credentials of the instance. */
  readonly environmentOf: (instanceId: string) => Readonly<Record<string, string>>;
  readonly heldBy: (instanceId: string) => number;
  readonly doneBy: (instanceId: string) => number;
  /** Hears when the worker cannot be started at all. */
  readonly broken: (reason: string) => void;
}

interface Machine {
  readonly id: string;
  readonly launchedAtMs: number;
  child?: ChildProcess;
  metadata?: InstanceMetadataServer;
  /** What the group wants of it; a machine that is still booting is told when its metadata service is there. */
  target: 'InService' | 'Terminated';
  /** Cancels the boot. */
  cancelBoot?: () => void;
  ended?: Extract<InstanceLifecycle, 'Terminated' | 'Killed' | 'Failed'>;
  endedAtMs?: number;
  wasInService: boolean;
  lastError: string;
}

/** One Auto Scaling group whose instances are processes. */
export class LocalFleet implements Machines {
  static async start(options: FleetOptions): Promise<LocalFleet> {
    const fleet = new LocalFleet(options);
    fleet.#api = await AutoScalingApiServer.start([fleet.group]);
    return fleet;
  }

  readonly group: AutoScalingGroupEmulation;
  killed = 0;
  readonly #options: FleetOptions;
  readonly #machines = new Map<string, Machine>();
  readonly #everLaunched = new Set<string>();
  #api: AutoScalingApiServer | undefined;
  #failures = 0;
  #closed = false;

  private constructor(options: FleetOptions) {
    this.#options = options;
    const { resource, clock } = options;
    this.group = new AutoScalingGroupEmulation({
      name: resource.name,
      hooks: resource.hooks.map(({ name, transition, heartbeatTimeoutSeconds, defaultResult }) => ({
        name,
        transition,
        defaultResult,
        heartbeatTimeoutMs: heartbeatTimeoutSeconds * 1000,
      })),
      clock,
      machines: this,
    });
  }

  /** Instances launched since the start. */
  get launched(): number {
    return this.#everLaunched.size;
  }

  /** Every instance, oldest first; ended ones for a few seconds. */
  get instances(): readonly InstanceState[] {
    const { clock, heldBy, doneBy } = this.#options;
    const states = new Map(this.group.instances.map(({ instanceId, state }) => [instanceId, state]));
    return [...this.#machines.values()].flatMap((machine) => {
      const { id, ended, endedAtMs, child, launchedAtMs } = machine;
      if (endedAtMs !== undefined && clock.now() - endedAtMs > KEEP_ENDED_MS) {
        this.#machines.delete(id);
        return [];
      }
      const state = ended ?? lifecycleOf(states.get(id), child !== undefined);
      if (state === 'InService') machine.wasInService = true;
      return [
        {
          id,
          state,
          running: ended ? 0 : heldBy(id),
          done: doneBy(id),
          launchedAtMs,
          ...(child?.pid !== undefined && !ended && { pid: child.pid }),
        },
      ];
    });
  }

  /** Messages that each instance since the start has deleted after work; ended ones are not forgotten. */
  get jobsByInstance(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#everLaunched].map((id) => [id, this.#options.doneBy(id)]));
  }

  /** Instances in service, as the group's metric counts them. */
  get inService(): number {
    return this.group.instances.filter(({ state }) => state === 'InService').length;
  }

  /** Instances that are launched and not yet in service. */
  get pending(): number {
    return this.group.instances.filter(({ state }) => state.startsWith('Pending')).length;
  }

  /** Ends a running instance at once with everything on it, as a hardware failure does. @returns whether there was one */
  kill(instanceId: string): boolean {
    const machine = this.#machines.get(instanceId);
    if (!machine?.child || machine.ended) return false;
    this.killed++;
    this.#options.log.add(
      'fault',
      `${short(instanceId)} was killed; its messages come back when their visibility ends`,
      instanceId,
    );
    this.#end(machine, 'Killed');
    this.group.lost(instanceId);
    return true;
  }

  start(instanceId: string): void {
    const { clock, bootMs, log } = this.#options;
    const machine: Machine = {
      id: instanceId,
      launchedAtMs: clock.wallClock(),
      target: 'InService',
      wasInService: false,
      lastError: '',
    };
    this.#machines.set(instanceId, machine);
    this.#everLaunched.add(instanceId);
    const waitMs = bootMs();
    log.add('instance', `${short(instanceId)} is booting, ready in about ${Math.round(waitMs / 1000)} s`, instanceId);
    machine.cancelBoot = clock.setTimer(waitMs, () => {
      this.#boot(machine).catch((error: unknown) => this.#failed(machine, String(error)));
    });
  }

  retarget(instanceId: string, target: 'InService' | 'Terminated'): void {
    const machine = this.#machines.get(instanceId);
    if (!machine) return;
    machine.target = target;
    if (machine.metadata) machine.metadata.targetLifecycleState = target;
    if (target === 'Terminated' && machine.child) {
      const held = this.#options.heldBy(instanceId);
      const work = held === 0 ? 'it has no work' : `it finishes ${held} running ${held === 1 ? 'job' : 'jobs'} first`;
      this.#options.log.add('instance', `${short(instanceId)} was chosen for scale-in: ${work}`, instanceId);
    }
  }

  stop(instanceId: string, reason: 'scale-in' | 'hook-timeout' | 'ABANDON'): void {
    const machine = this.#machines.get(instanceId);
    if (!machine || machine.ended) return;
    const { log } = this.#options;
    if (reason === 'ABANDON') return this.#failed(machine, 'it did not poll in time, the launch hook gave it up');
    const text = reason === 'scale-in' ? 'ended, drained' : 'ended: its terminate hook ran out';
    const done = this.#options.doneBy(instanceId);
    log.add('instance', `${short(instanceId)} ${text} (${done} ${done === 1 ? 'job' : 'jobs'} done)`, instanceId);
    const { child } = machine;
    this.#end(machine, 'Terminated', () => {
      child?.kill('SIGTERM');
      // A worker that ignores the signal does not outlive its instance.
      const cancel = this.#options.clock.setTimer(STOP_GRACE_MS, () => child?.pid !== undefined && killTree(child.pid));
      child?.once('exit', cancel);
    });
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.#closed = true;
    this.group.close();
    const ends = [...this.#machines.values()].flatMap((machine) => {
      machine.cancelBoot?.();
      const { child } = machine;
      if (!child || child.exitCode !== null || child.signalCode !== null) return [];
      if (child.pid !== undefined) killTree(child.pid);
      return [new Promise<void>((resolve) => child.once('exit', () => resolve()))];
    });
    await Promise.all([...ends, ...[...this.#machines.values()].map(({ metadata }) => metadata?.close())]);
    await this.#api?.close();
  }

  async #boot(machine: Machine): Promise<void> {
    const { resource, clock, region, environmentOf, log } = this.#options;
    const { id } = machine;
    const metadata = await InstanceMetadataServer.start({
      instanceId: id,
      clock,
      region,
      autoScalingGroupName: resource.name,
    });
    if (machine.ended || this.#closed) return metadata.close();
    metadata.targetLifecycleState = machine.target;
    machine.metadata = metadata;
    const [program = 'node', ...args] = resource.command;
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd: resource.directory,
      // A group of its own: an interrupt in the terminal is for the run, which then ends its workers itself.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...environmentOf(id),
        ...resource.environment,
        [WORKER_ENV.metadataEndpoint]: metadata.endpoint,
        [WORKER_ENV.healthPort]: '0',
        AWS_ENDPOINT_URL_AUTO_SCALING: this.#api?.endpoint ?? '',
      },
    });
    machine.child = child;
    log.add('instance', `${short(id)} started its worker (process ${child.pid ?? '?'})`, id);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const entry = describeWorkerLine(line);
        if (!entry) return;
        if (entry.kind === 'error') machine.lastError = entry.text;
        log.add(entry.kind, `${short(id)}: ${entry.text}`, id);
      });
    }
    child.once('error', (error) => this.#failed(machine, error.message));
    child.once('exit', (code, signal) => {
      if (machine.ended || this.#closed) return;
      this.#failed(machine, `its worker ended with ${signal ?? `code ${String(code)}`}`);
    });
  }

  #failed(machine: Machine, reason: string): void {
    if (machine.ended || this.#closed) return;
    const { log, broken } = this.#options;
    const why = machine.lastError === '' ? reason : `${reason}: ${machine.lastError}`;
    log.add('error', `${short(machine.id)} failed: ${why}`, machine.id);
    this.#failures = machine.wasInService ? 0 : this.#failures + 1;
    this.#end(machine, 'Failed');
    if (this.#failures >= MAX_FAILURES) return broken(`${this.#failures} workers in a row did not start: ${why}`);
    this.group.lost(machine.id);
  }

  #end(machine: Machine, state: NonNullable<Machine['ended']>, stop?: () => void): void {
    const { child, metadata } = machine;
    machine.ended = state;
    machine.endedAtMs = this.#options.clock.now();
    machine.cancelBoot?.();
    if (!stop) {
      if (child?.pid !== undefined) killTree(child.pid);
      void metadata?.close();
      return;
    }
    // A worker on its way out still asks its instance's services.
    if (child && child.exitCode === null) child.once('exit', () => void metadata?.close());
    else void metadata?.close();
    stop();
  }
}

/** The end of an id is enough for a person to tell instances apart. */
export function short(instanceId: string): string {
  return `i-…${instanceId.slice(-4)}`;
}

function lifecycleOf(state: string | undefined, started: boolean): InstanceLifecycle {
  switch (state) {
    case 'InService':
      return started ? 'InService' : 'Booting';
    case 'Terminating':
    case 'Terminating:Wait':
      return 'Terminating:Wait';
    case 'Pending':
    case 'Pending:Wait':
      return started ? 'Pending:Wait' : 'Booting';
    default:
      return 'Terminated';
  }
}
