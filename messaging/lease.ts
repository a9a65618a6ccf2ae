/** SQS hides a message for at most 12 hours from its receive; one second is kept as a margin. */
export const HARD_END_MS = 43_200_000 - 1_000;

/**
 * The right to one received message. All times are of one monotonic clock.
 *
 * `deadlineMs` is a lower bound of the moment at which SQS may hand the message to somebody else: after it nothing may be
 * done to the message any more.
 */
export interface Lease {
  receiptHandle: string;
  deadlineMs: number;
  /**
   * Until then it is ours even if the answer that brought it was on its way for a third of the visibility longer than was
   * thought: nobody can see that. The same as the deadline once it was renewed, because a renewal counts from its request.
   */
  certainUntilMs: number;
  /** After this SQS refuses every prolongation. */
  hardEndMs: number;
  /** When the last renewal was sent; the receive counts as one. */
  renewedAtMs: number;
  /** A renewal is on its way. */
  renewing: boolean;
}

/** What the lease arithmetic needs to know about its surroundings. */
export interface LeasePolicy {
  readonly visibilityMs: number;
  /** About the 99th percentile of a call's round trip. */
  readonly roundTripMs: number;
}

/**
 * The lease of a message that a receive brought.
 *
 * SQS started the clock somewhere between the request and the response. The response's time less a margin for its way back is
 * the usual bound; when the whole call was shorter than that, the request's own time is the better one.
 */
export function leaseAfterReceive(
  receiptHandle: string,
  requestedAtMs: number,
  respondedAtMs: number,
  policy: LeasePolicy,
): Lease {
  const marginMs = Math.min(Math.max(policy.roundTripMs, 200), policy.visibilityMs / 4);
  const hiddenSinceMs = Math.max(requestedAtMs, respondedAtMs - marginMs);
  const deadlineMs = hiddenSinceMs + policy.visibilityMs;
  return {
    receiptHandle,
    deadlineMs,
    certainUntilMs: hiddenSinceMs === requestedAtMs ? deadlineMs : deadlineMs - policy.visibilityMs / 3,
    hardEndMs: hiddenSinceMs + HARD_END_MS,
    renewedAtMs: respondedAtMs,
    renewing: false,
  };
}

/** Seconds that a renewal sent now may ask for; 0 when none would prolong the lease. */
export function renewalSeconds(lease: Lease, now: number, visibilityMs: number): number {
  const seconds = Math.floor(Math.min(visibilityMs, lease.hardEndMs - now) / 1000);
  return seconds > 0 && now + seconds * 1000 > lease.deadlineMs ? seconds : 0;
}

/** A renewal that was sent at `sentAtMs` succeeded: SQS hides the message from some moment after that. */
export function renewed(lease: Lease, sentAtMs: number, seconds: number): void {
  // A slow answer may come after the one of a later renewal; the lease never gets shorter by it.
  lease.deadlineMs = Math.max(lease.deadlineMs, sentAtMs + seconds * 1000);
  lease.certainUntilMs = Math.max(lease.certainUntilMs, sentAtMs + seconds * 1000);
}

/**
 * When this lease needs its next renewal: with a third of the visibility left, or four round trips if that is more; and never
 * after its deadline, at which it must be looked at in any case.
 */
export function renewalDueMs(lease: Lease, policy: LeasePolicy): number {
  const reserveMs = Math.min(
    Math.max(policy.visibilityMs / 3, 4 * policy.roundTripMs),
    Math.max(policy.visibilityMs - 1000, policy.visibilityMs / 3),
  );
  // At most one a second for each message, however slow the round trips are.
  const notBeforeMs = lease.renewedAtMs + Math.min(1000, policy.visibilityMs / 3);
  return Math.min(lease.deadlineMs, Math.max(lease.deadlineMs - reserveMs, notBeforeMs));
}

/** What to do about a set of leases now. */
export interface HeartbeatPlan<T> {
  /** To be renewed now, with the seconds to ask for, most urgent first. */
  readonly renew: ReadonlyArray<{ readonly item: T; readonly seconds: number }>;
  /** Their deadline is over. */
  readonly lost: readonly T[];
  /** When to plan again; undefined when there is no lease. */
  readonly nextMs: number | undefined;
}

/**
 * Plans one heartbeat. Nothing is renewed before some lease is due; then every lease older than a third of the visibility
 * goes with it. So heartbeats are at least a third of the visibility apart, each takes ceil(live / 10) calls at most, and leases
 * that were received one by one come to share their calls.
 */
export function planHeartbeat<T extends { readonly lease: Lease }>(
  items: Iterable<T>,
  now: number,
  policy: LeasePolicy,
): HeartbeatPlan<T> {
  const candidates: Array<{ item: T; seconds: number }> = [];
  const lost: T[] = [];
  let due = false;
  let nextMs = Infinity;
  for (const item of items) {
    const { lease } = item;
    if (lease.deadlineMs <= now) {
      lost.push(item);
      continue;
    }
    const seconds = lease.renewing ? 0 : renewalSeconds(lease, now, policy.visibilityMs);
    const dueMs = renewalDueMs(lease, policy);
    if (seconds === 0) {
      // Nothing to ask for: its end, or the moment at which its renewal should have been answered, is the next event.
      nextMs = Math.min(nextMs, lease.deadlineMs);
    } else if (dueMs <= now) {
      due = true;
      candidates.push({ item, seconds });
    } else {
      if (now - lease.renewedAtMs >= policy.visibilityMs / 3) candidates.push({ item, seconds });
      nextMs = Math.min(nextMs, dueMs);
    }
  }
  if (!due) return { renew: [], lost, nextMs: nextMs === Infinity ? undefined : nextMs };
  candidates.sort((a, b) => a.item.lease.deadlineMs - b.item.lease.deadlineMs);
  // Each renewed lease needs a look again when its answer is overdue, at the latest when it would be lost.
  for (const { item } of candidates) nextMs = Math.min(nextMs, item.lease.deadlineMs);
  return { renew: candidates, lost, nextMs };
}

/** A running estimate of a call's 99th percentile: the slowest of the last 64 calls. */
export class RoundTrips {
  readonly #recent: number[] = [];
  #next = 0;
  #slowest: number;

  /** @param initialMs the estimate before the first call */
  constructor(initialMs = 100) {
    this.#slowest = initialMs;
  }

  record(durationMs: number): void {
    const replaced = this.#recent[this.#next];
    this.#recent[this.#next] = durationMs;
    this.#next = (this.#next + 1) % 64;
    if (durationMs >= this.#slowest) this.#slowest = durationMs;
    else if (replaced === undefined || replaced >= this.#slowest) this.#slowest = Math.max(...this.#recent);
  }

  get p99Ms(): number {
    return this.#slowest;
  }
}
