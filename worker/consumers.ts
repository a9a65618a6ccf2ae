import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  type Clock,
  combineObservers,
  Consumer,
  type DrainReport,
  EmfMetrics,
  type HealthSource,
  type InFlightMessage,
  type Logger,
  queueBacklog,
  sdkTransport,
} from '../messaging';
import type { WorkerConfiguration } from './configuration';
import { Cut } from './cut';
import type { HandlerHost } from './hosts';
import type { Work } from './life-cycle-runner';
import { divideSlots } from './slots';

export interface ConsumersOptions {
  readonly configuration: WorkerConfiguration;
  readonly sqs: SQSClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Loads the handler. */
  readonly loadHost: () => Promise<HandlerHost>;
  /** Something happened that the life cycle should look at. */
  readonly changed: () => void;
}

/** What the drain of one queue's consumer did. */
export interface QueueDrainReport extends DrainReport {
  readonly queueName: string;
}

/** The worker's work: one handler host and a consumer for each queue, with its share of the slots. */
export class Consumers implements Work, HealthSource {
  readonly #options: ConsumersOptions;
  readonly #cut: Cut;
  readonly #inFlight = new Map<string, number>();
  #consumers: readonly Consumer[] = [];
  #metrics: readonly EmfMetrics[] = [];
  #host: HandlerHost | undefined;
  #lastCallMs: number;
  #loadFailed = false;
  #polled = false;
  #drainEndsAtMs: number | undefined;
  #drained = false;
  #drainReports: readonly QueueDrainReport[] = [];
  #cutShort = 0;

  constructor(options: ConsumersOptions) {
    this.#options = options;
    this.#cut = new Cut(options.clock);
    this.#lastCallMs = options.clock.now();
  }

  get handlerReady(): boolean {
    return this.#host !== undefined;
  }

  get polled(): boolean {
    return this.#polled;
  }

  get drained(): boolean {
    return this.#drained;
  }

  get running(): number {
    return this.#consumers.reduce((all, consumer) => all + consumer.stats().running, 0);
  }

  /** Handlers that were told to stop before they had finished. */
  get cutShort(): number {
    return this.#cutShort;
  }

  /** What the drain did, queue by queue; empty before its end, and for a worker that never began. */
  get drainReports(): readonly QueueDrainReport[] {
    return this.#drainReports;
  }

  /**
   * Loads the handler. When that fails the worker stays, not ready, so that its health endpoint tells of it and the launch
   * hook runs out, or, in service already, `/live` fails and the instance is replaced; another try in this process would find the same code.
   */
  async load(): Promise<void> {
    const { loadHost, logger, changed } = this.#options;
    try {
      this.#host = await loadHost();
      changed();
    } catch (error) {
      this.#loadFailed = true;
      logger.error({ err: error }, 'the handler cannot be loaded: this worker will take no messages');
    }
  }

