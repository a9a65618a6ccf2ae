import type { IdempotencyBegin, IdempotencyClaim } from './idempotency';

/** What a store keeps for a key. Times are milliseconds since 1970. */
export interface IdempotencyRecord {
  /** Empty once it was released. */
  readonly owner: string;
  readonly leaseUntilMs: number;
  readonly done: boolean;
  /** From then on the record counts as absent, also where it is removed later. */
  readonly expiresAtMs: number;
}

/** How long records are kept. */
export interface RetentionOptions {
  /**
   * Longest time that a message may stay in the queue and its dead-letter queue, seconds. Records live a day longer, so
   * that none is forgotten while its message can still come back.
   *
   * @default 1209600 - 14 days, the most that SQS allows
   */
  readonly retentionSeconds?: number;
}

const DAY_SECONDS = 86_400;

/** How long a record lives after its last change, milliseconds. */
export const recordLifeMs = ({ retentionSeconds = 14 * DAY_SECONDS }: RetentionOptions): number =>
  (retentionSeconds + DAY_SECONDS) * 1_000;

/**
 * Whether `claim` may take the key that `record` stands for. Every store decides by this rule, in its own words where the
 * decision is made by a conditional write.
 *
 * A repetition by the same owner is `started` again: its first answer may have been lost.
 */
export function decideBegin(
  record: IdempotencyRecord | undefined,
  claim: IdempotencyClaim,
  nowMs: number,
): IdempotencyBegin {
  if (record === undefined || record.expiresAtMs <= nowMs) return 'started';
  if (record.done) return 'done';
  if (record.owner === claim.owner || record.leaseUntilMs <= nowMs) return 'started';
  return { busyUntilMs: record.leaseUntilMs };
}
