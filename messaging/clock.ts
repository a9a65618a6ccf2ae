/** Time as the runtime sees it. Tests pass a virtual one; nothing else in `messaging/` may ask for the time or sleep. */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. */
  now(): number;
  /** Milliseconds since 1970, for records that other machines read (expiry dates, metric timestamps). */
  wallClock(): number;
  /** Calls `callback` once after `delayMs`. The returned function cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** Waits `delayMs` on `clock`; resolves early, without an error, when `signal` aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.setTimer(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
