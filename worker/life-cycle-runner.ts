import type { Clock, Logger } from '../messaging';
import type { OwnGroup } from './auto-scaling-client';
import type { InstanceFate } from './instance-metadata-client';
import {
  type Action,
  initialLifeCycle,
  type LifeCycleRules,
  type LifeCycleState,
  lifeCycleSettled,
  type Observation,
  planLifeCycle,
} from './life-cycle';
import { initialProtection, planProtection, type ProtectionState, protectionSettled } from './protection';

/** How often instance metadata is asked. A Spot notice gives two minutes; AWS advises to look every 5 seconds. */
const POLL_MS = 2_000;
/** A silent metadata service is reported once in this time. */
const REPORT_SILENCE_MS = 60_000;

/** What the runner drives: consumers and their handler. */
export interface Work {
  readonly handlerReady: boolean;
  readonly polled: boolean;
  readonly drained: boolean;
  readonly running: number;
  start(): void;
  /** Returns at once; `drained` turns true later. A second call can only shorten the budget. */
  drain(budgetMs: number): void;
}

export interface LifeCycleRunnerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rules: LifeCycleRules;
  readonly work: Work;
  /** Absent on premise: then only stop requests end the work. */
  readonly instance?: {
    readonly fate: () => Promise<InstanceFate>;
    /** Resolved again until it succeeds: instance metadata may be late. */
    readonly group: () => Promise<OwnGroup>;
  };
}

/** Polls instance metadata, plans with `planLifeCycle` and `planProtection`, and carries the actions out. */
export class LifeCycleRunner {
  readonly #options: LifeCycleRunnerOptions;
  #state: LifeCycleState;
  #protection: ProtectionState;
  #group: OwnGroup | undefined;
  #stopRequested = false;
  #silentSinceMs: number | undefined;
  #silenceReportedMs = -Infinity;
  #wake: (() => void) | undefined;
  #woken = false;
  /** Calls to AWS that are under way, one of each kind: a slow one must not hold up a drain. */
  readonly #calls = new Map<string, Promise<void>>();

  constructor(options: LifeCycleRunnerOptions) {
    this.#options = options;
    const nowMs = options.clock.now();
    this.#state = initialLifeCycle(nowMs);
    this.#protection = initialProtection(nowMs);
  }

  get phase(): LifeCycleState['phase'] {
    return this.#state.phase;
  }

  /** Begins the drain now, as SIGTERM does. */
  requestStop(): void {
    this.#stopRequested = true;
    this.wake();
  }

  /** Looks at the world again without waiting for the next poll: the consumer polled, drained, or loaded its handler. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Resolves when the worker has nothing left to do and its process should end. */
  async run(): Promise<void> {
    for (;;) {
      const seen = await this.#observe();
      const { clock, rules } = this.#options;
      const { state, actions } = planLifeCycle(this.#state, seen, clock.now(), rules);
      this.#state = state;
      for (const action of actions) this.#perform(action);
      this.#protect();
      if (this.#state.phase === 'exited') {
        await Promise.all(this.#calls.values());
        return;
      }
      await this.#sleep();
    }
  }

  async #observe(): Promise<Observation> {
    const { instance, work, clock } = this.#options;
    // On premise there is no group that could say anything else.
    let fate: InstanceFate = { rebalanceRecommended: false, ...(!instance && { targetState: 'InService' }) };
    try {
      // Once the hook is completed the machine may be gone at any moment, and nothing that it says could change anything.
      if (instance && !this.#state.termination.settled) fate = await instance.fate();
      this.#silentSinceMs = undefined;
    } catch (error) {
      this.#reportSilence(error);
    }
    return {
      rebalanceRecommended: fate.rebalanceRecommended,
      handlerReady: work.handlerReady,
      polled: work.polled,
      drained: work.drained,
      stopRequested: this.#stopRequested,
      ...(fate.targetState && { targetState: fate.targetState }),
      ...(fate.spot && { spotInMs: fate.spot.atMs - clock.wallClock() }),
    };
  }

  #perform(action: Action): void {
    const { work, logger } = this.#options;
    switch (action.kind) {
      case 'start-consuming':
        logger.info({}, 'consuming');
        return work.start();
      case 'report-rebalance':
        return logger.warn({}, 'EC2 recommends to rebalance: this Spot instance may be interrupted soon');
      case 'drain':
      case 'shorten-drain':
        logger.info({ reason: action.reason, budgetMs: Math.round(action.budgetMs) }, action.kind);
        return work.drain(action.budgetMs);
      case 'exit':
        return;
      default:
        return this.#call(action.kind);
    }
  }

  #call(kind: 'complete-launch' | 'complete-termination' | 'heartbeat'): void {
    const { rules, clock, logger } = this.#options;
    const hookName = kind === 'complete-launch' ? rules.launchHookName : rules.terminateHookName;
    if (hookName === undefined) return;
    this.#inBackground(kind, async () => {
      const sentAtMs = clock.now();
      const group = await this.#ownGroup();
      const call = kind === 'heartbeat' ? group?.recordHeartbeat(hookName) : group?.completeLifecycleAction(hookName);
      const outcome = (await call) ?? 'failed';
      if (outcome === 'done') logger.info({ hookName }, kind);
      this.#state = lifeCycleSettled(this.#state, kind, outcome, sentAtMs, rules);
    });
  }

  /** Protection makes sense only in service: the group refuses it in any other state. */
  #protect(): void {
    const { instance, work, clock, logger } = this.#options;
    if (!instance || this.#state.phase !== 'serving' || this.#calls.has('protection')) return;
    const plan = planProtection(this.#protection, work.running, clock.now());
    this.#protection = plan.state;
    const { request } = plan;
    if (request === undefined) return;
    this.#inBackground('protection', async () => {
      const sentAtMs = clock.now();
      const outcome = (await (await this.#ownGroup())?.setProtection(request)) ?? 'failed';
      if (outcome === 'done') logger.debug({ protected: request }, 'scale-in protection');
      this.#protection = protectionSettled(this.#protection, request, outcome === 'done', sentAtMs);
    });
  }

  #inBackground(kind: string, call: () => Promise<void>): void {
    if (this.#calls.has(kind)) return;
    const settled = call().finally(() => {
      this.#calls.delete(kind);
      this.wake();
    });
    this.#calls.set(kind, settled);
  }

  async #ownGroup(): Promise<OwnGroup | undefined> {
    try {
      this.#group ??= await this.#options.instance?.group();
    } catch (error) {
      this.#reportSilence(error);
    }
    return this.#group;
  }

  /** The work goes on without instance metadata; a stop signal still drains it. */
  #reportSilence(error: unknown): void {
    const nowMs = this.#options.clock.now();
    this.#silentSinceMs ??= nowMs;
    if (nowMs - this.#silenceReportedMs < REPORT_SILENCE_MS) return;
    this.#silenceReportedMs = nowMs;
    const silentMs = Math.round(nowMs - this.#silentSinceMs);
    this.#options.logger.warn({ err: error, silentMs }, 'instance metadata does not answer; working on');
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#woken) {
        this.#woken = false;
        return resolve();
      }
      const done = (): void => {
        cancel();
        this.#wake = undefined;
        this.#woken = false;
        resolve();
      };
      const cancel = this.#options.clock.setTimer(POLL_MS, done);
      this.#wake = done;
    });
  }
}
