import type { Clock, Logger } from '../../messaging';
import { type ClaimContext, type ClaimRecord, closeClaim, renewClaim } from './claim';

/** What a lease works with. */
export interface ClaimLeaseContext {
  readonly clock: Clock;
  readonly claims: ClaimContext;
  readonly id: string;
  readonly generation: number;
  readonly logger: Logger;
  /** Hears once that the work is not ours any more. */
  readonly lost: (reason: string) => void;
}

/**
 * Keeps a claim that was won: renews it three times per lease, until the work ends or another worker has it.
 *
 * One request at a time: whatever ends the lease waits for a renewal that is under way, which would otherwise land after
 * it and hold the upload for another lease.
 */
export class ClaimLease {
  #renewal: Promise<void> = Promise.resolve();
  #cancelRenewal = (): void => {};
  #cancelEnd = (): void => {};
  #stopped = false;

  constructor(private readonly context: ClaimLeaseContext) {
    this.#holdsFrom(context.clock.now());
    this.#next();
  }

  /** Gives the upload back at once: the next try need not wait for the lease. */
  async handBack(): Promise<void> {
    const { claims, id, generation } = this.context;
    await this.stop();
    // Whoever comes next then waits for the end of the lease.
    await renewClaim(claims, id, generation, 0).catch(() => false);
  }

  /** Notes how the work ended; only whoever counts reads it. */
  async close(outcome: NonNullable<ClaimRecord['outcome']>): Promise<void> {
    const { claims, id, generation } = this.context;
    await this.stop();
    await closeClaim(claims, id, generation, outcome).catch(() => {});
  }

  /** Ends the renewals. @returns when none is under way any more */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRenewal();
    this.#cancelEnd();
    return this.#renewal;
  }

  #next(delayMs = this.context.claims.leaseMs / 3): void {
    this.#cancelRenewal = this.context.clock.setTimer(delayMs, () => {
      this.#renewal = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { clock, claims, id, generation, logger } = this.context;
    const beganMs = clock.now();
    try {
      const mine = await renewClaim(claims, id, generation, claims.leaseMs);
      if (this.#stopped) return;
      if (!mine) return this.#lost('Another worker took this upload over');
      this.#holdsFrom(beganMs);
      this.#next();
    } catch (error) {
      logger.warn({ id, error }, 'the claim could not be renewed');
      // Soon again: eight more tries fit into what is left of the lease.
      if (!this.#stopped) this.#next(claims.leaseMs / 12);
    }
  }

  /** After a whole lease without a renewal another worker may begin: this one stops before two encode the same. */
  #holdsFrom(beganMs: number): void {
    const { clock, claims } = this.context;
    this.#cancelEnd();
    this.#cancelEnd = clock.setTimer(beganMs + claims.leaseMs - clock.now(), () => {
      this.#lost(`The claim could not be renewed for ${claims.leaseMs / 1000} seconds`);
    });
  }

  #lost(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelRenewal();
    this.#cancelEnd();
    this.context.lost(reason);
  }
}
