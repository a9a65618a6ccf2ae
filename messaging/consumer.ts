import { systemClock } from './clock';
import { checkConsumerOptions, type ConsumerOptions } from './consumer-options';
import type { ConsumerStats } from './consumer-stats';
import { checkDrainOptions, drainConsumer, type DrainOptions, type DrainReport } from './drain';
import { Engine } from './engine';
import { WorkerError } from './handler';
import { silentLogger } from './logger';
import { toTransport } from './sdk-transport';

/**
 * Consumes one SQS queue: receives, keeps the leases alive, runs the handler, deletes what succeeded, gives back what failed.
 *
 * At least once: a message is deleted only after its handler resolved, and comes back when the process dies.
 * docs/consumer.md has the states, the guarantees and their limits.
 */
export class Consumer<T = string> {
  readonly #engine: Engine<T>;
  #started = false;
  #drained: Promise<DrainReport> | undefined;

  /** @throws OptionsError with everything that is wrong, at once */
  constructor(options: ConsumerOptions<T>) {
    checkConsumerOptions(options);
    const { sqs, clock = systemClock, random = Math.random, logger = silentLogger } = options;
    this.#engine = new Engine({ ...options, transport: toTransport(sqs), clock, random, logger });
  }

  /** Whether the queue can be worked on: a receive succeeded, and no lasting error came after it. */
  get ready(): boolean {
    return (
      this.#started && this.#drained === undefined && this.#engine.poller.ready && this.#engine.state.complaints.none
    );
  }

  /** Begins to receive. @throws WorkerError when it was started or drained before */
  start(): void {
    if (this.#started || this.#drained) throw new WorkerError('a consumer starts once: make a new one');
    this.#started = true;
    this.#engine.poller.poke();
  }

  /**
   * Stops for good, without losing anything: no new receives, what was not started goes back to the queue at once, running work goes on
   * until the grace at the end of the budget. Waits for outstanding long polls, whose messages go back too. A second call
   * returns the first one's promise.
   *
   * @throws OptionsError when a time is not a number, or negative
   */
  drain(options: DrainOptions): Promise<DrainReport> {
    checkDrainOptions(options);
    this.#drained ??= drainConsumer(this.#engine.drainHost(), options);
    return this.#drained;
  }

  /**
   * When something last went forward: a receive was answered, be it by an error, a lease was renewed, or a handler ended. Monotonic
   * milliseconds.
   */
  lastProgressMs(): number {
    return this.#engine.state.lastProgressAtMs;
  }

  /** The same as `ready`, as a health server asks for it. */
  isReady(): boolean {
    return this.ready;
  }

  /** What is held now, for `/inflight`. */
  inFlight(): ReadonlyArray<{ readonly messageId: string; readonly ageMs: number; readonly state: string }> {
    return this.#engine.inFlight();
  }

  /** A snapshot for health checks and metrics. */
  stats(): ConsumerStats {
    const { poller, capacity, state } = this.#engine;
    const { waiting, running, acking, lastProgressAtMs, counters } = state;
    return {
      running,
      buffered: waiting,
      leased: waiting + running,
      acking,
      receiving: poller.outstanding,
      capacity,
      lastProgressAtMs,
      draining: this.#drained !== undefined,
      counters: { ...counters },
    };
  }
}
