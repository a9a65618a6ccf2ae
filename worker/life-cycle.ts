/**
 * The life of a worker on an instance of an Auto Scaling group, as a function of (state, observation, now).
 *
 * ```
 *            InService                     Terminated, Warmed:*, Standby, Detached, Spot notice, SIGTERM
 *  starting ----------> serving ------------------------------------------------------> draining --> leaving --> exit
 *      |                                                                                   heartbeats   completes the hook
 *      +--> parked (target is anything else: consumes nothing, completes the hooks it can, waits)
 * ```
 *
 * The desired capacity is never touched here: scaling policies own it, an instance only says that it is busy.
 */

/** What is seen of the world at one moment. */
export interface Observation {
  /** `autoscaling/target-lifecycle-state`; undefined when the service is down or shows none. */
  readonly targetState?: string;
  /** Time until a Spot interruption, milliseconds, where one was announced. */
  readonly spotInMs?: number;
  readonly rebalanceRecommended: boolean;
  /** The handler is loaded: messages could be handled. */
  readonly handlerReady: boolean;
  /** A receive has succeeded in this process. */
  readonly polled: boolean;
  /** The consumer has ended its drain. */
  readonly drained: boolean;
  /** SIGTERM, SIGINT or `POST /drain`. */
  readonly stopRequested: boolean;
}

/** What the runner must do now. */
export type Action =
  | { readonly kind: 'start-consuming' }
  | { readonly kind: 'complete-launch' }
  | { readonly kind: 'drain'; readonly reason: string; readonly budgetMs: number }
  | { readonly kind: 'shorten-drain'; readonly reason: string; readonly budgetMs: number }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'complete-termination' }
  | { readonly kind: 'report-rebalance' }
  | { readonly kind: 'exit' };

/** How an action that calls AWS ended. `refused`: there is no such lifecycle action (yet, or any more). */
export type Outcome = 'done' | 'failed' | 'refused';

export interface LifeCycleRules {
  /** Absent: the group has no such hook. */
  readonly launchHookName?: string;
  readonly terminateHookName?: string;
  /** Heartbeat timeout of the terminate hook. */
  readonly terminateHookMs: number;
  /** How long running work may go on after the instance was asked to stop. */
  readonly drainTimeoutMs: number;
}

/** A call that is repeated until it succeeds. */
interface Attempt {
  readonly settled: boolean;
  readonly tries: number;
  readonly notBeforeMs: number;
}

/** Times are monotonic milliseconds. */
export interface LifeCycleState {
  readonly phase: 'starting' | 'serving' | 'parked' | 'draining' | 'leaving' | 'exited';
  readonly startedAtMs: number;
  readonly launch: Attempt;
  readonly termination: Attempt;
  readonly heartbeat: Attempt;
  /** The last target state that was seen: instance metadata may be silent for a moment. */
  readonly lastTarget?: string;
  /** When the terminate hook would end by itself, as far as known. */
  readonly hookDeadlineMs?: number;
  /** When the terminate hook ends whatever is done: heartbeats do not help beyond it. */
  readonly hookEndMs?: number;
  /** When the target state was last seen to be one that keeps the instance. */
  readonly lastKeptAtMs?: number;
  readonly drainEndsAtMs?: number;
  readonly rebalanceReported: boolean;
}

/** Without any answer from instance metadata, a worker begins after this: work matters more than the life cycle. */
const UNKNOWN_TARGET_PATIENCE_MS = 10_000;
/** Work is handed back this long before the machine goes: deletes, releases and the hook's completion take calls. */
export const HAND_BACK_MS = 10_000;
/** A Spot notice is told by the wall clock: less than this is no change of it. */
const CLOCK_JITTER_MS = 1_000;
/** Auto Scaling keeps an instance waiting at most 48 hours or 100 heartbeat timeouts, whichever is shorter. */
const HOOK_MAX_MS = 48 * 3_600_000;
const HOOK_MAX_HEARTBEATS = 100;
/** A hook may be asked for before the group has reached its wait state; afterwards it truly does not exist. */
const REFUSED_TRIES = 8;
const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 30_000;

export function initialLifeCycle(nowMs: number): LifeCycleState {
  const attempt: Attempt = { settled: false, tries: 0, notBeforeMs: nowMs };
  return {
    phase: 'starting',
    startedAtMs: nowMs,
    launch: attempt,
    termination: attempt,
    heartbeat: attempt,
    rebalanceReported: false,
  };
}

