import { systemClock, type Clock } from './clock';
import { OptionsError } from './consumer-options';
import { silentLogger, type Logger } from './logger';
import type { ConsumerObserver } from './observer';

/** What is asked of a consumer at each record; a `Consumer` fits. */
export interface MeteredConsumer {
  stats(): { readonly running: number; readonly leased: number; readonly acking: number };
}

/** What the metrics need. */
export interface EmfMetricsOptions {
  /** CloudWatch namespace, 1 to 255 characters. */
  readonly namespace: string;
  /** Up to 9 dimensions, for example the queue's name. Each combination of values is a metric that CloudWatch bills. */
  readonly dimensions?: Readonly<Record<string, string>>;
  /** Messages that the worker may run at once. */
  readonly slots: number;
  /** Visible messages of the queue, asked for at each record; `BacklogPerSlot` needs it. @default - no such metric */
  readonly backlog?: () => Promise<number>;
  /** Workers that share the backlog. @default 1 */
  readonly workers?: () => number;
  /** Seconds between two records, 1 to 3600; below 60 `BacklogPerSlot` and `BusySlots` are of high resolution. @default 60 */
  readonly intervalSeconds?: number;
  /** Takes one line with its newline. @default - standard output, where the CloudWatch agent or Lambda picks it up */
  readonly write?: (line: string) => void;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default silentLogger */
  readonly logger?: Logger;
}

/** Metrics of a record and their CloudWatch units. */
export const EMF_METRICS = {
  Received: 'Count',
  Succeeded: 'Count',
  Failed: 'Count',
  Quarantined: 'Count',
  DuplicatesSaved: 'Count',
  LeasesLost: 'Count',
  LeaseRenewals: 'Count',
  CallsFailed: 'Count',
  InFlight: 'Count',
  BusySlots: 'Count',
  BusySlotsPercent: 'Percent',
  BacklogPerSlot: 'Count',
  LeaseSlack: 'Milliseconds',
  HandlerDuration: 'Milliseconds',
} as const;

/** What scaling policies read: only these are worth one-second resolution, the others CloudWatch keeps by the minute. */
const HIGH_RESOLUTION: ReadonlySet<string> = new Set(['BacklogPerSlot', 'BusySlots']);

type MetricName = keyof typeof EMF_METRICS;

/** CloudWatch takes at most so many values of one metric from a record. */
const MAX_VALUES = 100;

/** A uniform sample of at most 100 values, plus the smallest and largest seen: the ones that alarms ask for. */
class Sample {
  readonly #values: number[] = [];
  #seen = 0;
  #min = Infinity;
  #max = -Infinity;

  constructor(private readonly random: () => number) {}

  add(value: number): void {
    this.#seen++;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
    const size = MAX_VALUES - 2;
    if (this.#values.length < size) this.#values.push(value);
    else {
      const index = Math.floor(this.random() * this.#seen);
      if (index < size) this.#values[index] = value;
    }
  }

  take(): readonly number[] {
    const values = this.#seen > this.#values.length ? [...this.#values, this.#min, this.#max] : [...this.#values];
    this.#values.length = 0;
    this.#seen = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
    return values;
  }
}

/**
 * Counts what a consumer does and writes it as CloudWatch embedded metric format: one JSON line an interval, no client, no
 * calls, no credentials. Give it to the consumer as `observer`, then `start` it with the consumer.
 *
 * Counts are written also when they are 0, so that an alarm sees the difference between nothing to do and no worker.
 */
export class EmfMetrics implements ConsumerObserver {
  readonly #options: EmfMetricsOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #intervalSeconds: number;
  readonly #write: (line: string) => void;
  #counts = zero();
  readonly #leaseSlack = new Sample(Math.random);
  readonly #handlerDuration = new Sample(Math.random);
  #consumer: MeteredConsumer | undefined;
  #cancel: (() => void) | undefined;

  /** @throws OptionsError */
  constructor(options: EmfMetricsOptions) {
    checkOptions(options);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#intervalSeconds = options.intervalSeconds ?? 60;
    this.#write = options.write ?? ((line) => void process.stdout.write(line));
  }

  /** Writes a record each interval from now on. */
  start(consumer: MeteredConsumer): void {
    this.#consumer = consumer;
    this.#schedule();
  }

  /** Writes the last record. */
  async stop(): Promise<void> {
    if (this.#cancel === undefined) return;
    this.#cancel();
    this.#cancel = undefined;
    await this.#record();
  }

  received({ messages }: { readonly messages: readonly unknown[] }): void {
    this.#counts.Received += messages.length;
  }

  finished({ outcome, durationMs }: { readonly outcome: string; readonly durationMs: number }): void {
    if (outcome === 'succeeded') this.#counts.Succeeded++;
    else if (outcome === 'failed' || outcome === 'poison') this.#counts.Failed++;
    else return;
    this.#handlerDuration.add(Math.round(durationMs * 1_000) / 1_000);
  }

  renewed({ slackMs }: { readonly slackMs: number }): void {
    this.#counts.LeaseRenewals++;
    this.#leaseSlack.add(Math.round(slackMs));
  }

  quarantined(): void {
    this.#counts.Quarantined++;
  }

  duplicate(): void {
    this.#counts.DuplicatesSaved++;
  }

  leaseLost(): void {
    this.#counts.LeasesLost++;
  }

  pollFailed(): void {
    this.#counts.CallsFailed++;
  }

  callFailed(): void {
    this.#counts.CallsFailed++;
  }

  #schedule(): void {
    this.#cancel = this.#clock.setTimer(this.#intervalSeconds * 1_000, () => {
      this.#schedule();
      void this.#record();
    });
  }

