import { delay } from './clock';
import type { Delivery } from './delivery';
import type { EngineState } from './engine-state';
import { prolongClaim } from './idempotency-claim';
import { callRetryMs } from './retry';

/**
 * The lease ends later now, so the record must: a record that ends first lets a duplicate run beside its holder.
 *
 * One call at a time, so that an older end is not written after a newer one. A call that fails is repeated: the next renewal of
 * the lease comes when the record is over.
 */
export function renewRecord(state: EngineState, delivery: Delivery, lose: () => void): void {
  const { claim } = delivery;
  if (claim === undefined) return;
  claim.outdated = true;
  if (!claim.renewing) void renew(state, delivery, lose);
}

async function renew(state: EngineState, delivery: Delivery, lose: () => void): Promise<void> {
  const { idempotency, clock, logger, random, visibilityTimeoutSeconds = 30 } = state.options;
  const { claim, message } = delivery;
  if (idempotency === undefined || claim === undefined) return;
  const wanted = (): boolean => claim.outdated && delivery.claim === claim && !delivery.lost;
  // The record has a third of the visibility to go: time for a second try, also after one that is never answered.
  const visibilityMs = visibilityTimeoutSeconds * 1000;
  const limitMs = Math.max(1000, Math.min(5000, visibilityMs / 6));
  claim.renewing = true;
  for (let failures = 0; wanted();) {
    claim.outdated = false;
    const leaseUntilMs = clock.wallClock() + delivery.lease.deadlineMs - clock.now();
    try {
      const ours = await prolongClaim(idempotency.store, claim, { leaseUntilMs, clock, limitMs });
      failures = 0;
      if (!ours && delivery.claim === claim) lose();
    } catch (error) {
      logger.warn({ messageId: message.messageId, err: error }, 'an idempotency lease was not renewed');
      claim.outdated = true;
      failures += 1;
      await delay(clock, Math.min(callRetryMs('transient', failures, random), visibilityMs / 10));
    }
  }
  claim.renewing = false;
}
