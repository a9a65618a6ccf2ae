import type { Clock } from './clock';
import type { Delivery } from './delivery';
import { newCredentials } from './new-credentials';
import { Outbox } from './outbox';
import type { RoundTrips } from './lease';
import type { BatchOperation } from './observer';
import { callRetryMs, visibilityWithin } from './retry';
import { SqsError, toSqsError } from './sqs-errors';
import { withTimeLimit } from './time-limit';
import type { EntryFailure, SqsTransport } from './transport';

/** What the acker asks of the consumer. */
export interface AckerHost {
  readonly transport: SqsTransport;
  readonly queueUrl: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly roundTrips: RoundTrips;
  /** Calls in flight before entries wait for company. */
  readonly softLimit: number;
  readonly fifo: boolean;
  deleted(delivery: Delivery): void;
  released(delivery: Delivery, delaySeconds: number): void;
  lose(delivery: Delivery): void;
  failed(operation: BatchOperation, failure: EntryFailure | SqsError, deliveries: readonly Delivery[]): void;
}

interface Release {
  readonly delivery: Delivery;
  readonly seconds: number;
}

/** How to repeat a failed entry; undefined when it is settled. */
type Repeat = (() => void) | undefined;

const CALL_LIMIT_MS = 5_000;

/** There was no connection: SQS has not seen the request. */
const NOT_SENT = new Set(['EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND']);

/** No answer, or one that does not say whether SQS has done it. */
const mayBeDone = (failure: EntryFailure | SqsError): boolean =>
  failure instanceof SqsError && failure.kind === 'transient' && !NOT_SENT.has(failure.code);

/** Ends deliveries at SQS, in batches: deletes them, or gives them back. Repeats what failed while the lease holds. */
export class Acker {
  readonly #deletes: Outbox<Delivery>;
  readonly #releases: Outbox<Release>;
  readonly #repeats = new Set<() => void>();
  #stopped = false;

  constructor(private readonly host: AckerHost) {
    this.#deletes = new Outbox(host.clock, host.softLimit, (batch) => this.#sendDeletes(batch));
    this.#releases = new Outbox(host.clock, host.softLimit, (batch) => this.#sendReleases(batch));
  }

  /** Deletes the message within `lingerMs`, or sooner when its lease has less than three round trips to go. */
  delete(delivery: Delivery, lingerMs: number): void {
    const urgentMs = delivery.lease.deadlineMs - 3 * this.host.roundTrips.p99Ms;
    this.#deletes.add(delivery, Math.min(this.host.clock.now() + lingerMs, urgentMs));
  }

  /** Makes the message visible again after `seconds`. The consumer has set its state to `releasing`: no renewal may follow. */
  release(delivery: Delivery, seconds: number): void {
    // A renewal on its way could reach SQS after the release and undo it.
    if (delivery.lease.renewing) {
      delivery.afterRenewal = () => this.release(delivery, seconds);
      return;
    }
    this.#releases.add({ delivery, seconds }, this.host.clock.now());
  }

  /** Nothing lingers any more. */
  flush(): void {
    this.#deletes.flush();
    this.#releases.flush();
  }

