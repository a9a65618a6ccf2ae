import { Acker } from './acker';
import { Delivery } from './delivery';
import type { DrainHost } from './drain';
import { drainHost } from './engine-drain';
import { EngineState, type EngineOptions } from './engine-state';
import { Endings } from './endings';
import { GiveBack } from './give-back';
import { HandlerTimeoutError } from './handler';
import { Heartbeat } from './heartbeat';
import { leaseAfterReceive, RoundTrips } from './lease';
import { leaseLost, leaseRenewed } from './leases';
import { LASTING_FAILURES, Poller } from './poller';
import { renewRecord } from './record-renewal';
import { runnerOf, type Runner } from './runner';
import type { SqsError } from './sqs-errors';
import type { TransportMessage } from './transport';

/**
 * The states of deliveries and every step between them (see the picture in docs/consumer.md). What is due when is decided by
 * the planners; the engine receives and starts, and has the other steps done by their own parts.
 */
export class Engine<T> {
  readonly capacity: number;
  readonly poller: Poller;
  readonly state: EngineState;

  readonly #concurrency: number;
  readonly #batchSize: number;
  readonly #giveBack: GiveBack;
  readonly #endings: Endings;
  readonly #heartbeat: Heartbeat;
  readonly #acker: Acker;
  readonly #run: Runner;
  readonly #watchers = new Set<() => void>();
  #calls = 0;
  #meanRunMs = 0;
  #dispatching = false;

