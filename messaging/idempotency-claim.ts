import type { Clock } from './clock';
import { WorkerError } from './handler';
import type { IdempotencyBegin, IdempotencyStore } from './idempotency';
import type { Logger } from './logger';
import { SqsError } from './sqs-errors';
import { withTimeLimit } from './time-limit';

/** A key that a run holds in its store. */
export interface HeldClaim {
  readonly key: string;
  readonly owner: string;
}

/** A claim that is renewed while the run goes on. */
export interface RenewedClaim extends HeldClaim {
  /** A renewal is on its way. */
  renewing: boolean;
  /** The lease of the message ends later than the record, as far as is known. */
  outdated: boolean;
}

/** How a run ended, and what its lines are about. */
export interface ClaimEnd {
  readonly succeeded: boolean;
  readonly messageId: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A store that does not answer must not hold a slot until the message's 12 hours are over. */
const STORE_LIMIT_MS = 10_000;

/** Takes the key. @throws what the store throws; WorkerError when it does not answer in time */
export async function beginClaim(
  store: IdempotencyStore,
  { key, owner }: HeldClaim,
  { leaseUntilMs, clock }: { readonly leaseUntilMs: number; readonly clock: Clock },
): Promise<IdempotencyBegin> {
  // Taken after all: nobody will run under it.
  const late = (begun: IdempotencyBegin): void => {
    if (begun === 'started') void store.release(key, owner).catch(() => undefined);
  };
  return inTime(clock, store.begin(key, { owner, leaseUntilMs }), late);
}

/** Prolongs a key that `beginClaim` took. @returns false when it is another's by now. @throws as `beginClaim` does */
export async function prolongClaim(
  store: IdempotencyStore,
  { key, owner }: HeldClaim,
  { leaseUntilMs, clock, limitMs }: { readonly leaseUntilMs: number; readonly clock: Clock; readonly limitMs?: number },
): Promise<boolean> {
  return inTime(clock, store.renew(key, { owner, leaseUntilMs }), undefined, limitMs);
}

/**
 * Completes or frees the record of a run. The owner's token fences the write, so a run whose lease was lost may still complete
 * its record: if nobody took over, the redelivery is then recognised.
 *
 * Never rejects: a store that fails changes nothing about how the run ended.
 */
export async function settleClaim(store: IdempotencyStore, { key, owner }: HeldClaim, end: ClaimEnd): Promise<void> {
  const { messageId, clock, logger } = end;
  try {
    if (!end.succeeded) await inTime(clock, store.release(key, owner));
    else if (!(await inTime(clock, store.complete(key, owner))))
      logger.warn({ messageId }, 'another owner took over this idempotency key');
  } catch (err) {
    logger.error({ messageId, err }, 'the idempotency record could not be written');
  }
}

async function inTime<T>(
  clock: Clock,
  call: Promise<T>,
  late?: (result: T) => void,
  limitMs = STORE_LIMIT_MS,
): Promise<T> {
  try {
    return await withTimeLimit(clock, limitMs, call, late);
  } catch (cause) {
    if (!(cause instanceof SqsError)) throw cause;
    throw new WorkerError(`the idempotency store: ${cause.message}`, undefined, { cause });
  }
}
