import { Acker } from './acker';
import type { BodyCodec } from './body-codec';
import type { Clock } from './clock';
import { Complaints } from './complaints';
import { isFifo, type ConsumerOptions } from './consumer-options';
import { noCounts } from './consumer-stats';
import { Delivery } from './delivery';
import type { DrainHost } from './drain';
import { FifoLanes, Line, type ReadyQueue } from './fifo-lanes';
import { DrainError, HandlerTimeoutError, LeaseLostError } from './handler';
import { Heartbeat } from './heartbeat';
import { leaseAfterReceive, RoundTrips } from './lease';
import type { Logger } from './logger';
import { safeObserver } from './notify';
import type { BatchOperation, ConsumerObserver } from './observer';
import { LASTING_FAILURES, Poller } from './poller';
import { quarantine } from './quarantiner';
import { backoffSeconds, resolveBackoff } from './retry';
import { runnerOf } from './runner';
import type { RunResult } from './run-handler';
import type { SqsError } from './sqs-errors';
import type { EntryFailure, SqsTransport, TransportMessage } from './transport';

type ReleaseReason = Parameters<NonNullable<ConsumerObserver['released']>>[0]['reason'];

/** The options with their edges resolved. */
export type EngineOptions<T> = ConsumerOptions<T> & {
  readonly transport: SqsTransport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
};

/**
 * The states of deliveries and every step between them (see the picture in docs/consumer.md). What is due when is decided by
 * the planners; the engine carries it out.
 */
export class Engine<T> {
  readonly capacity: number;
  readonly poller: Poller;
  readonly counters = noCounts();
  lastProgressAtMs: number;
  running = 0;
  acking = 0;

  readonly #o: EngineOptions<T>;
  readonly #fifo: boolean;
  readonly #concurrency: number;
  readonly #batchSize: number;
  readonly #lingerMs: number;
  readonly #backoff: ReturnType<typeof resolveBackoff>;
  readonly #notify: ReturnType<typeof safeObserver>;
  readonly #lanes: FifoLanes<Delivery> | undefined;
  readonly #ready: ReadyQueue<Delivery>;
  readonly #heartbeat: Heartbeat;
  readonly #acker: Acker;
  readonly #run: (deliveries: readonly Delivery[]) => Promise<readonly RunResult[]>;
  /** Every delivery that is not over, by message id: one message is never held twice. */
  readonly #held = new Map<string, Delivery>();
  readonly #releasing = new Map<Delivery, { readonly reason: ReleaseReason; readonly done: () => void }>();
  readonly #watchers = new Set<() => void>();
  readonly #codecs: readonly BodyCodec[];
  readonly #complaints: Complaints;
  #calls = 0;
  #parked = 0;
  #quarantining = 0;
  #meanRunMs = 0;
  #closing = false;