  constructor(options: EngineOptions<T>) {
    const { transport, clock, random, queueUrl } = options;
    const visibilityTimeoutSeconds = options.visibilityTimeoutSeconds ?? 30;
    const state = new EngineState(
      options,
      () => this.#dispatch(),
      () => this.#changed(),
    );
    const acker = (): Acker => this.#acker;
    this.state = state;
    this.#giveBack = new GiveBack(state, acker);
    this.#endings = new Endings(state, acker, this.#giveBack);
    this.#concurrency = options.concurrency ?? 1;
    this.#batchSize = options.batchHandler ? (options.batchSize ?? 10) : 1;
    this.capacity =
      this.#concurrency * this.#batchSize + (options.prefetch ?? (state.fifo ? 9 * this.#concurrency : 0));
    const lose = (delivery: Delivery): void => this.#lose(delivery);
    const shared = { transport, queueUrl, clock, random, lose, roundTrips: new RoundTrips() };
    this.poller = new Poller({
      ...shared,
      fifo: state.fifo,
      capacity: this.capacity,
      visibilityTimeoutSeconds,
      waitTimeSeconds: options.waitTimeSeconds ?? 20,
      latencyBudgetMs: options.latencyBudgetMs ?? 0,
      load: () => ({
        leased: state.waiting + state.running,
        waiting: state.waiting,
        meanRunMs: this.#meanRunMs,
      }),
      congested: () => state.acking > Math.max(200, 4 * this.capacity),
      accept: (messages, asked, requestedAtMs) => this.#accept(messages, asked, requestedAtMs),
      failed: (error, retry) => this.#pollFailed(error, retry.inMs, retry.failures),
      changed: () => this.#changed(),
    });
    this.#heartbeat = new Heartbeat({
      ...shared,
      visibilityMs: visibilityTimeoutSeconds * 1000,
      held: () => state.held.values(),
      timeOut: (delivery) =>
        delivery.abort(
          new HandlerTimeoutError(
            `the handler ran longer than ${options.handlerTimeoutSeconds} seconds`,
            delivery.message.messageId,
          ),
        ),
      renewed: (delivery, slackMs) => leaseRenewed(state, delivery, slackMs, () => lose(delivery)),
      failed: (failure, deliveries) => state.callFailed('renew', failure, deliveries),
    });
    this.#acker = new Acker({
      ...shared,
      fifo: state.fifo,
      softLimit: state.fifo ? 4 : 8,
      deleted: (delivery) => this.#endings.deleted(delivery),
      released: (delivery, delaySeconds) => this.#giveBack.released(delivery, delaySeconds),
      failed: (operation, failure, deliveries) => state.callFailed(operation, failure, deliveries),
    });
    this.#run = runnerOf(options);
  }

  /** What is held now. */
  inFlight(): ReadonlyArray<{ readonly messageId: string; readonly ageMs: number; readonly state: string }> {
    const now = this.state.options.clock.now();
    return [...this.state.held.values()].map((d) => ({
      messageId: d.message.messageId,
      ageMs: now - d.receivedAtMs,
      state: d.lost ? 'lost' : d.state,
    }));
  }

  #accept(messages: readonly TransportMessage[], asked: number, requestedAtMs: number): void {
    const { state } = this;
    const now = state.options.clock.now();
    state.lastProgressAtMs = now;
    state.complaints.works('receive');
    state.counters.received += messages.length;
    state.notify.received?.({ messages, asked, durationMs: now - requestedAtMs });
    const isLate = asked === 0;
    const unwanted: Delivery[] = [];
    const brokenGroups = new Set<string | undefined>();
    for (const message of messages) {
      const lease = leaseAfterReceive(message.receiptHandle, requestedAtMs, now, this.#heartbeat.policy);
      const known = state.held.get(message.messageId);
      const delivery = new Delivery(message, lease, now);
      if (known !== undefined && !known.lost) {
        this.#deliveredAgain(known, delivery, isLate);
      } else if (
        known !== undefined ||
        (state.fifo && (isLate || brokenGroups.has(message.groupId))) ||
        this.#full(asked)
      ) {
        // Its first run here has not stopped although the lease is lost; or nothing can hold it; or the repeated receive has
        // brought it on FIFO, and it may be done by now: it must not run again after what came behind it.
        brokenGroups.add(message.groupId);
        unwanted.push(delivery);
      } else {
        state.held.set(message.messageId, delivery);
        state.ready.add(delivery);
        this.#heartbeat.watch(delivery);
      }
    }
    // Last first, so that SQS has a group's first message back only when it has the others.
    for (const delivery of unwanted.reverse()) {
      const seconds = state.closing ? 0 : Math.max(1, state.backoffSeconds(delivery.message.receiveCount));
      void this.#giveBack.one(delivery, seconds, state.closing ? 'drained' : 'busy');
    }
    this.#dispatch();
  }

  /** Whether one more message would be too much; `asked` is 0 for a receive that was given up and came all the same. */
  #full(asked: number): boolean {
    const { closing, waiting, running } = this.state;
    return closing || (asked === 0 && waiting + running + this.poller.requested >= this.capacity);
  }

  /** SQS delivered what is held here already: the newer handle is the one that counts. */
  #deliveredAgain(known: Delivery, again: Delivery, isLate: boolean): void {
    const { receiveCount } = again.message;
    // A late answer brings what was received before; a repeated FIFO receive is not counted anew.
    const isNewer = receiveCount > known.receiveCount || (receiveCount === known.receiveCount && !isLate);
    if (isNewer) {
      known.lease = again.lease;
      known.receiveCount = receiveCount;
    }
    this.state.counters.duplicates += 1;
    this.state.notify.duplicate?.({ message: again.message, knownBy: 'consumer' });
    this.#heartbeat.watch(known);
    renewRecord(this.state, known, () => this.#lose(known));
  }

  #dispatch(): void {
    const { state } = this;
    if (this.#dispatching) return;
    this.#dispatching = true;
    while (!state.closing && this.#calls < this.#concurrency) {
      const batch: Delivery[] = [];
      for (let next; batch.length < this.#batchSize && (next = this.#next()) !== undefined;) batch.push(next);
      if (batch.length === 0) break;
      void this.#start(batch);
    }
    this.#dispatching = false;
  }

  /** The next message to start. After a stall of the event loop a handler's end may come before the heartbeat's look at the leases. */
  #next(): Delivery | undefined {
    const { state } = this;
    const now = state.options.clock.now();
    // In the last third of a lease that was not renewed another worker may have the group. The renewal is due, and will tell.
    const mayStart = state.fifo
      ? ({ lease }: Delivery): boolean => now < lease.certainUntilMs || now >= lease.deadlineMs
      : undefined;
    let next = state.ready.next(mayStart);
    for (; next !== undefined && next.lease.deadlineMs <= now; next = state.ready.next(mayStart)) this.#lose(next);
    return next;
  }

  async #start(batch: readonly Delivery[]): Promise<void> {
    const { state } = this;
    const { clock, handlerTimeoutSeconds } = state.options;
    const now = clock.now();
    this.#calls += 1;
    state.running += batch.length;
    for (const delivery of batch) {
      delivery.state = 'running';
      delivery.startedAtMs = now;
      if (handlerTimeoutSeconds !== undefined) {
        delivery.timeoutAtMs = now + handlerTimeoutSeconds * 1000;
        this.#heartbeat.wakeBy(delivery.timeoutAtMs);
      }
      state.notify.started?.({ message: delivery.message, waitedMs: now - delivery.receivedAtMs });
    }
    const results = await this.#run(batch);
    const endedAtMs = clock.now();
    this.#calls -= 1;
    state.running -= batch.length;
    state.lastProgressAtMs = endedAtMs;
    const ranMs = endedAtMs - now;
    this.#meanRunMs = this.#meanRunMs === 0 ? ranMs : this.#meanRunMs + (ranMs - this.#meanRunMs) / 16;
    batch.forEach((delivery, i) => this.#endings.ended(delivery, results[i] ?? { kind: 'succeeded' }, endedAtMs));
    this.#dispatch();
    this.#changed();
  }

  #lose(delivery: Delivery): void {
    leaseLost(this.state, this.#giveBack, delivery);
  }

  #pollFailed(error: SqsError, retryInMs: number, failures: number): void {
    const { state } = this;
    state.counters.pollFailures += 1;
    state.lastProgressAtMs = state.options.clock.now();
    state.notify.pollFailed?.({ error, retryInMs });
    state.complaints.tell('receive', error, { retryInMs }, failures >= LASTING_FAILURES);
  }

  #changed(): void {
    this.poller.poke();
    for (const look of this.#watchers) look();
  }

  /** The engine as a drain sees it. */
  drainHost(): DrainHost {
    return drainHost({
      state: this.state,
      giveBack: this.#giveBack,
      receiving: () => this.poller.outstanding,
      close: () => {
        this.poller.stop();
        this.#acker.flush();
      },
      end: () => {
        this.#heartbeat.stop();
        this.#acker.stop();
      },
      onChange: (look) => {
        this.#watchers.add(look);
        return () => this.#watchers.delete(look);
      },
    });
  }
}
