/** SQS's limit for one receive and one batch. */
export const BATCH = 10;

/** What the poll planner sees. */
export interface PollState {
  /** Messages that may be held at the same time: concurrency + prefetch. */
  readonly capacity: number;
  /** Messages held and not finished: buffered, running or parked. */
  readonly leased: number;
  /** Of those, the ones that are not running. */
  readonly waiting: number;
  /** Messages that outstanding receives may bring: their slots are taken already. */
  readonly requested: number;
  /** Outstanding receives. */
  readonly outstanding: number;
  /** How many receives may be outstanding. */
  readonly pollers: number;
  /** Since when there were fewer free slots than a full receive needs; undefined before. */
  readonly scarceSinceMs: number | undefined;
  /** Mean duration of a handler, 0 when unknown. */
  readonly meanRunMs: number;
}

/** The receives to send now, each with its number of messages, and when to ask again. */
export interface PollPlan {
  readonly asks: readonly number[];
  readonly wakeAtMs?: number;
}

/**
 * How long a few free slots may wait for more, so that one receive fills them all. With at least 50 slots ten idle ones cost
 * little; with fewer, at most a tenth of a handler's time is given for it. It costs nothing while others are waiting to run.
 */
export function slotLingerMs(state: PollState): number {
  if (state.capacity >= 50 || state.waiting > 0) return 20;
  return Math.min(20, state.meanRunMs / 10);
}

/**
 * Plans the next receives. Every outstanding one has its slots reserved, so whatever comes back can be held:
 * leased + requested never exceeds the capacity.
 */
export function planPolls(state: PollState, now: number): PollPlan {
  const asks: number[] = [];
  let free = state.capacity - state.leased - state.requested;
  let outstanding = state.outstanding;
  while (outstanding < state.pollers && free > 0) {
    const wanted = Math.min(BATCH, state.capacity);
    const idle = outstanding === 0 && state.leased === 0;
    if (free < wanted && !idle) {
      const readyMs = (state.scarceSinceMs ?? now) + slotLingerMs(state);
      if (readyMs > now) return { asks, wakeAtMs: readyMs };
      // A second receive for the crumbs that the first one left would cost a request for almost nothing.
      if (outstanding > 0 && free * 2 < wanted) break;
    }
    const ask = Math.min(BATCH, free);
    asks.push(ask);
    free -= ask;
    outstanding += 1;
  }
  return { asks };
}

/** How many receives may be outstanding after one of them returned: more when full, fewer when it came back half empty. */
export function adaptPollers(pollers: number, asked: number, got: number, capacity: number): number {
  const most = Math.max(1, Math.ceil(capacity / BATCH));
  if (got >= asked) return Math.min(most, pollers + 1);
  return got * 2 <= asked ? Math.max(1, pollers - 1) : pollers;
}