/** Takes notice of `seen` and says what to do now. Each action is due once; those that call AWS again until settled. */
export function planLifeCycle(
  state: LifeCycleState,
  seen: Observation,
  nowMs: number,
  rules: LifeCycleRules,
): { readonly state: LifeCycleState; readonly actions: readonly Action[] } {
  const actions: Action[] = [];
  let next = noteTarget(state, seen, nowMs, rules);

  if (seen.rebalanceRecommended && !next.rebalanceReported) {
    next = { ...next, rebalanceReported: true };
    actions.push({ kind: 'report-rebalance' });
  }
  if (next.phase === 'starting' || next.phase === 'parked') next = begin(next, seen, nowMs, actions);
  if (next.phase === 'serving') next = leaveService(next, seen, nowMs, rules, actions);
  else if (next.phase === 'draining') next = watchDrain(next, seen, nowMs, rules, actions);

  if (rules.launchHookName && launchProven(next, seen) && isDue(next.launch, nowMs)) {
    actions.push({ kind: 'complete-launch' });
  }
  if (next.phase === 'leaving' || next.phase === 'parked') {
    // A parked instance has nothing to hand over: on its way into a warm pool only the launch hook is open.
    const open = next.phase === 'parked' ? next.lastTarget === 'Terminated' : completesTermination(next.lastTarget);
    const hooked = rules.terminateHookName !== undefined && open;
    if (hooked && isDue(next.termination, nowMs)) actions.push({ kind: 'complete-termination' });
    const over = next.hookEndMs !== undefined && nowMs >= next.hookEndMs;
    if (next.phase === 'leaving' && (!hooked || next.termination.settled || over || seen.stopRequested)) {
      // A stop request while the hook is open still completes it once, above; there is no time for a second try.
      next = { ...next, phase: 'exited' };
      actions.push({ kind: 'exit' });
    }
  }
  return { state: next, actions };
}

/** Takes notice of how a call ended. */
export function lifeCycleSettled(
  state: LifeCycleState,
  action: 'complete-launch' | 'complete-termination' | 'heartbeat',
  outcome: Outcome,
  sentAtMs: number,
  rules: LifeCycleRules,
): LifeCycleState {
  if (action === 'heartbeat') {
    if (outcome !== 'done') return { ...state, heartbeat: retried(state.heartbeat, sentAtMs) };
    const hookDeadlineMs = Math.min(sentAtMs + rules.terminateHookMs, state.hookEndMs ?? Infinity);
    return {
      ...state,
      hookDeadlineMs,
      heartbeat: { settled: false, tries: 0, notBeforeMs: sentAtMs + rules.terminateHookMs / 2 },
    };
  }
  const name = action === 'complete-launch' ? 'launch' : 'termination';
  const attempt = retried(state[name], sentAtMs);
  const settled = outcome === 'done' || (outcome === 'refused' && attempt.tries >= REFUSED_TRIES);
  return { ...state, [name]: { ...attempt, settled } };
}

/** A target that lets the worker consume. */
function servesUnder(target: string | undefined): boolean {
  return target === undefined || target === 'InService';
}

/** Targets that the terminate hook precedes: termination, and the return to a warm pool. */
function completesTermination(target: string | undefined): boolean {
  return target === 'Terminated' || (target?.startsWith('Warmed:') ?? false);
}

/** In service the first successful poll proves the launch; on its way into a warm pool the loaded handler must do. */
function launchProven(state: LifeCycleState, seen: Observation): boolean {
  if (state.phase === 'serving') return seen.polled;
  return state.phase === 'parked' && seen.handlerReady && (seen.targetState?.startsWith('Warmed:') ?? false);
}

function isDue(attempt: Attempt, nowMs: number): boolean {
  return !attempt.settled && nowMs >= attempt.notBeforeMs;
}

function retried(attempt: Attempt, sentAtMs: number): Attempt {
  const tries = attempt.tries + 1;
  const waitMs = Math.min(RETRY_MIN_MS * 2 ** (tries - 1), RETRY_MAX_MS);
  return { settled: false, tries, notBeforeMs: sentAtMs + waitMs };
}

/** Keeps the target in mind, and when the terminate hook began: at the earliest when the target was last seen to be another. */
function noteTarget(state: LifeCycleState, seen: Observation, nowMs: number, rules: LifeCycleRules): LifeCycleState {
  const lastTarget = seen.targetState;
  if (lastTarget === undefined) return state;
  if (!completesTermination(lastTarget)) return { ...state, lastTarget, lastKeptAtMs: nowMs };
  if (state.hookEndMs !== undefined) return { ...state, lastTarget };
  const beganAtMs = state.lastKeptAtMs ?? nowMs;
  const maxMs = Math.min(HOOK_MAX_MS, HOOK_MAX_HEARTBEATS * rules.terminateHookMs);
  return { ...state, lastTarget, hookDeadlineMs: beganAtMs + rules.terminateHookMs, hookEndMs: beganAtMs + maxMs };
}