  /** Never rejects: metrics must not end a worker. */
  async #record(): Promise<void> {
    const { dimensions = {}, namespace, slots, backlog, workers = () => 1 } = this.#options;
    const timestampMs = this.#clock.wallClock();
    const values: Partial<Record<MetricName, number | readonly number[]>> = this.#counts;
    this.#counts = zero();
    const stats = this.#consumer?.stats() ?? { running: 0, leased: 0, acking: 0 };
    values.InFlight = stats.leased + stats.acking;
    values.BusySlots = stats.running;
    values.BusySlotsPercent = (100 * stats.running) / slots;
    for (const [name, sample] of Object.entries({
      LeaseSlack: this.#leaseSlack,
      HandlerDuration: this.#handlerDuration,
    })) {
      const taken = sample.take();
      if (taken.length > 0) values[name as MetricName] = taken;
    }
    try {
      if (backlog !== undefined) values.BacklogPerSlot = (await backlog()) / (slots * Math.max(1, workers()));
    } catch (err) {
      this.#logger.warn({ err }, 'the backlog is not known');
    }
    const metrics = Object.keys(values).map((name) => ({
      Name: name,
      Unit: EMF_METRICS[name as MetricName],
      ...(this.#intervalSeconds < 60 && HIGH_RESOLUTION.has(name) && { StorageResolution: 1 }),
    }));
    const metadata = {
      Timestamp: timestampMs,
      CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [Object.keys(dimensions)], Metrics: metrics }],
    };
    this.#write(`${JSON.stringify({ _aws: metadata, ...dimensions, ...values })}\n`);
  }
}

const zero = () => ({
  Received: 0,
  Succeeded: 0,
  Failed: 0,
  Quarantined: 0,
  DuplicatesSaved: 0,
  LeasesLost: 0,
  LeaseRenewals: 0,
  CallsFailed: 0,
});

function checkOptions({ namespace, dimensions = {}, slots, intervalSeconds = 60 }: EmfMetricsOptions): void {
  const found: string[] = [];
  if (!/^(?!AWS\/)[\w./#: -]{1,255}$/.test(namespace) || namespace.trim() === '')
    found.push(`'namespace' (${namespace}) must be 1 to 255 letters, digits and . - _ / # : and not begin with AWS/`);
  // EMF allows 30 dimensions; more than a few multiply the bill, and a name must not be that of a metric.
  const names = Object.keys(dimensions);
  if (names.length > 9) found.push(`'dimensions' (${names.length}) must be at most 9: each combination is billed`);
  for (const name of names) {
    const value = dimensions[name] ?? '';
    if (name in EMF_METRICS || name === '_aws' || !/^(?!:)[ -~]{1,250}$/.test(name) || !/^[ -~]{1,1024}$/.test(value))
      found.push(`'dimensions' (${name}=${value}) must be printable ASCII and not the name of a metric`);
  }
  if (!(slots >= 1)) found.push(`'slots' (${slots} messages) must be 1 message or more`);
  if (!Number.isInteger(intervalSeconds) || intervalSeconds < 1 || intervalSeconds > 3_600)
    found.push(`'intervalSeconds' (${intervalSeconds} seconds) must be a whole number from 1 to 3600 seconds`);
  if (found.length > 0) throw new OptionsError(found);
}