  start(): void {
    const { configuration, sqs, clock, logger } = this.#options;
    const host = this.#host;
    if (!host) throw new Error('the handler is not loaded');
    const slots = divideSlots(
      configuration.concurrency,
      configuration.queues.map(({ weight }) => weight),
    );
    // The headers of an HTTP handler tell where a message comes from.
    const transport = sdkTransport(sqs, { withOrigin: configuration.handler.kind === 'http' });
    this.#metrics = configuration.queues.flatMap(({ url }, index) => this.#metricsOf(url, slots[index] ?? 1));
    this.#consumers = configuration.queues.map(
      ({ url, deadLetterQueueUrl }, index) =>
        new Consumer({
          sqs: transport,
          queueUrl: url,
          handler: this.#cut.wrap(host.handler),
          concurrency: slots[index] ?? 1,
          visibilityTimeoutSeconds: configuration.visibilityTimeoutSeconds,
          waitTimeSeconds: configuration.waitTimeSeconds,
          ...(deadLetterQueueUrl && { deadLetterQueueUrl }),
          clock,
          logger,
          observer: combineObservers(
            {
              received: () => this.#noteCall(),
              pollFailed: () => this.#noteCall(),
              started: ({ message }) => this.#inFlight.set(message.messageId, clock.now()),
              finished: ({ message }) => this.#inFlight.delete(message.messageId),
            },
            this.#metrics[index] ?? {},
          ),
        }),
    );
    for (const [index, consumer] of this.#consumers.entries()) {
      this.#metrics[index]?.start(consumer);
      consumer.start();
    }
  }

  drain(budgetMs: number): void {
    const { clock, changed, logger } = this.#options;
    const endsAtMs = clock.now() + budgetMs;
    if (this.#drainEndsAtMs !== undefined) {
      if (endsAtMs < this.#drainEndsAtMs) this.#cut.within(budgetMs);
      this.#drainEndsAtMs = Math.min(endsAtMs, this.#drainEndsAtMs);
      return;
    }
    this.#drainEndsAtMs = endsAtMs;
    const { stopsWithinMs } = this.#host ?? {};
    // Half of the grace is for handlers to stop; a host that needs longer than the default gets it, if the budget has it.
    const grace = stopsWithinMs !== undefined && { graceMs: Math.min(budgetMs / 2, 2 * stopsWithinMs + 1_000) };
    void Promise.all(this.#consumers.map((consumer) => consumer.drain({ budgetMs, ...grace }))).then((reports) => {
      const urls = this.#options.configuration.queues.map(({ url }) => url);
      this.#drainReports = reports.map((report, index) => ({ queueName: nameOf(urls[index] ?? ''), ...report }));
      for (const report of this.#drainReports) {
        this.#cutShort += report.aborted + report.abandoned;
        logger.info({ report }, 'drained');
      }
      this.#cutShort += this.#cut.ended;
      this.#cut.clear();
      this.#drained = true;
      changed();
    });
  }

  /** Frees the handler's host and writes the last metrics; after the drain. */
  async stop(): Promise<void> {
    await Promise.all([this.#host?.stop(), ...this.#metrics.map((metrics) => metrics.stop())]);
  }

  isReady(): boolean {
    const handled = this.#host?.isReady?.() ?? true;
    return handled && this.#consumers.length > 0 && this.#consumers.every((consumer) => consumer.ready);
  }

  /** A worker that waits to begin, or whose slots are busy with long work, is not stuck: its handler has its own timeout. */
  lastProgressMs(): number {
    if (this.#loadFailed) return this.#lastCallMs;
    if (this.#consumers.length === 0 || this.running > 0) return this.#options.clock.now();
    const latest = this.#consumers.map((consumer) => consumer.stats().lastProgressAtMs);
    return Math.max(this.#lastCallMs, Math.min(...latest));
  }

  inFlight(): readonly InFlightMessage[] {
    const nowMs = this.#options.clock.now();
    return [...this.#inFlight].map(([messageId, sinceMs]) => ({ messageId, ageMs: nowMs - sinceMs, state: 'running' }));
  }

  #noteCall(): void {
    this.#lastCallMs = this.#options.clock.now();
    if (this.#polled || !this.#consumers.every((consumer) => consumer.ready)) return;
    this.#polled = true;
    this.#options.changed();
  }

  /** One record per queue, as the contract's `WORKER_METRICS` promises the scaling policies. */
  #metricsOf(queueUrl: string, slots: number): EmfMetrics[] {
    const { configuration, sqs, clock, logger } = this.#options;
    if (configuration.metrics === undefined) return [];
    const dimensions = { QueueName: nameOf(queueUrl) };
    const backlog = queueBacklog(sqs, queueUrl);
    return [new EmfMetrics({ ...configuration.metrics, dimensions, slots, backlog, clock, logger })];
  }
}

/** Name of the queue with this URL. */
export function nameOf(queueUrl: string): string {
  return queueUrl.split('/').at(-1) ?? queueUrl;
}