function begin(state: LifeCycleState, seen: Observation, nowMs: number, actions: Action[]): LifeCycleState {
  if (seen.stopRequested) return { ...state, phase: 'leaving' };
  // A Spot notice stays until the machine goes: a process that systemd started again must not take new work.
  if (!servesUnder(seen.targetState) || seen.spotInMs !== undefined) return { ...state, phase: 'parked' };
  // Silence is no reason to leave the parking place: only the group says that a warm instance is wanted.
  if (seen.targetState === undefined) {
    if (state.phase === 'parked' || nowMs - state.startedAtMs < UNKNOWN_TARGET_PATIENCE_MS) return state;
  }
  if (!seen.handlerReady) return state;
  actions.push({ kind: 'start-consuming' });
  // A warm instance that is wanted passes the launch hook a second time.
  const launch: Attempt = { settled: false, tries: 0, notBeforeMs: nowMs };
  return { ...state, phase: 'serving', launch };
}

function leaveService(
  state: LifeCycleState,
  seen: Observation,
  nowMs: number,
  rules: LifeCycleRules,
  actions: Action[],
): LifeCycleState {
  const reason = reasonToLeave(seen);
  if (reason === undefined) return state;
  const budgetMs = Math.max(0, Math.min(drainLimitMs(state, seen, nowMs, rules), rules.drainTimeoutMs));
  actions.push({ kind: 'drain', reason, budgetMs });
  return { ...state, phase: 'draining', drainEndsAtMs: nowMs + budgetMs };
}

function watchDrain(
  state: LifeCycleState,
  seen: Observation,
  nowMs: number,
  rules: LifeCycleRules,
  actions: Action[],
): LifeCycleState {
  if (seen.drained) return { ...state, phase: 'leaving' };
  const limitMs = Math.max(0, drainLimitMs(state, seen, nowMs, rules));
  let next = state;
  if (nowMs + limitMs < (state.drainEndsAtMs ?? Infinity) - CLOCK_JITTER_MS) {
    const reason = seen.spotInMs === undefined ? 'the terminate hook ends' : 'Spot interruption';
    actions.push({ kind: 'shorten-drain', reason, budgetMs: limitMs });
    next = { ...next, drainEndsAtMs: nowMs + limitMs };
  }
  const hookOpen = next.hookEndMs !== undefined && nowMs < next.hookEndMs && rules.terminateHookName !== undefined;
  if (hookOpen && heartbeatDue(next, nowMs, rules)) actions.push({ kind: 'heartbeat' });
  return next;
}

/** Half of the hook's time is over (or its beginning was not seen), and the drain may need what a heartbeat gives. */
function heartbeatDue(state: LifeCycleState, nowMs: number, rules: LifeCycleRules): boolean {
  if (!isDue(state.heartbeat, nowMs)) return false;
  const beginUnseen = state.lastKeptAtMs === undefined && state.heartbeat.tries === 0;
  return beginUnseen || nowMs >= (state.hookDeadlineMs ?? Infinity) - rules.terminateHookMs / 2;
}

/**
 * The longest that work may still run, milliseconds from now: the Spot interruption, the hook's absolute end, and, once
 * heartbeats keep failing, the hook's present deadline.
 */
function drainLimitMs(state: LifeCycleState, seen: Observation, nowMs: number, rules: LifeCycleRules): number {
  let limitMs = Infinity;
  if (seen.spotInMs !== undefined) limitMs = seen.spotInMs - HAND_BACK_MS;
  if (state.hookEndMs !== undefined && rules.terminateHookName !== undefined) {
    limitMs = Math.min(limitMs, state.hookEndMs - nowMs - HAND_BACK_MS);
    const deadlineMs = state.hookDeadlineMs ?? Infinity;
    const heartbeatsFail = state.heartbeat.tries > 0 && nowMs >= deadlineMs - 2 * HAND_BACK_MS;
    if (heartbeatsFail) limitMs = Math.min(limitMs, deadlineMs - nowMs - HAND_BACK_MS);
  }
  return limitMs;
}

function reasonToLeave(seen: Observation): string | undefined {
  if (seen.spotInMs !== undefined) return 'Spot interruption';
  if (!servesUnder(seen.targetState)) return `target state ${seen.targetState}`;
  return seen.stopRequested ? 'asked to stop' : undefined;
}
