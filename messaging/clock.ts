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

/** Node takes any longer delay, 24 days and more, for one millisecond. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** A timer that may be longer than Node's, in parts. */
function longTimer(delayMs: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const partMs = Math.min(leftMs, LONGEST_TIMER_MS);
    timer = setTimeout(() => (leftMs > partMs ? wait(leftMs - partMs) : callback()), partMs);
  };
  wait(delayMs);
  return () => clearTimeout(timer);
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  setTimer: (delayMs, callback) => {
    if (delayMs > LONGEST_TIMER_MS) return longTimer(delayMs, callback);
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
