/** What a consumer counted since it was made. */
export interface ConsumerCounters {
  readonly received: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly poison: number;
  readonly deleted: number;
  readonly released: number;
  readonly quarantined: number;
  /** Lease renewals, one for each message. */
  readonly renewed: number;
  readonly leasesLost: number;
  readonly duplicates: number;
  readonly pollFailures: number;
}

/** A consumer's state at one moment. */
export interface ConsumerStats {
  /** Messages whose handler runs, also those whose lease was lost. */
  readonly running: number;
  /** Messages held and not running. */
  readonly buffered: number;
  /** Messages held and not finished: buffered and running ones. */
  readonly leased: number;
  /** Messages finished whose delete is not confirmed. */
  readonly acking: number;
  /** Outstanding receives. */
  readonly receiving: number;
  /** The most that `leased` can be. */
  readonly capacity: number;
  /** When a receive was last answered or a handler last ended: milliseconds of the consumer's monotonic clock. */
  readonly lastProgressAtMs: number;
  readonly draining: boolean;
  readonly counters: ConsumerCounters;
}

/** All counters at 0. */
export const noCounts = (): { -readonly [K in keyof ConsumerCounters]: number } => ({
  received: 0,
  succeeded: 0,
  failed: 0,
  poison: 0,
  deleted: 0,
  released: 0,
  quarantined: 0,
  renewed: 0,
  leasesLost: 0,
  duplicates: 0,
  pollFailures: 0,
});
