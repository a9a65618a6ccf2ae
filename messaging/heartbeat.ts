import type { Clock } from './clock';
import type { Delivery } from './delivery';
import { planHeartbeat, renewalDueMs, renewed, type LeasePolicy, type RoundTrips } from './lease';
import { newCredentials } from './new-credentials';
import { BATCH } from './poll-plan';
import { callRetryMs } from './retry';
import { SqsError, toSqsError } from './sqs-errors';
import { withTimeLimit } from './time-limit';
import type { EntryFailure, SqsTransport } from './transport';

/** What the heartbeat asks of the consumer. */
export interface HeartbeatHost {
  readonly transport: SqsTransport;
  readonly queueUrl: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly visibilityMs: number;
  readonly roundTrips: RoundTrips;
  /** All that is held. */
  held(): Iterable<Delivery>;
  lose(delivery: Delivery): void;
  timeOut(delivery: Delivery): void;
  renewed(delivery: Delivery, slackMs: number): void;
  failed(failure: EntryFailure | SqsError, deliveries: readonly Delivery[]): void;
}

/** Renews leases and watches the clock for the handlers' time limits: one timer for all deliveries. */
export class Heartbeat {
  #timerMs = Infinity;
  #cancel: (() => void) | undefined;
  #notBeforeMs = -Infinity;
  #failures = 0;

  constructor(private readonly host: HeartbeatHost) {}

  get policy(): LeasePolicy {
    return { visibilityMs: this.host.visibilityMs, roundTripMs: this.host.roundTrips.p99Ms };
  }

  /** A new lease is held. */
  watch(delivery: Delivery): void {
    this.wakeBy(renewalDueMs(delivery.lease, this.policy));
  }

  /** Looks at everything at `timeMs` at the latest. */
  wakeBy(timeMs: number): void {
    if (timeMs >= this.#timerMs) return;
    this.#cancel?.();
    this.#timerMs = timeMs;
    this.#cancel = this.host.clock.setTimer(Math.max(0, timeMs - this.host.clock.now()), () => this.#beat());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#timerMs = -Infinity;
  }

  #beat(): void {
    this.#timerMs = Infinity;
    this.#cancel = undefined;
    const { clock } = this.host;
    const now = clock.now();
    const leased: Delivery[] = [];
    let wakeMs = Infinity;
    for (const delivery of this.host.held()) {
      if (delivery.lost || delivery.state === 'releasing') continue;
      leased.push(delivery);
      if (delivery.state !== 'running' || delivery.abortReason !== undefined) continue;
      if (delivery.timeoutAtMs <= now) this.host.timeOut(delivery);
      else wakeMs = Math.min(wakeMs, delivery.timeoutAtMs);
    }
    const plan = planHeartbeat(leased, now, this.policy);
    for (const delivery of plan.lost) this.host.lose(delivery);
    if (plan.renew.length > 0 && now < this.#notBeforeMs) wakeMs = Math.min(wakeMs, this.#notBeforeMs);
    else for (let i = 0; i < plan.renew.length; i += BATCH) void this.#renew(plan.renew.slice(i, i + BATCH));
    this.wakeBy(Math.min(wakeMs, plan.nextMs ?? Infinity));
  }

  async #renew(batch: ReadonlyArray<{ readonly item: Delivery; readonly seconds: number }>): Promise<void> {
    const { host } = this;
    const sentAtMs = host.clock.now();
    const limitMs = Math.max(1000, Math.min(5000, host.visibilityMs / 3));
    for (const { item } of batch) {
      item.lease.renewing = true;
      item.lease.renewedAtMs = sentAtMs;
    }
    const handles = batch.map(({ item }) => item.lease.receiptHandle);
    let outcomes: ReadonlyArray<EntryFailure | undefined> | undefined;
    try {
      const call = host.transport.changeVisibilityBatch(
        host.queueUrl,
        batch.map(({ seconds }, i) => ({
          receiptHandle: handles[i] ?? '',
          visibilityTimeoutSeconds: seconds,
        })),
      );
      outcomes = await withTimeLimit(host.clock, limitMs, call);
      host.roundTrips.record(host.clock.now() - sentAtMs);
      this.#failures = 0;
    } catch (error) {
      const failure = toSqsError(error);
      if (failure.kind === 'credentials') void newCredentials(host.transport, host.clock);
      this.#failures += 1;
      this.#notBeforeMs = host.clock.now() + Math.min(2000, callRetryMs(failure.kind, this.#failures, host.random));
      this.wakeBy(this.#notBeforeMs);
      host.failed(
        failure,
        batch.map(({ item }) => item),
      );
    }
    batch.forEach(({ item, seconds }, i) => {
      // A second delivery may have brought a newer handle meanwhile; this answer is about the old one.
      if (item.lease.receiptHandle === handles[i]) {
        item.lease.renewing = false;
        if (outcomes !== undefined) this.#answered(item, outcomes[i], sentAtMs, seconds);
      }
      const { afterRenewal } = item;
      item.afterRenewal = undefined;
      afterRenewal?.();
    });
  }

  #answered(delivery: Delivery, failure: EntryFailure | undefined, sentAtMs: number, seconds: number): void {
    const { host } = this;
    if (delivery.lost || delivery.state === 'gone') return;
    if (failure === undefined) {
      const slackMs = delivery.lease.deadlineMs - host.clock.now();
      renewed(delivery.lease, sentAtMs, seconds);
      host.renewed(delivery, slackMs);
      this.watch(delivery);
      return;
    }
    // While its delete is on the way "no such message" is what a renewal is told; the delete's own answer decides then.
    if (failure.kind === 'stale' && delivery.state === 'acking') return;
    host.failed(failure, [delivery]);
    if (failure.kind === 'stale') host.lose(delivery);
    else this.wakeBy(Math.min(delivery.lease.deadlineMs, host.clock.now() + 1000));
  }
}
