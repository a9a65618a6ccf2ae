import type { Clock } from '../messaging';

/** States of an instance, in Auto Scaling's own words. */
export type LifecycleState =
  'Pending' | 'Pending:Wait' | 'InService' | 'Terminating' | 'Terminating:Wait' | 'Terminated';

export interface LifecycleHook {
  readonly name: string;
  readonly transition: 'launching' | 'terminating';
  readonly heartbeatTimeoutMs: number;
  readonly defaultResult: 'CONTINUE' | 'ABANDON';
}

/** One instance, as a description of the group shows it. */
export interface GroupInstance {
  readonly instanceId: string;
  readonly state: LifecycleState;
  readonly protectedFromScaleIn: boolean;
  /** When a lifecycle hook that is open now ends by itself, on the group's clock. */
  readonly hookDeadlineMs?: number;
}

/** The machines behind the group. Both are told the id only; the group's state is already the new one. */
export interface Machines {
  /** Begins to boot a machine; its agent completes the launch hook. */
  start(instanceId: string): void;
  /** Tells a running machine its new target state, as instance metadata shows it. */
  retarget(instanceId: string, target: 'InService' | 'Terminated'): void;
  /** Takes a machine away, whatever it does. `ABANDON` tells that the launch hook was never completed. */
  stop(instanceId: string, reason: 'scale-in' | 'hook-timeout' | 'ABANDON'): void;
}

/** A request that Auto Scaling refuses; `code` is the wire's error code. */
export class GroupRefusal extends Error {
  constructor(
    readonly code: 'ValidationError' | 'Throttling',
    message: string,
  ) {
    super(message);
  }
}

interface Entry {
  readonly instanceId: string;
  state: LifecycleState;
  protectedFromScaleIn: boolean;
  open?: { hook: LifecycleHook; beganMs: number; deadlineMs: number; cancel: () => void };
}

/** A hook holds an instance at most this long, or 100 heartbeat timeouts if that is shorter. */
const HOOK_MAX_MS = 48 * 3_600_000;
const HOOK_MAX_HEARTBEATS = 100;

/**
 * The instance life cycle of one Auto Scaling group: desired capacity, hooks with heartbeats, scale-in protection.
 *
 * What it follows of the real one: lowering the desired capacity takes effect at once, but only unprotected instances are
 * chosen and termination waits until there is one; a launch hook that ends without CONTINUE replaces the instance.
 * It owns no clock and no machine.
 */
export class AutoScalingGroupEmulation {
  readonly name: string;
  readonly #hooks: readonly LifecycleHook[];
  readonly #clock: Clock;
  readonly #machines: Machines;
  readonly #entries = new Map<string, Entry>();
  readonly #newId: () => string;
  #desiredCapacity = 0;

  constructor(options: {
    readonly name: string;
    readonly hooks: readonly LifecycleHook[];
    readonly clock: Clock;
    readonly machines: Machines;
    /** Makes instance ids; numbered ones by default. */
    readonly newId?: () => string;
  }) {
    this.name = options.name;
    this.#hooks = options.hooks;
    this.#clock = options.clock;
    this.#machines = options.machines;
    let number = 0;
    this.#newId = options.newId ?? (() => `i-${(++number).toString(16).padStart(17, '0')}`);
  }

  get desiredCapacity(): number {
    return this.#desiredCapacity;
  }

