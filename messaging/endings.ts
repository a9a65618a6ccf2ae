import type { Acker } from './acker';
import type { BodyCodec } from './body-codec';
import type { Delivery } from './delivery';
import type { EngineState } from './engine-state';
import type { GiveBack } from './give-back';
import { DrainError } from './handler';
import { quarantine } from './quarantiner';
import type { RunResult } from './run-handler';
import type { SqsError } from './sqs-errors';
import type { EntryFailure, TransportMessage } from './transport';

/** What becomes of a delivery when its run ended: deleted, tried again, quarantined, or given back. */
export class Endings {
  readonly #codecs: readonly BodyCodec[];
  readonly #lingerMs: number;

  constructor(
    private readonly state: EngineState,
    private readonly acker: () => Acker,
    private readonly giveBack: GiveBack,
  ) {
    const { claimCheck, encryption, deleteLingerMs, latencyBudgetMs = 0 } = state.options;
    this.#codecs = [claimCheck, encryption].filter((codec) => codec !== undefined);
    const lingerMs = deleteLingerMs ?? Math.min(10_000, Math.max(1000, 2 * latencyBudgetMs));
    this.#lingerMs = state.fifo ? 0 : lingerMs;
  }

  ended(delivery: Delivery, result: RunResult, endedAtMs: number): void {
    const { state } = this;
    const { message, abortReason } = delivery;
    delivery.finishedAtMs = endedAtMs;
    let error = 'error' in result ? result.error : undefined;
    let kind: RunResult['kind'] | 'dropped' = result.kind;
    if (delivery.lost) kind = 'dropped';
    else if (abortReason !== undefined && 'error' in result) {
      // It was told to stop: what it threw then says nothing about the message. What it finished all the same is done.
      kind = abortReason instanceof DrainError ? 'released' : 'failed';
      error = abortReason;
    }
    const durationMs = endedAtMs - delivery.startedAtMs;
    state.notify.finished?.({ message, outcome: kind, durationMs, ...(error !== undefined && { error }) });
    if (delivery.state !== 'running') return;
    switch (kind) {
      case 'dropped':
        state.gone(delivery);
        state.lanes?.leave(delivery);
        return;
      case 'succeeded':
        state.counters.succeeded += 1;
        return this.#done(delivery, durationMs);
      case 'duplicate':
        state.counters.duplicates += 1;
        state.notify.duplicate?.({ message, knownBy: 'store' });
        return this.#done(delivery, durationMs);
      case 'poison':
        state.counters.poison += 1;
        state.options.logger.error({ messageId: message.messageId, err: error }, 'a message can never succeed');
        return state.options.stopTheLine ? this.#retry(delivery) : void this.#quarantine(delivery, error);
      case 'failed':
        state.counters.failed += 1;
        state.options.logger.warn(
          { messageId: message.messageId, receiveCount: message.receiveCount, err: error },
          'a handler failed',
        );
        return this.#retry(delivery);
      case 'released':
        return this.giveBack.group(delivery, 0, state.closing ? 'drained' : 'released');
      case 'busy': {
        const forMs = result.kind === 'busy' ? result.forMs : 0;
        return this.giveBack.group(delivery, Math.ceil(forMs / 1000) + 1, 'busy');
      }
    }
  }

  #done(delivery: Delivery, durationMs: number): void {
    if (delivery.replay) this.giveBack.group(delivery, 0, 'failed');
    else this.#ack(delivery, durationMs);
  }

  /** FIFO: again here while tries are left, its group waiting. Else it goes back, with its backoff. */
  #retry(delivery: Delivery): void {
    const { state } = this;
    const { clock, stopTheLine, inPlaceRetries = 2 } = state.options;
    const pauseMs = state.backoffSeconds(delivery.failures + 1) * 1000;
    const mayRetryHere = stopTheLine === true || delivery.failures < inPlaceRetries;
    if (!state.lanes || !mayRetryHere || state.closing || clock.now() + pauseMs > delivery.lease.hardEndMs - 60_000) {
      return this.giveBack.group(delivery, state.backoffSeconds(delivery.message.receiveCount), 'failed');
    }
    delivery.failures += 1;
    const again = (): void => {
      state.unpark(delivery);
      delivery.state = 'buffered';
      delivery.rearm();
      state.lanes?.unpark(delivery);
      state.dispatch();
    };
    state.park(delivery, clock.setTimer(pauseMs, again));
  }

  async #quarantine(delivery: Delivery, error: unknown): Promise<void> {
    const { state } = this;
    const { deadLetterQueueUrl, transport, clock, random } = state.options;
    delivery.state = 'quarantining';
    state.quarantining += 1;
    const failed = (failure: EntryFailure | SqsError): void => state.callFailed('quarantine', failure, [delivery]);
    const sent =
      deadLetterQueueUrl !== undefined &&
      (await quarantine(
        { transport, deadLetterQueueUrl, clock, random, failed, over: state.over.signal },
        delivery,
        error,
      ));
    state.quarantining -= 1;
    if (sent) {
      delivery.quarantined = true;
      state.counters.quarantined += 1;
      state.complaints.works('quarantine');
      state.notify.quarantined?.({ message: delivery.message, error });
    }
    if (!delivery.lost) {
      // Without a place to put it, it is kept away as long as a failed message ever is; SQS's own redrive counts the receives.
      if (sent) this.#ack(delivery, Infinity);
      else this.giveBack.group(delivery, state.longestBackoffSeconds, 'unquarantined');
    }
    state.dispatch();
    state.changed();
  }

  #ack(delivery: Delivery, ranMs: number): void {
    const { state } = this;
    delivery.state = 'acking';
    state.acking += 1;
    state.lanes?.leave(delivery);
    if (state.lanes && !state.lanes.ack(delivery)) return;
    const lingerMs = ranMs <= this.#lingerMs ? this.#lingerMs : Math.min(20, this.#lingerMs);
    this.acker().delete(delivery, state.closing ? 0 : lingerMs);
  }

  /** SQS has confirmed the delete. */
  deleted(delivery: Delivery): void {
    const { state } = this;
    const { message } = delivery;
    state.acking -= 1;
    state.counters.deleted += 1;
    state.complaints.works('delete');
    state.gone(delivery);
    state.notify.deleted?.({ message, sinceFinishedMs: state.options.clock.now() - delivery.finishedAtMs });
    const next = state.lanes?.acked(delivery);
    if (next) this.acker().delete(next, 0);
    // What a quarantined message points at is still needed by its copy in the dead-letter queue.
    if (!delivery.quarantined) for (const codec of this.#codecs) void this.#afterDelete(codec, message);
    state.changed();
  }

  async #afterDelete(codec: BodyCodec, message: TransportMessage): Promise<void> {
    try {
      await codec.afterDelete?.(message);
    } catch (error) {
      const { logger } = this.state.options;
      logger.error({ messageId: message.messageId, err: error }, 'what a deleted message pointed at is still there');
    }
  }
}
