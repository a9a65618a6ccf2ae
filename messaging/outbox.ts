import type { Clock } from './clock';
import { BATCH } from './poll-plan';

/** An entry that waits for its batch. */
export interface Waiting<T> {
  readonly item: T;
  /** It goes out at this time at the latest, alone if need be. */
  readonly dueMs: number;
}

/** What the batch planner sees besides the waiting entries. */
export interface OutboxState {
  readonly inFlight: number;
  /** Calls that may be in flight before entries wait for an answer to be sent together; full batches go regardless. */
  readonly softLimit: number;
}

/** How many entries to send now, from the front, one number per call; and when to ask again. */
export interface OutboxPlan {
  readonly batches: readonly number[];
  readonly wakeAtMs?: number;
}

/**
 * Plans batch calls: full batches at once, the rest as soon as one entry is due. While many calls are in flight, the rest
 * waits for one of them to return, which makes larger batches just when there is much to do.
 */
export function planOutbox<T>(waiting: ReadonlyArray<Waiting<T>>, now: number, state: OutboxState): OutboxPlan {
  const batches: number[] = [];
  let rest = waiting.length;
  for (; rest >= BATCH; rest -= BATCH) batches.push(BATCH);
  if (rest === 0) return { batches };
  let earliestMs = Infinity;
  for (let i = waiting.length - rest; i < waiting.length; i++) {
    earliestMs = Math.min(earliestMs, waiting[i]?.dueMs ?? Infinity);
  }
  if (earliestMs > now) return { batches, wakeAtMs: earliestMs };
  if (state.inFlight + batches.length < state.softLimit) batches.push(rest);
  return { batches };
}

/** Collects entries and sends them in batches: the thin shell of {@link planOutbox}. */
export class Outbox<T> {
  #waiting: Array<Waiting<T>> = [];
  #inFlight = 0;
  #cancelTimer: (() => void) | undefined;
  #timerMs = Infinity;
  #scheduled = false;

  /** @param send must not reject */
  constructor(
    private readonly clock: Clock,
    private readonly softLimit: number,
    private readonly send: (items: T[]) => Promise<void>,
  ) {}

  get size(): number {
    return this.#waiting.length;
  }

  add(item: T, dueMs: number): void {
    this.#waiting.push({ item, dueMs });
    // One look per turn of the event loop: what finishes together goes together.
    if (this.#scheduled) return;
    if (this.#waiting.length >= BATCH || dueMs < this.#timerMs) {
      this.#scheduled = true;
      queueMicrotask(() => this.#pump());
    }
  }

  /** Everything that waits becomes due. */
  flush(): void {
    this.#waiting = this.#waiting.map(({ item }) => ({ item, dueMs: -Infinity }));
    this.#pump();
  }

  #pump(): void {
    this.#scheduled = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerMs = Infinity;
    const plan = planOutbox(this.#waiting, this.clock.now(), {
      inFlight: this.#inFlight,
      softLimit: this.softLimit,
    });
    for (const count of plan.batches) {
      const items = this.#waiting.splice(0, count).map((w) => w.item);
      this.#inFlight += 1;
      void this.send(items).finally(() => {
        this.#inFlight -= 1;
        if (this.#waiting.length > 0) this.#pump();
      });
    }
    if (plan.wakeAtMs !== undefined) {
      this.#timerMs = plan.wakeAtMs;
      this.#cancelTimer = this.clock.setTimer(Math.max(0, plan.wakeAtMs - this.clock.now()), () => this.#pump());
    }
  }
}
