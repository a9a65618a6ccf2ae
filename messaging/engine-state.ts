import type { Clock } from './clock';
import { Complaints } from './complaints';
import { isFifo, type ConsumerOptions } from './consumer-options';
import { noCounts } from './consumer-stats';
import type { Delivery } from './delivery';
import { FifoLanes, Line, type ReadyQueue } from './fifo-lanes';
import type { IdempotencyOptions } from './idempotency';
import type { Logger } from './logger';
import { safeObserver } from './notify';
import type { BatchOperation } from './observer';
import { backoffSeconds, resolveBackoff } from './retry';
import type { SqsError } from './sqs-errors';
import type { EntryFailure, SqsTransport } from './transport';

/** The options with their edges resolved. */
export type EngineOptions<T> = ConsumerOptions<T> & {
  readonly transport: SqsTransport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
};

/** The options that have nothing to do with the type of the bodies. */
export type StateOptions = Omit<
  EngineOptions<unknown>,
  'handler' | 'batchHandler' | 'schema' | 'sqs' | 'idempotency'
> & { readonly idempotency?: Pick<IdempotencyOptions, 'store'> };

/** What an engine holds: every delivery that is not over, and how many of them are where. */
export class EngineState {
  readonly fifo: boolean;
  readonly counters = noCounts();
  readonly notify: ReturnType<typeof safeObserver>;
  readonly complaints: Complaints;
  /** Every delivery that is not over, by message id: one message is never held twice. */
  readonly held = new Map<string, Delivery>();
  readonly lanes: FifoLanes<Delivery> | undefined;
  readonly ready: ReadyQueue<Delivery>;
  running = 0;
  acking = 0;
  parked = 0;
  quarantining = 0;
  /** No new receives and starts. */
  closing = false;
  /** Aborts when the time of a drain is over: nothing is repeated any more. */
  readonly over = new AbortController();
  lastProgressAtMs: number;
  readonly #backoff: ReturnType<typeof resolveBackoff>;

  constructor(
    readonly options: StateOptions,
    /** Starts what may start now. */
    readonly dispatch: () => void,
    /** Somewhere a slot got free, or something left. */
    readonly changed: () => void,
  ) {
    this.fifo = isFifo(options);
    this.notify = safeObserver(options.observer, options.logger);
    this.complaints = new Complaints(options.logger, options.queueUrl);
    this.lanes = this.fifo ? new FifoLanes<Delivery>() : undefined;
    this.ready = this.lanes ?? new Line<Delivery>();
    this.lastProgressAtMs = options.clock.now();
    this.#backoff = resolveBackoff(options.backoff);
  }

  /** Messages held that do not run. */
  get waiting(): number {
    return this.ready.size + this.parked;
  }

  get longestBackoffSeconds(): number {
    return this.#backoff.maxSeconds;
  }

  backoffSeconds(failures: number): number {
    return backoffSeconds(this.#backoff, failures, this.options.random);
  }

  /** A FIFO head waits with its lane: for its next try here, which `cancelRetry` takes away, or for its lane to be given back. */
  park(delivery: Delivery, cancelRetry?: () => void): void {
    this.unpark(delivery);
    delivery.state = 'parked';
    delivery.cancelRetry = cancelRetry;
    this.parked += 1;
    this.lanes?.park(delivery);
  }

  /** To be called before a delivery gets another state: it is not parked any more, and will not be tried again here. */
  unpark(delivery: Delivery): void {
    if (delivery.state === 'parked') this.parked -= 1;
    delivery.cancelRetry?.();
    delivery.cancelRetry = undefined;
  }

  gone(delivery: Delivery): void {
    this.unpark(delivery);
    delivery.state = 'gone';
    this.forget(delivery);
  }

  forget(delivery: Delivery): void {
    const { messageId } = delivery.message;
    if (this.held.get(messageId) === delivery) this.held.delete(messageId);
  }

  callFailed(operation: BatchOperation, failure: EntryFailure | SqsError, deliveries: readonly Delivery[]): void {
    this.notify.callFailed?.({ operation, failure, messages: deliveries.map((d) => d.message) });
    this.complaints.tell(operation, failure, { messages: deliveries.length });
  }
}