  constructor(options: EngineOptions<T>) {
    this.#o = options;
    const { transport, clock, random, logger, queueUrl } = options;
    const visibilityTimeoutSeconds = options.visibilityTimeoutSeconds ?? 30;
    this.#fifo = isFifo(options);
    this.#concurrency = options.concurrency ?? 1;
    this.#batchSize = options.batchHandler ? (options.batchSize ?? 10) : 1;
    const lingerMs = options.deleteLingerMs ?? Math.min(10_000, Math.max(1000, 2 * (options.latencyBudgetMs ?? 0)));
    this.#lingerMs = this.#fifo ? 0 : lingerMs;
    this.#backoff = resolveBackoff(options.backoff);
    this.#notify = safeObserver(options.observer, logger);
    this.#codecs = [options.claimCheck, options.encryption].filter((codec) => codec !== undefined);
    this.#complaints = new Complaints(logger, queueUrl);
    this.#lanes = this.#fifo ? new FifoLanes<Delivery>() : undefined;
    this.#ready = this.#lanes ?? new Line<Delivery>();
    this.capacity =
      this.#concurrency * this.#batchSize + (options.prefetch ?? (this.#fifo ? 9 * this.#concurrency : 0));
    this.lastProgressAtMs = clock.now();
    const shared = { transport, queueUrl, clock, random, roundTrips: new RoundTrips() };
    this.poller = new Poller({
      ...shared,
      fifo: this.#fifo,
      capacity: this.capacity,
      visibilityTimeoutSeconds,
      waitTimeSeconds: options.waitTimeSeconds ?? 20,
      latencyBudgetMs: options.latencyBudgetMs ?? 0,
      load: () => ({
        leased: this.waiting + this.running,
        waiting: this.waiting,
        meanRunMs: this.#meanRunMs,
      }),
      congested: () => this.acking > Math.max(200, 4 * this.capacity),
      accept: (messages, asked, requestedAtMs) => this.#accept(messages, asked, requestedAtMs),
      failed: (error, retry) => this.#pollFailed(error, retry.inMs, retry.failures),
      changed: () => this.#changed(),
    });
    this.#heartbeat = new Heartbeat({
      ...shared,
      visibilityMs: visibilityTimeoutSeconds * 1000,
      held: () => this.#held.values(),
      lose: (delivery) => this.#lose(delivery),
      timeOut: (delivery) =>
        delivery.abort(
          new HandlerTimeoutError(
            `the handler ran longer than ${options.handlerTimeoutSeconds} seconds`,
            delivery.message.messageId,
          ),
        ),
      renewed: (delivery, slackMs) => this.#renewed(delivery, slackMs),
      failed: (failure, deliveries) => this.#callFailed('renew', failure, deliveries),
    });
    this.#acker = new Acker({
      ...shared,
      softLimit: this.#fifo ? 4 : 8,
      deleted: (delivery) => this.#deleted(delivery),
      released: (delivery, delaySeconds) => this.#released(delivery, delaySeconds),
      lose: (delivery) => this.#lose(delivery),
      failed: (operation, failure, deliveries) => this.#callFailed(operation, failure, deliveries),
    });
    this.#run = runnerOf(options);
  }

  /** Messages held that do not run. */
  get waiting(): number {
    return this.#ready.size + this.#parked;
  }

  /** No call to delete, renew or give back is refused for good. */
  get allowed(): boolean {
    return this.#complaints.none;
  }

  /** What is held now. */
  inFlight(): ReadonlyArray<{ readonly messageId: string; readonly ageMs: number; readonly state: string }> {
    const now = this.#o.clock.now();
    return [...this.#held.values()].map((d) => ({
      messageId: d.message.messageId,
      ageMs: now - d.receivedAtMs,
      state: d.lost ? 'lost' : d.state,
    }));
  }

  #accept(messages: readonly TransportMessage[], asked: number, requestedAtMs: number): void {
    const now = this.#o.clock.now();
    this.lastProgressAtMs = now;
    this.#complaints.works('receive');
    this.counters.received += messages.length;
    this.#notify.received?.({ messages, asked, durationMs: now - requestedAtMs });
    const unwanted: Delivery[] = [];
    const brokenGroups = new Set<string | undefined>();
    for (const message of messages) {
      const lease = leaseAfterReceive(message.receiptHandle, requestedAtMs, now, this.#heartbeat.policy);
      const known = this.#held.get(message.messageId);
      const delivery = new Delivery(message, lease, now);
      if (known !== undefined && !known.lost) {
        this.#deliveredAgain(known, delivery);
      } else if (known !== undefined || (this.#fifo && brokenGroups.has(message.groupId)) || this.#full(asked)) {
        // Its first run here has not stopped although the lease is lost; or nothing can hold it.
        brokenGroups.add(message.groupId);
        unwanted.push(delivery);
      } else {
        this.#held.set(message.messageId, delivery);
        this.#ready.add(delivery);
        this.#heartbeat.watch(delivery);
      }
    }
    // Last first, so that SQS has a group's first message back only when it has the others.
    for (const delivery of unwanted.reverse()) {
      const seconds = this.#closing ? 0 : Math.max(1, this.#backoffSeconds(delivery.message.receiveCount));
      void this.#giveBack(delivery, seconds, this.#closing ? 'drained' : 'busy');
    }
    this.#dispatch();
  }

  /** Whether one more message would be too much; `asked` is 0 for a receive that was given up and came all the same. */
  #full(asked: number): boolean {
    return this.#closing || (asked === 0 && this.waiting + this.running + this.poller.requested >= this.capacity);
  }

  /** SQS delivered what is held here already: the newer handle is the one that counts. */
  #deliveredAgain(known: Delivery, again: Delivery): void {
    known.lease = again.lease;
    this.counters.duplicates += 1;
    this.#notify.duplicate?.({ message: again.message, knownBy: 'consumer' });
    this.#heartbeat.watch(known);
  }

  #dispatch(): void {
    while (!this.#closing && this.#calls < this.#concurrency) {
      const batch: Delivery[] = [];
      for (let next; batch.length < this.#batchSize && (next = this.#ready.next()) !== undefined;) batch.push(next);
      if (batch.length === 0) return;
      void this.#start(batch);
    }
  }

  async #start(batch: readonly Delivery[]): Promise<void> {
    const now = this.#o.clock.now();
    const { handlerTimeoutSeconds } = this.#o;
    this.#calls += 1;
    this.running += batch.length;
    for (const delivery of batch) {
      delivery.state = 'running';
      delivery.startedAtMs = now;
      if (handlerTimeoutSeconds !== undefined) {
        delivery.timeoutAtMs = now + handlerTimeoutSeconds * 1000;
        this.#heartbeat.wakeBy(delivery.timeoutAtMs);
      }
      this.#notify.started?.({ message: delivery.message, waitedMs: now - delivery.receivedAtMs });
    }
    const results = await this.#run(batch);
    const endedAtMs = this.#o.clock.now();
    this.#calls -= 1;
    this.running -= batch.length;
    this.lastProgressAtMs = endedAtMs;
    const ranMs = endedAtMs - now;
    this.#meanRunMs = this.#meanRunMs === 0 ? ranMs : this.#meanRunMs + (ranMs - this.#meanRunMs) / 16;
    batch.forEach((delivery, i) => this.#ended(delivery, results[i] ?? { kind: 'succeeded' }, endedAtMs));
    this.#dispatch();
    this.#changed();
  }

  #ended(delivery: Delivery, result: RunResult, endedAtMs: number): void {
    const { message, abortReason } = delivery;
    delivery.finishedAtMs = endedAtMs;
    let error = 'error' in result ? result.error : undefined;
    let kind: RunResult['kind'] | 'dropped' = result.kind;
    if (delivery.lost) kind = 'dropped';
    else if (abortReason !== undefined) {
      // Told to stop: whatever came of it does not count.
      kind = abortReason instanceof DrainError ? 'released' : 'failed';
      error = abortReason;
    }
    const durationMs = endedAtMs - delivery.startedAtMs;
    this.#notify.finished?.({ message, outcome: kind, durationMs, ...(error !== undefined && { error }) });
    if (delivery.state !== 'running') return;
    switch (kind) {
      case 'dropped':
        this.#gone(delivery);
        this.#lanes?.leave(delivery);
        return;
      case 'succeeded':
      case 'duplicate':
        if (kind === 'succeeded') this.counters.succeeded += 1;
        else {
          this.counters.duplicates += 1;
          this.#notify.duplicate?.({ message, knownBy: 'store' });
        }
        if (delivery.replay) return this.#giveBackGroup(delivery, 0, 'failed');
        return this.#ack(delivery, durationMs);
      case 'poison':
        this.counters.poison += 1;
        this.#o.logger.error({ messageId: message.messageId, error }, 'a message can never succeed');
        return this.#o.stopTheLine ? this.#retry(delivery) : void this.#quarantine(delivery, error);
      case 'failed':
        this.counters.failed += 1;
        this.#o.logger.warn(
          { messageId: message.messageId, receiveCount: message.receiveCount, error },
          'a handler failed',
        );
        return this.#retry(delivery);
      case 'released':
        return this.#giveBackGroup(delivery, 0, this.#closing ? 'drained' : 'released');
      case 'busy': {
        const forMs = result.kind === 'busy' ? result.forMs : 0;
        return this.#giveBackGroup(delivery, Math.ceil(forMs / 1000) + 1, 'busy');
      }
    }
  }

  #backoffSeconds(failures: number): number {
    return backoffSeconds(this.#backoff, failures, this.#o.random);
  }

  /** FIFO: again here while tries are left, its group waiting. Else it goes back, with its backoff. */
  #retry(delivery: Delivery): void {
    const { clock, stopTheLine, inPlaceRetries = 2 } = this.#o;
    const pauseMs = this.#backoffSeconds(delivery.failures + 1) * 1000;
    const mayRetryHere = stopTheLine === true || delivery.failures < inPlaceRetries;
    if (!this.#lanes || !mayRetryHere || this.#closing || clock.now() + pauseMs > delivery.lease.hardEndMs - 60_000) {
      return this.#giveBackGroup(delivery, this.#backoffSeconds(delivery.message.receiveCount), 'failed');
    }
    delivery.failures += 1;
    delivery.state = 'parked';
    this.#parked += 1;
    this.#lanes.park(delivery);
    clock.setTimer(pauseMs, () => {
      if (delivery.state !== 'parked' || !this.#lanes?.unpark(delivery)) return;
      this.#parked -= 1;
      delivery.state = 'buffered';
      delivery.rearm();
      this.#dispatch();
    });
  }

  async #quarantine(delivery: Delivery, error: unknown): Promise<void> {
    const { deadLetterQueueUrl, transport, clock, random } = this.#o;
    delivery.state = 'quarantining';
    this.#quarantining += 1;
    const failed = (failure: EntryFailure | SqsError): void => this.#callFailed('quarantine', failure, [delivery]);
    const sent =
      deadLetterQueueUrl !== undefined &&
      (await quarantine({ transport, deadLetterQueueUrl, clock, random, failed }, delivery, error));
    this.#quarantining -= 1;
    if (sent) {
      delivery.quarantined = true;
      this.counters.quarantined += 1;
      this.#complaints.works('quarantine');
      this.#notify.quarantined?.({ message: delivery.message, error });
    }
    if (!delivery.lost) {
      // Without a place to put it, it is kept away as long as a failed message ever is; SQS's own redrive counts the receives.
      if (sent) this.#ack(delivery, Infinity);
      else this.#giveBackGroup(delivery, this.#backoff.maxSeconds, 'unquarantined');
    }
    this.#dispatch();
    this.#changed();
  }

  /** Gives a message back; on FIFO first those of its group behind it, last first, and itself when SQS has confirmed them. */
  #giveBackGroup(delivery: Delivery, seconds: number, reason: ReleaseReason): void {
    const behind = this.#lanes?.takeAfter(delivery) ?? [];
    if (behind.length === 0) {
      this.#lanes?.leave(delivery);
      void this.#giveBack(delivery, seconds, reason);
      return;
    }
    if (delivery.state !== 'parked') {
      delivery.state = 'parked';
      this.#parked += 1;
      this.#lanes?.park(delivery);
    }
    void Promise.all(behind.map((d) => this.#giveBack(d, 0, reason))).then(() => {
      if (delivery.state !== 'parked') return;
      this.#parked -= 1;
      this.#lanes?.leave(delivery);
      void this.#giveBack(delivery, seconds, reason);
      this.#dispatch();
    });
  }

  #giveBack(delivery: Delivery, seconds: number, reason: ReleaseReason): Promise<void> {
    delivery.state = 'releasing';
    this.#forget(delivery);
    return new Promise((done) => {
      this.#releasing.set(delivery, { reason, done });
      this.#acker.release(delivery, seconds);
    });
  }

  #released(delivery: Delivery, delaySeconds: number): void {
    const release = this.#releasing.get(delivery);
    this.#releasing.delete(delivery);
    delivery.state = 'gone';
    if (release === undefined) return;
    this.counters.released += 1;
    this.#complaints.works('release');
    this.#notify.released?.({ message: delivery.message, delaySeconds, reason: release.reason });
    release.done();
    this.#changed();
  }

  #ack(delivery: Delivery, ranMs: number): void {
    delivery.state = 'acking';
    this.acking += 1;
    this.#lanes?.leave(delivery);
    if (this.#lanes && !this.#lanes.ack(delivery)) return;
    const lingerMs = ranMs <= this.#lingerMs ? this.#lingerMs : Math.min(20, this.#lingerMs);
    this.#acker.delete(delivery, this.#closing ? 0 : lingerMs);
  }

  #deleted(delivery: Delivery): void {
    const { message } = delivery;
    this.acking -= 1;
    this.counters.deleted += 1;
    this.#complaints.works('delete');
    this.#gone(delivery);
    this.#notify.deleted?.({ message, sinceFinishedMs: this.#o.clock.now() - delivery.finishedAtMs });
    const next = this.#lanes?.acked(delivery);
    if (next) this.#acker.delete(next, 0);
    // What a quarantined message points at is still needed by its copy in the dead-letter queue.
    if (!delivery.quarantined) for (const codec of this.#codecs) void this.#afterDelete(codec, message);
    this.#changed();
  }

  async #afterDelete(codec: BodyCodec, message: TransportMessage): Promise<void> {
    try {
      await codec.afterDelete?.(message);
    } catch (error) {
      this.#o.logger.error({ messageId: message.messageId, error }, 'what a deleted message pointed at is still there');
    }
  }

  #renewed(delivery: Delivery, slackMs: number): void {
    this.counters.renewed += 1;
    // With every slot in a long handler nothing is polled and nothing ends; that the leases live is the progress.
    this.lastProgressAtMs = this.#o.clock.now();
    this.#complaints.works('renew');
    this.#notify.renewed?.({ message: delivery.message, slackMs });
    const { idempotency, clock, logger } = this.#o;
    const { claim } = delivery;
    if (idempotency === undefined || claim === undefined) return;
    const leaseUntilMs = clock.wallClock() + delivery.lease.deadlineMs - clock.now();
    idempotency.store.renew(claim.key, { owner: claim.owner, leaseUntilMs }).then(
      (ours) => {
        if (!ours && delivery.claim === claim) this.#lose(delivery);
      },
      (error: unknown) =>
        logger.warn({ messageId: delivery.message.messageId, error }, 'an idempotency lease was not renewed'),
    );
  }

  /** The lease is over: from here on nothing is done to the message. */
  #lose(delivery: Delivery): void {
    const { state, message } = delivery;
    if (delivery.lost || state === 'gone' || state === 'releasing') return;
    delivery.lost = true;
    this.counters.leasesLost += 1;
    this.#notify.leaseLost?.({ message, while: state });
    this.#o.logger.warn({ messageId: message.messageId, while: state }, 'a lease was lost');
    const lanes = this.#lanes;
    const replayed = lanes?.takeAfter(delivery) ?? [];
    if (state === 'running') {
      // It stays held until its handler has stopped, so that a second delivery is not run beside it.
      delivery.abort(new LeaseLostError('another consumer may have this message now', message.messageId));
    } else {
      this.#gone(delivery);
      if (state === 'buffered') this.#ready.remove(delivery);
      if (state === 'parked') this.#parked -= 1;
      if (state === 'parked' || state === 'quarantining') lanes?.leave(delivery);
      if (state === 'acking') {
        this.acking -= 1;
        const finished = lanes?.ackLost(delivery) ?? [];
        this.acking -= finished.length;
        replayed.push(...finished);
        const head = lanes?.headOf(delivery);
        if (head) head.replay = true;
      }
    }
    for (const d of replayed) void this.#giveBack(d, 0, 'failed');
    this.#dispatch();
    this.#changed();
  }

  #gone(delivery: Delivery): void {
    delivery.state = 'gone';
    this.#forget(delivery);
  }

  #forget(delivery: Delivery): void {
    const { messageId } = delivery.message;
    if (this.#held.get(messageId) === delivery) this.#held.delete(messageId);
  }

  #pollFailed(error: SqsError, retryInMs: number, failures: number): void {
    this.counters.pollFailures += 1;
    this.lastProgressAtMs = this.#o.clock.now();
    this.#notify.pollFailed?.({ error, retryInMs });
    this.#complaints.tell('receive', error, { retryInMs }, failures >= LASTING_FAILURES);
  }

  #callFailed(operation: BatchOperation, failure: EntryFailure | SqsError, deliveries: readonly Delivery[]): void {
    this.#notify.callFailed?.({ operation, failure, messages: deliveries.map((d) => d.message) });
    this.#complaints.tell(operation, failure, { messages: deliveries.length });
  }

  #changed(): void {
    this.poller.poke();
    for (const look of this.#watchers) look();
  }

  /** The engine as a drain sees it. */
  drainHost(): DrainHost {
    const runningNow = (): Delivery[] => [...this.#held.values()].filter((d) => d.state === 'running' && !d.lost);
    return {
      clock: this.#o.clock,
      running: () => this.running,
      undeleted: () => this.acking,
      leaving: () => this.#releasing.size + this.#quarantining + this.waiting,
      receiving: () => this.poller.outstanding,
      counts: () => ({
        finished: this.counters.succeeded + this.counters.failed + this.counters.poison,
        released: this.counters.released,
      }),
      close: () => this.#close(),
      abort: () => {
        const told = runningNow().filter((d) => d.abortReason === undefined);
        for (const d of told) d.abort(new DrainError('the time to drain is over', d.message.messageId));
        return told.length;
      },
      abandon: () => {
        const left = runningNow();
        // Not at once: their handlers may still be at it until the process ends.
        for (const d of left)
          void this.#giveBack(d, Math.max(1, this.#backoffSeconds(d.message.receiveCount)), 'drained');
        return left.length;
      },
      end: () => this.#heartbeat.stop(),
      onChange: (look) => {
        this.#watchers.add(look);
        return () => this.#watchers.delete(look);
      },
    };
  }

  #close(): void {
    this.#closing = true;
    this.poller.stop();
    this.#acker.flush();
    const parked = [...this.#held.values()].filter((d) => d.state === 'parked');
    for (const delivery of parked) this.#giveBackGroup(delivery, 0, 'drained');
    for (const delivery of this.#ready.waiting().reverse()) {
      this.#ready.remove(delivery);
      void this.#giveBack(delivery, 0, 'drained');
    }
  }
}
