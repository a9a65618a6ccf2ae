import type { RenewedClaim } from './idempotency-claim';
import type { Lease } from './lease';
import type { TransportMessage } from './transport';

/**
 * Where a delivery is:
 * `buffered` (held, not started), `running`, `parked` (FIFO head between two tries), `acking` (done, being deleted),
 * `quarantining` (being sent to the dead-letter queue), `releasing` (being given back), `gone`.
 */
export type DeliveryState = 'buffered' | 'running' | 'parked' | 'acking' | 'quarantining' | 'releasing' | 'gone';

/** One delivery of one message to this consumer, from the receive to the end of its lease. */
export class Delivery {
  state: DeliveryState = 'buffered';
  /** The lease ended before we did: nothing may be done to the message any more. */
  lost = false;
  /** A copy is in the dead-letter queue: what the message points at must stay. */
  quarantined = false;
  startedAtMs = 0;
  finishedAtMs = 0;
  /** When the handler's own time is over. */
  timeoutAtMs = Infinity;
  /** Of the receive whose handle the lease has. */
  receiveCount: number;
  /** Failed tries of a FIFO head under this lease. */
  failures = 0;
  /** Failed calls about this delivery. */
  callFailures = 0;
  /** FIFO: a message before it has to be replayed, so this one has to be replayed after it, whatever its handler says. */
  replay = false;
  /** Owner token and key in the idempotency store, while a record is held. */
  claim: RenewedClaim | undefined;
  /** FIFO: takes the timer of the next try here away; undefined when none is planned. */
  cancelRetry: (() => void) | undefined;
  /** Runs when the renewal that is on its way is answered. */
  afterRenewal: (() => void) | undefined;

  #controller: AbortController | undefined;
  #reason: Error | undefined;

  constructor(
    readonly message: TransportMessage,
    public lease: Lease,
    readonly receivedAtMs: number,
  ) {
    this.receiveCount = message.receiveCount;
  }

  /** Made on demand: most handlers never look at it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Why the handler was told to stop; undefined while it was not. */
  get abortReason(): Error | undefined {
    return this.#reason;
  }

  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** A FIFO head that runs again starts with a fresh signal. */
  rearm(): void {
    this.#controller = undefined;
    this.#reason = undefined;
    this.timeoutAtMs = Infinity;
  }
}
