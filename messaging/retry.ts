import type { SqsErrorKind } from './sqs-errors';

/** How long a message that failed stays away, by its receive count. */
export interface Backoff {
  /**
   * After the first failure, whole or fractional seconds.
   *
   * @default 2
   */
  readonly baseSeconds?: number;
  /**
   * Growth per receive, 1 or more.
   *
   * @default 2
   */
  readonly factor?: number;
  /**
   * Never longer than this, seconds, at most 43,200.
   *
   * @default 900
   */
  readonly maxSeconds?: number;
  /**
   * Part of the delay that is drawn at random, 0 to 1: 0.25 means 75 to 100 percent of it. Up to `1 - 1 / factor` each delay is
   * still at least as long as the one before it.
   *
   * @default 0.25
   */
  readonly jitter?: number;
}

/** `Backoff` with its defaults. */
export type ResolvedBackoff = Required<Backoff>;

/** Fills in the defaults of {@link Backoff}. */
export const resolveBackoff = (backoff: Backoff = {}): ResolvedBackoff => ({
  baseSeconds: backoff.baseSeconds ?? 2,
  factor: backoff.factor ?? 2,
  maxSeconds: backoff.maxSeconds ?? 900,
  jitter: backoff.jitter ?? 0.25,
});

/** The delay after failure number `failures` (from 1), in seconds, not rounded. */
export function backoffSeconds(backoff: ResolvedBackoff, failures: number, random: () => number): number {
  const exponent = Math.max(0, failures - 1);
  // 1.5 ** 2000 is Infinity, which min() turns into the cap.
  const ceiling = Math.min(backoff.maxSeconds, backoff.baseSeconds * backoff.factor ** exponent);
  return ceiling * (1 - backoff.jitter * random());
}

/**
 * The visibility to ask for when a message is given back: whole seconds, never past the message's 12 hours, where SQS would
 * refuse the call.
 */
export const visibilityWithin = (seconds: number, hardEndMs: number, now: number): number =>
  Math.max(0, Math.min(Math.round(seconds), Math.floor((hardEndMs - now) / 1000)));

/** First and longest pause between repeated calls, by what went wrong. */
const CALL_BACKOFF: Readonly<Record<SqsErrorKind, { readonly firstMs: number; readonly maxMs: number }>> = {
  permanent: { firstMs: 1_000, maxMs: 60_000 },
  throttled: { firstMs: 500, maxMs: 20_000 },
  credentials: { firstMs: 200, maxMs: 5_000 },
  stale: { firstMs: 1_000, maxMs: 60_000 },
  transient: { firstMs: 100, maxMs: 5_000 },
};

/**
 * The pause before a failed call to SQS is repeated.
 *
 * Throttled and transient failures draw from the whole range (full jitter), so that a fleet does not come back in step;
 * permanent ones wait at least half of it, so that no draw of luck makes them hot.
 */
export function callRetryMs(kind: SqsErrorKind, failures: number, random: () => number): number {
  const { firstMs, maxMs } = CALL_BACKOFF[kind];
  const ceilingMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 20));
  const floorMs = kind === 'permanent' || kind === 'stale' ? ceilingMs / 2 : Math.min(50, ceilingMs);
  return floorMs + (ceilingMs - floorMs) * random();
}