  /** Nothing is repeated any more. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#repeats) cancel();
    this.#repeats.clear();
  }

  async #sendDeletes(batch: readonly Delivery[]): Promise<void> {
    const { host } = this;
    const now = host.clock.now();
    const live = batch.filter((d) => this.#stillHeld(d, now));
    const handles = live.map((d) => d.lease.receiptHandle);
    await this.#call(
      'delete',
      live,
      () => host.transport.deleteBatch(host.queueUrl, handles),
      (delivery, failure, i) => {
        if (delivery.state !== 'acking') return undefined;
        // Delivered a second time meanwhile: the newer handle is the one that surely deletes.
        if (delivery.lease.receiptHandle !== handles[i]) this.delete(delivery, 0);
        else if (failure === undefined) host.deleted(delivery);
        else if (failure.kind === 'stale') host.lose(delivery);
        else return () => this.delete(delivery, 0);
        return undefined;
      },
    );
  }

  async #sendReleases(batch: readonly Release[]): Promise<void> {
    const { host } = this;
    const now = host.clock.now();
    const live = batch.filter(({ delivery }) => this.#stillHeld(delivery, now));
    const seconds = live.map((r) => visibilityWithin(r.seconds, r.delivery.lease.hardEndMs, now));
    await this.#call(
      'release',
      live.map((r) => r.delivery),
      () =>
        host.transport.changeVisibilityBatch(
          host.queueUrl,
          live.map(({ delivery }, i) => ({
            receiptHandle: delivery.lease.receiptHandle,
            visibilityTimeoutSeconds: seconds[i] ?? 0,
          })),
        ),
      (delivery, failure, i) => {
        if (delivery.state !== 'releasing') return undefined;
        // A stale handle means that somebody else has it already: that is what a release is for.
        if (failure === undefined || failure.kind === 'stale') host.released(delivery, seconds[i] ?? 0);
        else {
          if (mayBeDone(failure)) this.#endLease(delivery, now + (seconds[i] ?? 0) * 1000);
          if (this.#stillHeld(delivery, host.clock.now())) return () => this.release(delivery, live[i]?.seconds ?? 0);
        }
        return undefined;
      },
    );
  }

  /**
   * A release without an answer may have been done: from `visibleAtMs` on another consumer may have the message. A FIFO queue refuses
   * the old handle then, a standard queue does not promise to: it could show the message to a third one meanwhile.
   */
  #endLease({ lease }: Delivery, visibleAtMs: number): void {
    if (!this.host.fifo) lease.deadlineMs = Math.min(lease.deadlineMs, visibleAtMs);
  }

  /** Past the deadline the message is no longer ours to delete or to give back. */
  #stillHeld(delivery: Delivery, now: number): boolean {
    if (delivery.state === 'gone') return false;
    if (now < delivery.lease.deadlineMs) return true;
    if (delivery.state === 'releasing') this.host.released(delivery, 0);
    else this.host.lose(delivery);
    return false;
  }

  /** @param settle acts on one entry's outcome, or returns how to repeat it after a pause */
  async #call(
    operation: BatchOperation,
    deliveries: readonly Delivery[],
    send: () => Promise<ReadonlyArray<EntryFailure | undefined>>,
    settle: (delivery: Delivery, failure: EntryFailure | SqsError | undefined, index: number) => Repeat,
  ): Promise<void> {
    if (deliveries.length === 0) return;
    const { host } = this;
    const sentAtMs = host.clock.now();
    let outcomes: ReadonlyArray<EntryFailure | undefined> = [];
    let whole: SqsError | undefined;
    try {
      outcomes = await withTimeLimit(host.clock, CALL_LIMIT_MS, send());
      host.roundTrips.record(host.clock.now() - sentAtMs);
    } catch (error) {
      whole = toSqsError(error);
      if (whole.kind === 'credentials') void newCredentials(host.transport, host.clock);
      host.failed(operation, whole, deliveries);
    }
    const repeats: Array<() => void> = [];
    let pauseMs = 0;
    deliveries.forEach((delivery, i) => {
      const failure = whole ?? outcomes[i];
      if (whole === undefined && failure !== undefined) host.failed(operation, failure, [delivery]);
      const again = settle(delivery, failure, i);
      if (again === undefined || failure === undefined) return;
      repeats.push(again);
      delivery.callFailures += 1;
      pauseMs = Math.max(pauseMs, callRetryMs(failure.kind, delivery.callFailures, host.random));
    });
    if (repeats.length === 0 || this.#stopped) return;
    // One pause for all, so that what failed together is repeated in one call.
    const cancel = host.clock.setTimer(pauseMs, () => {
      this.#repeats.delete(cancel);
      repeats.forEach((again) => again());
    });
    this.#repeats.add(cancel);
  }
}
