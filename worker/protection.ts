/**
 * When an instance asks its group not to choose it for scale-in.
 *
 * Only the edges idle -> busy and busy -> idle are told, after they have lasted, and never more often than the rate limit:
 * a fleet of short jobs must not spend the account's Auto Scaling request rate. Protection is a preference, not what keeps
 * work safe: an instance that is chosen all the same drains under its terminate hook.
 */
export interface ProtectionRules {
  /** Busy for this long before protection is asked for. */
  readonly busyForMs: number;
  /** Idle for this long before protection is given up. */
  readonly idleForMs: number;
  /** Least time between two requests. */
  readonly minIntervalMs: number;
  /** Longest wait after failed requests. */
  readonly maxBackoffMs: number;
}

export const PROTECTION_RULES: ProtectionRules = {
  busyForMs: 2_000,
  idleForMs: 10_000,
  minIntervalMs: 5_000,
  maxBackoffMs: 60_000,
};

/** What is known between two decisions. Times are monotonic milliseconds. */
export interface ProtectionState {
  /** What the group was last told; undefined until the first successful request of this process. */
  readonly protected: boolean | undefined;
  readonly busy: boolean;
  /** Since when `busy` has had its value. */
  readonly sinceMs: number;
  readonly notBeforeMs: number;
  readonly failures: number;
}

export function initialProtection(nowMs: number): ProtectionState {
  return { protected: undefined, busy: false, sinceMs: nowMs, notBeforeMs: nowMs, failures: 0 };
}

/** Takes notice of the number of running messages and says what to ask of the group now, if anything. */
export function planProtection(
  state: ProtectionState,
  running: number,
  nowMs: number,
  rules: ProtectionRules = PROTECTION_RULES,
): { readonly state: ProtectionState; readonly request?: boolean } {
  const busy = running > 0;
  const next = busy === state.busy ? state : { ...state, busy, sinceMs: nowMs };
  const lastedMs = nowMs - next.sinceMs;
  const due = lastedMs >= (busy ? rules.busyForMs : rules.idleForMs) && nowMs >= next.notBeforeMs;
  return due && next.protected !== busy ? { state: next, request: busy } : { state: next };
}

/** Takes notice of how a request ended. A failed one is asked again, if still wanted, after a doubling wait. */
export function protectionSettled(
  state: ProtectionState,
  request: boolean,
  succeeded: boolean,
  nowMs: number,
  rules: ProtectionRules = PROTECTION_RULES,
): ProtectionState {
  if (succeeded) return { ...state, protected: request, failures: 0, notBeforeMs: nowMs + rules.minIntervalMs };
  const failures = state.failures + 1;
  const backoffMs = Math.min(rules.minIntervalMs * 2 ** Math.min(failures, 10), rules.maxBackoffMs);
  return { ...state, failures, notBeforeMs: nowMs + backoffMs };
}
