import type { BatchResult } from './handler';
import type { SqsError } from './sqs-errors';
import type { EntryFailure, TransportMessage } from './transport';

/** How a run of a handler ended. `dropped`: the lease was lost meanwhile, so the result does not count. */
export type RunOutcome = 'succeeded' | 'failed' | 'poison' | 'released' | 'duplicate' | 'busy' | 'dropped';

/** Calls to SQS other than receives. */
export type BatchOperation = 'delete' | 'renew' | 'release' | 'quarantine';

/** The events of a {@link ConsumerObserver}: all that it is told, but not what it does around a handler. */
export type ObserverEvents = Omit<ConsumerObserver, 'aroundHandler' | 'aroundBatch'>;

/** Their names, each of them: the type knows when one is missing. */
export const OBSERVER_EVENTS = Object.keys({
  received: true,
  started: true,
  finished: true,
  deleted: true,
  renewed: true,
  leaseLost: true,
  released: true,
  quarantined: true,
  duplicate: true,
  pollFailed: true,
  callFailed: true,
} satisfies Record<keyof ObserverEvents, true>) as ReadonlyArray<keyof ObserverEvents>;

/**
 * Watches a consumer: metrics and traces are made here. All methods are optional and synchronous; one that throws is
 * logged and changes nothing. Durations are of the consumer's own clock.
 */
export interface ConsumerObserver {
  /** A receive returned; `messages` may be empty. */
  received?(event: {
    readonly messages: readonly TransportMessage[];
    readonly asked: number;
    readonly durationMs: number;
  }): void;
  /** A handler is about to run. `waitedMs`: since the receive. */
  started?(event: { readonly message: TransportMessage; readonly waitedMs: number }): void;
  finished?(event: {
    readonly message: TransportMessage;
    readonly outcome: RunOutcome;
    readonly durationMs: number;
    readonly error?: unknown;
  }): void;
  /** SQS confirmed the delete. `sinceFinishedMs`: after the handler's end. */
  deleted?(event: { readonly message: TransportMessage; readonly sinceFinishedMs: number }): void;
  /** A lease was renewed. `slackMs`: what was left of the old one when SQS answered. */
  renewed?(event: { readonly message: TransportMessage; readonly slackMs: number }): void;
  /** The lease is over although the message was not finished: another consumer may have it. */
  leaseLost?(event: { readonly message: TransportMessage; readonly while: string }): void;
  /** The message was given back, visible again after `delaySeconds`. */
  released?(event: {
    readonly message: TransportMessage;
    readonly delaySeconds: number;
    readonly reason: 'failed' | 'released' | 'drained' | 'busy' | 'unquarantined';
  }): void;
  /** The message is in the dead-letter queue, with the reason. */
  quarantined?(event: { readonly message: TransportMessage; readonly error: unknown }): void;
  /** A second delivery was recognised and not run: by the idempotency store or by this consumer itself. */
  duplicate?(event: { readonly message: TransportMessage; readonly knownBy: 'store' | 'consumer' }): void;
  /** A receive failed; the next one goes out after `retryInMs`. */
  pollFailed?(event: { readonly error: SqsError; readonly retryInMs: number }): void;
  /** A delete, renewal, release or quarantine failed, for the whole call or one entry. It is repeated while the lease holds. */
  callFailed?(event: {
    readonly operation: BatchOperation;
    readonly failure: EntryFailure | SqsError;
    readonly messages: readonly TransportMessage[];
  }): void;
  /** Runs the handler, so that a trace's context is active meanwhile. Must call `run` once and settle as it does. */
  aroundHandler?(message: TransportMessage, run: () => Promise<void>): Promise<void>;
  /** The same for one call of a batch handler. Must return what `run` gives: the messages that failed are not deleted. */
  aroundBatch?(messages: readonly TransportMessage[], run: () => Promise<BatchResult>): Promise<BatchResult>;
}
