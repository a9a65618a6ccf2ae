import { randomUUID } from 'node:crypto';
import type { Clock } from './clock';
import { newCredentials } from './new-credentials';
import { adaptPollers, planPolls } from './poll-plan';
import { callRetryMs } from './retry';
import { toSqsError, type SqsError } from './sqs-errors';
import { withTimeLimit } from './time-limit';
import type { ReceiveRequest, SqsTransport, TransportMessage } from './transport';

/** What the poller asks of the consumer. */
export interface PollerHost {
  readonly transport: SqsTransport;
  readonly queueUrl: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly fifo: boolean;
  readonly capacity: number;
  readonly visibilityTimeoutSeconds: number;
  readonly waitTimeSeconds: number;
  /** How long messages may wait at SQS for company. */
  readonly latencyBudgetMs: number;
  /** Messages held, those of them that do not run, and the mean duration of a handler. */
  load(): { readonly leased: number; readonly waiting: number; readonly meanRunMs: number };
  /** Finished work piles up because it cannot be deleted: no more until it can. */
  congested(): boolean;
  accept(messages: readonly TransportMessage[], asked: number, requestedAtMs: number): void;
  failed(error: SqsError, retry: { readonly inMs: number; readonly failures: number }): void;
  changed(): void;
}

/** So many failed receives in a row may mean that a human has to help. */
export const LASTING_FAILURES = 3;

/** Pause after a short poll that brought nothing. */
const EMPTY_PAUSE_MS = 1_000;

/** Sends the receives that {@link planPolls} plans, and slows down when they fail. */
export class Poller {
  #outstanding = 0;
  #requested = 0;
  #pollers = 1;
  #scarceSinceMs: number | undefined;
  #pausedUntilMs = -Infinity;
  #failures = 0;
  #failedAtMs = -Infinity;
  #lastError: SqsError | undefined;
  #succeeded = false;
  #stopped = false;
  #cancel: (() => void) | undefined;
  #budgetPauseMs = 0;
  #timerMs = Infinity;
  /** Of FIFO receives without an answer: repeated with the same id they return the same messages. */
  readonly #attemptIds: string[] = [];

  constructor(private readonly host: PollerHost) {}

  get outstanding(): number {
    return this.#outstanding;
  }

  get requested(): number {
    return this.#requested;
  }

  get pollers(): number {
    return this.#pollers;
  }

  /** A receive succeeded, and since then neither a permanent error nor three failures in a row. */
  get ready(): boolean {
    return (
      this.#succeeded && !this.#stopped && this.#failures < LASTING_FAILURES && this.#lastError?.kind !== 'permanent'
    );
  }

  /** No new receives. Outstanding ones are left alone: SQS may have given their messages out already. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Something changed: sends what may be sent now. */
  poke(): void {
    if (this.#stopped || this.host.congested()) return;
    const now = this.host.clock.now();
    if (now < this.#pausedUntilMs) return this.#wakeAt(this.#pausedUntilMs);
    const { leased, waiting, meanRunMs } = this.host.load();
    const { capacity } = this.host;
    const free = capacity - leased - this.#requested;
    if (free <= 0 || free >= Math.min(10, capacity)) this.#scarceSinceMs = undefined;
    else this.#scarceSinceMs ??= now;
    const plan = planPolls(
      {
        capacity,
        leased,
        waiting,
        requested: this.#requested,
        outstanding: this.#outstanding,
        pollers: this.#failures > 0 ? 1 : this.#pollers,
        scarceSinceMs: this.#scarceSinceMs,
        meanRunMs,
      },
      now,
    );
    for (const ask of plan.asks) void this.#poll(ask);
    if (plan.asks.length > 0) this.#scarceSinceMs = undefined;
    if (plan.wakeAtMs !== undefined) this.#wakeAt(plan.wakeAtMs);
  }

  #wakeAt(timeMs: number): void {
    if (this.#cancel !== undefined && this.#timerMs <= timeMs) return;
    this.#cancel?.();
    this.#timerMs = timeMs;
    this.#cancel = this.host.clock.setTimer(Math.max(0, timeMs - this.host.clock.now()), () => {
      this.#cancel = undefined;
      this.poke();
    });
  }

  async #poll(asked: number): Promise<void> {
    const { host } = this;
    this.#outstanding += 1;
    this.#requested += asked;
    const requestedAtMs = host.clock.now();
    // The very first receive returns at once, so that a new worker knows within a round trip whether it may work.
    const waitTimeSeconds = this.#succeeded ? host.waitTimeSeconds : 0;
    const attemptId = host.fifo ? (this.#attemptIds.pop() ?? randomUUID()) : undefined;
    const request: ReceiveRequest = {
      queueUrl: host.queueUrl,
      maxMessages: asked,
      visibilityTimeoutSeconds: host.visibilityTimeoutSeconds,
      waitTimeSeconds,
      ...(attemptId !== undefined && { attemptId }),
    };
    let messages: readonly TransportMessage[] | undefined;
    try {
      messages = await withTimeLimit(
        host.clock,
        waitTimeSeconds * 1000 + 5000,
        host.transport.receive(request),
        // After the limit nothing reserves slots for these; the consumer gives back what it cannot hold.
        (late) => host.accept(late, 0, requestedAtMs),
      );
    } catch (error) {
      this.#fail(toSqsError(error), requestedAtMs, attemptId);
    }
    this.#outstanding -= 1;
    this.#requested -= asked;
    if (messages !== undefined) {
      this.#succeed(asked, messages.length, waitTimeSeconds);
      host.accept(messages, asked, requestedAtMs);
    }
    this.poke();
    host.changed();
  }

  #succeed(asked: number, got: number, waitTimeSeconds: number): void {
    const first = !this.#succeeded;
    this.#succeeded = true;
    this.#failures = 0;
    this.#lastError = undefined;
    this.#pollers = adaptPollers(this.#pollers, asked, got, this.host.capacity);
    if (got > 0) {
      // A full receive may mean a backlog: the next pause is half as long, so that all pauses on its way add up to the budget.
      this.#budgetPauseMs = got < asked ? this.host.latencyBudgetMs : Math.floor(this.#budgetPauseMs / 2);
      this.#pausedUntilMs = this.host.clock.now() + this.#budgetPauseMs;
    }
    // Without a long poll nothing else keeps an idle consumer from asking all the time.
    if (got === 0 && waitTimeSeconds === 0 && !first) this.#pausedUntilMs = this.host.clock.now() + EMPTY_PAUSE_MS;
  }

  #fail(error: SqsError, requestedAtMs: number, attemptId: string | undefined): void {
    const { host } = this;
    if (attemptId !== undefined && error.kind === 'transient') this.#attemptIds.push(attemptId);
    if (error.kind === 'credentials') void newCredentials(host.transport, host.clock);
    this.#lastError = error;
    this.#pollers = 1;
    // Receives that were out together fail together: that is one failure.
    if (requestedAtMs >= this.#failedAtMs) this.#failures += 1;
    const now = host.clock.now();
    this.#failedAtMs = now;
    const retryInMs = callRetryMs(error.kind, this.#failures, host.random);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + retryInMs);
    host.failed(error, { inMs: retryInMs, failures: this.#failures });
  }
}