  /** Instances that are not terminated, oldest first. */
  get instances(): readonly GroupInstance[] {
    return [...this.#entries.values()].map(({ instanceId, state, protectedFromScaleIn, open }) => ({
      instanceId,
      state,
      protectedFromScaleIn,
      ...(open && { hookDeadlineMs: open.deadlineMs }),
    }));
  }

  /** Launches or terminates until the group has `capacity` instances; protected ones are waited for. */
  setDesiredCapacity(capacity: number): void {
    this.#desiredCapacity = capacity;
    this.#reconcile();
  }

  /** Takes an instance out whatever its protection, as a health replacement or a manual termination does. */
  terminate(instanceId: string): void {
    this.#terminate(this.#find(instanceId));
    this.#reconcile();
  }

  /** A machine that died by itself: it leaves without a hook, and the group replaces it. */
  lost(instanceId: string): void {
    const entry = this.#entries.get(instanceId);
    if (!entry) return;
    entry.open?.cancel();
    entry.state = 'Terminated';
    this.#entries.delete(instanceId);
    this.#reconcile();
  }

  /** @throws GroupRefusal when no such lifecycle action is open */
  completeLifecycleAction(instanceId: string, hookName: string, result: 'CONTINUE' | 'ABANDON'): void {
    const entry = this.#openHook(instanceId, hookName);
    this.#closeHook(entry, result, false);
  }

  /** @throws GroupRefusal when no such lifecycle action is open */
  recordHeartbeat(instanceId: string, hookName: string): void {
    const entry = this.#openHook(instanceId, hookName);
    const open = entry.open;
    if (!open) return;
    open.cancel();
    this.#armHook(entry, open.hook, open.beganMs);
  }

  /** @throws GroupRefusal when the instance is not in service */
  setProtection(instanceId: string, protectedFromScaleIn: boolean): void {
    const entry = this.#find(instanceId);
    if (entry.state !== 'InService') {
      throw new GroupRefusal(
        'ValidationError',
        `The instance ${instanceId} is not in InService or EnteringStandby or Standby.`,
      );
    }
    entry.protectedFromScaleIn = protectedFromScaleIn;
    this.#reconcile();
  }

  /** Cancels every timer; machines are left alone. */
  close(): void {
    for (const { open } of this.#entries.values()) open?.cancel();
  }

  #reconcile(): void {
    const staying = [...this.#entries.values()].filter(({ state }) => !state.startsWith('Terminat'));
    for (let missing = this.#desiredCapacity - staying.length; missing > 0; missing--) this.#launch();
    let surplus = staying.length - this.#desiredCapacity;
    for (const entry of staying) {
      if (surplus <= 0) break;
      if (entry.state !== 'InService' || entry.protectedFromScaleIn) continue;
      surplus--;
      this.#terminate(entry);
    }
  }

  #launch(): void {
    const entry: Entry = { instanceId: this.#newId(), state: 'Pending', protectedFromScaleIn: false };
    this.#entries.set(entry.instanceId, entry);
    const hook = this.#hooks.find(({ transition }) => transition === 'launching');
    this.#machines.start(entry.instanceId);
    this.#machines.retarget(entry.instanceId, 'InService');
    if (hook) {
      entry.state = 'Pending:Wait';
      this.#armHook(entry, hook, this.#clock.now());
    } else this.#enterService(entry);
  }

  #enterService(entry: Entry): void {
    entry.state = 'InService';
    this.#reconcile();
  }

  #terminate(entry: Entry): void {
    if (entry.state.startsWith('Terminat')) return;
    entry.open?.cancel();
    delete entry.open;
    const hook = this.#hooks.find(({ transition }) => transition === 'terminating');
    entry.state = hook ? 'Terminating:Wait' : 'Terminating';
    this.#machines.retarget(entry.instanceId, 'Terminated');
    if (hook) this.#armHook(entry, hook, this.#clock.now());
    else this.#stop(entry, 'scale-in');
  }

  #armHook(entry: Entry, hook: LifecycleHook, beganMs: number): void {
    const endMs = beganMs + Math.min(HOOK_MAX_MS, HOOK_MAX_HEARTBEATS * hook.heartbeatTimeoutMs);
    const deadlineMs = Math.min(this.#clock.now() + hook.heartbeatTimeoutMs, endMs);
    const cancel = this.#clock.setTimer(deadlineMs - this.#clock.now(), () =>
      this.#closeHook(entry, hook.defaultResult, true),
    );
    entry.open = { hook, beganMs, deadlineMs, cancel };
  }

  #closeHook(entry: Entry, result: 'CONTINUE' | 'ABANDON', timedOut: boolean): void {
    const { open } = entry;
    if (!open) return;
    open.cancel();
    delete entry.open;
    if (open.hook.transition === 'terminating') this.#stop(entry, timedOut ? 'hook-timeout' : 'scale-in');
    else if (result === 'CONTINUE') this.#enterService(entry);
    else {
      this.#stop(entry, 'ABANDON');
      this.#reconcile();
    }
  }

  #stop(entry: Entry, reason: Parameters<Machines['stop']>[1]): void {
    entry.state = 'Terminated';
    this.#entries.delete(entry.instanceId);
    this.#machines.stop(entry.instanceId, reason);
  }

  #find(instanceId: string): Entry {
    const entry = this.#entries.get(instanceId);
    if (!entry) throw new GroupRefusal('ValidationError', `Instance ID ${instanceId} is not part of ${this.name}`);
    return entry;
  }

  #openHook(instanceId: string, hookName: string): Entry {
    const entry = this.#find(instanceId);
    if (entry.open?.hook.name === hookName) return entry;
    throw new GroupRefusal('ValidationError', `No active Lifecycle Action found with instance ID ${instanceId}`);
  }
}
