import type { Acker } from './acker';
import type { Delivery } from './delivery';
import type { EngineState } from './engine-state';
import type { ConsumerObserver } from './observer';

/** Why a message goes back to its queue. */
export type ReleaseReason = Parameters<NonNullable<ConsumerObserver['released']>>[0]['reason'];

/** Gives messages back to their queue, on FIFO in the order that keeps their group's. */
export class GiveBack {
  readonly #releasing = new Map<Delivery, { readonly reason: ReleaseReason; readonly done: () => void }>();

  constructor(
    private readonly state: EngineState,
    private readonly acker: () => Acker,
  ) {}

  /** Messages whose release is not confirmed. */
  get size(): number {
    return this.#releasing.size;
  }

  /** Gives a message back; on FIFO first those of its group behind it, last first, and itself when SQS has confirmed them. */
  group(delivery: Delivery, seconds: number, reason: ReleaseReason): void {
    const { state } = this;
    const behind = state.lanes?.takeAfter(delivery) ?? [];
    if (behind.length === 0) {
      state.lanes?.leave(delivery);
      void this.one(delivery, seconds, reason);
      return;
    }
    state.park(delivery);
    void Promise.all(behind.map((d) => this.one(d, 0, reason))).then(() => {
      if (delivery.state !== 'parked') return;
      // From the start: if its lease ended at SQS meanwhile, a receive brought it and those behind it once more.
      this.group(delivery, seconds, reason);
      state.dispatch();
    });
  }

  /** Gives this message back. @returns when SQS has confirmed it */
  one(delivery: Delivery, seconds: number, reason: ReleaseReason): Promise<void> {
    this.state.unpark(delivery);
    delivery.state = 'releasing';
    this.state.forget(delivery);
    return new Promise((done) => {
      this.#releasing.set(delivery, { reason, done });
      this.acker().release(delivery, seconds);
    });
  }

  /** SQS has confirmed it, or the lease ended by itself. */
  released(delivery: Delivery, delaySeconds: number): void {
    const { state } = this;
    const release = this.#releasing.get(delivery);
    this.#releasing.delete(delivery);
    delivery.state = 'gone';
    if (release === undefined) return;
    state.counters.released += 1;
    state.complaints.works('release');
    state.notify.released?.({ message: delivery.message, delaySeconds, reason: release.reason });
    release.done();
    state.changed();
  }
}
