import type { IdempotencyStore } from './idempotency';
import type { Logger } from './logger';

/** A key that a run holds in its store. */
export interface HeldClaim {
  readonly key: string;
  readonly owner: string;
}

/** How a run ended, and what its lines are about. */
export interface ClaimEnd {
  readonly succeeded: boolean;
  readonly messageId: string;
  readonly logger: Logger;
}

/**
 * Completes or frees the record of a run. The owner's token fences the write, so a run whose lease was lost may still complete
 * its record: if nobody took over, the redelivery is then recognised.
 *
 * Never rejects: a store that does not answer changes nothing about how the run ended.
 */
export async function settleClaim(store: IdempotencyStore, { key, owner }: HeldClaim, end: ClaimEnd): Promise<void> {
  const { messageId, logger } = end;
  try {
    if (!end.succeeded) await store.release(key, owner);
    else if (!(await store.complete(key, owner)))
      logger.warn({ messageId }, 'another owner took over this idempotency key');
  } catch (error) {
    logger.error({ messageId, error }, 'the idempotency record could not be written');
  }
}
