import type { Clock } from '../../messaging';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that passes only when a test lets it pass. Between two timers all promises get to settle. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs = Date.UTC(2026, 10, 1);
  #order = 0;
  #timers = new Set<Timer>();

  now(): number {
    return this.#nowMs;
  }

  wallClock(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  /** The wall clock is set, as NTP does; monotonic time does not notice. */
  jumpWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.runUntil(() => false, untilMs);
    this.#nowMs = untilMs;
  }

  /** Lets time pass until `done`, at most until `limitMs`. @returns whether it was done */
  async runUntil(done: () => boolean, limitMs: number): Promise<boolean> {
    await settlePromises();
    while (!done()) {
      const timer = this.#earliest();
      if (timer === undefined || timer.atMs > limitMs) return false;
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      this.#timers.delete(timer);
      timer.callback();
      await settlePromises();
    }
    return true;
  }

  #earliest(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  }
}

/** One turn of the real event loop: every promise that can settle has settled after it. */
export const settlePromises = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The clock of one process in a virtual world: it can stall (a busy event loop) or die (kill -9). */
export class ProcessClock implements Clock {
  #stalledUntilMs = 0;
  #dead = false;

  constructor(private readonly world: VirtualClock) {}

  now(): number {
    return this.world.now();
  }

  wallClock(): number {
    return this.world.wallClock();
  }

  /** The event loop does nothing for `ms`. */
  stall(ms: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.now() + ms);
  }

  get stalled(): boolean {
    return this.now() < this.#stalledUntilMs;
  }

  /** Nothing happens in this process any more. */
  kill(): void {
    this.#dead = true;
  }

  get alive(): boolean {
    return !this.#dead;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    return this.world.setTimer(delayMs, () => this.deliver(callback));
  }

  /** Runs `callback` in the process: now, after its stall, or never. */
  deliver(callback: () => void): void {
    if (this.#dead) return;
    if (this.now() < this.#stalledUntilMs) {
      this.world.setTimer(this.#stalledUntilMs - this.now(), () => this.deliver(callback));
    } else callback();
  }
}
