import type { Clock } from '../../messaging/clock';

/** Lets all promise callbacks and immediates that are due run. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A clock that a test moves by hand. Timers run in the order of their times, with all their consequences in between. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #serial = 0;
  readonly #timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  wallClock(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const id = this.#serial++;
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(0, delayMs), callback });
    return () => void this.#timers.delete(id);
  }

  /** Timers that are set. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves to `ms` from now; what becomes due on the way runs at its own time. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await turns();
    for (let next = this.#first(untilMs); next !== undefined; next = this.#first(untilMs)) {
      const timer = this.#timers.get(next);
      this.#timers.delete(next);
      this.#nowMs = timer?.atMs ?? this.#nowMs;
      timer?.callback();
      await turns();
    }
    this.#nowMs = untilMs;
  }

  /** Moves on until `promise` settles; fails when nothing is left that could settle it. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = (): void => void (settled = true);
    promise.then(done, done);
    await turns();
    while (!settled) {
      const next = this.#first(Infinity);
      if (next === undefined) throw new Error('the promise never settles: no timer is set');
      await this.advance((this.#timers.get(next)?.atMs ?? this.#nowMs) - this.#nowMs);
    }
    return promise;
  }

  #first(untilMs: number): number | undefined {
    let found: number | undefined;
    let atMs = untilMs;
    for (const [id, timer] of this.#timers) {
      if (timer.atMs > atMs || (timer.atMs === atMs && found !== undefined)) continue;
      found = id;
      atMs = timer.atMs;
    }
    return found;
  }
}
