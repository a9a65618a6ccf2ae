import {
  Consumer,
  HandlerTimeoutError,
  PermanentError,
  ReleaseError,
  type BatchContext,
  type BatchResult,
  type ConsumerObserver,
  type ConsumerOptions,
  type ReceivedMessage,
} from '../../messaging';
import { StrictSqs } from './strict-sqs';
import { StrictTransport, type Call, type Fault } from './strict-transport';
import { ProcessClock, settlePromises, VirtualClock } from './virtual-clock';

/** One run of a handler. */
export interface Run {
  readonly worker: number;
  readonly messageId: string;
  readonly groupId: string | undefined;
  readonly startedAtMs: number;
  outcome: 'running' | 'succeeded' | 'failed' | 'killed';
}

/** Decides on one run: how long it takes, and whether it fails. Runs of one message are numbered from 1. */
export type Work = (
  message: ReceivedMessage,
  run: number,
) => {
  readonly ms: number;
  readonly fail?: 'error' | 'poison' | 'release';
  /** Asked of `context.extend` at the start. */
  readonly extendSeconds?: number;
  /** Once it is told to stop it needs this long, and then ends as it would have. @default - it stops at once and throws */
  readonly finishesInMs?: number;
};

/** A world with one queue, its dead-letter queue and workers that may stall, be drained or be killed. */
export interface WorldOptions {
  readonly fifo?: boolean;
  readonly work?: Work;
  /** The fault of each call, in their order, over all workers. */
  readonly fault?: (operation: Call['operation'], atMs: number) => Fault;
  readonly maxReceiveCount?: number;
  readonly takesOldHandles?: boolean;
  readonly latencyMs?: number;
  readonly delayMs?: number;
  readonly latestReceiveMs?: number;
  readonly consumer?: Partial<ConsumerOptions>;
  /** Handlers get so many messages at once. @default - one handler call for each message */
  readonly batchSize?: number;
  /** What a body stands for: who deletes a message must have done that. @default - itself */
  readonly workOf?: (body: string) => string;
  /** Looks at each start of a handler. @default - as suits handlers that stop at once */
  readonly checkStart?: (run: Run, signal: AbortSignal) => void;
}

export const QUEUE = 'https://sqs.test/1/queue';
export const DEAD_LETTER_QUEUE = 'https://sqs.test/1/dead';

/** A worker of the world. */
export interface Worker {
  readonly consumer: Consumer;
  readonly transport: StrictTransport;
  readonly process: ProcessClock;
  /** Handles whose lease the consumer called lost. */
  readonly lost: Set<string>;
  /** Handles of messages that were given back, by id. */
  readonly released: Set<string>;
  /** Handles that it was given. */
  readonly handed: Set<string>;
}

/** Runs consumers against strict queues and notes every broken invariant in `broken`. */
export class World {
  readonly clock = new VirtualClock();
  readonly dead: StrictSqs;
  readonly queue: StrictSqs;
  readonly runs: Run[] = [];
  readonly broken: string[] = [];
  readonly sent: string[] = [];
  readonly workers: Worker[] = [];
  readonly #deleted = new Set<string>();
  readonly #finished = new Set<string>();
  readonly #suffix: string;

  constructor(readonly options: WorldOptions = {}) {
    const fifo = options.fifo ?? false;
    this.#suffix = fifo ? '.fifo' : '';
    this.dead = new StrictSqs({ clock: this.clock, fifo });
    this.queue = new StrictSqs({
      clock: this.clock,
      fifo,
      deadLetterQueue: this.dead,
      takesOldHandles: options.takesOldHandles ?? false,
      ...(options.maxReceiveCount !== undefined && { maxReceiveCount: options.maxReceiveCount }),
      watch: ({ kind, message }) => {
        if (kind !== 'deleted') return;
        this.#deleted.add(message.messageId);
        const quarantined = [...this.dead.messages.values()].some((m) => m.body === message.body);
        if (!this.#finished.has(this.#workOf(message.body)) && !quarantined)
          this.broken.push(`I2 ${message.messageId} deleted, never done`);
      },
    });
  }

  /** Whether a handler has succeeded with what this body stands for. */
  finished(body: string): boolean {
    return this.#finished.has(this.#workOf(body));
  }

  #workOf(body: string): string {
    return this.options.workOf?.(body) ?? body;
  }

  get queueUrl(): string {
    return QUEUE + this.#suffix;
  }

  send(count: number, groups = 1): void {
    for (let i = 0; i < count; i++) {
      const group = this.options.fifo ? { groupId: `g${i % groups}`, deduplicationId: `d${this.sent.length}` } : {};
      this.sent.push(this.queue.send({ body: `body ${this.sent.length}`, ...group }));
    }
  }

  /** Starts one more worker process. */
  spawn(options: Partial<ConsumerOptions> = {}): Worker {
    const process = new ProcessClock(this.clock);
    const number = this.workers.length;
    const transport = new StrictTransport({
      world: this.clock,
      process,
      queues: { [this.queueUrl]: this.queue, [DEAD_LETTER_QUEUE + this.#suffix]: this.dead },
      fault: (operation) => this.options.fault?.(operation, this.clock.now()) ?? 'none',
      ...(this.options.latencyMs !== undefined && { latencyMs: this.options.latencyMs }),
      ...(this.options.delayMs !== undefined && { delayMs: this.options.delayMs }),
      ...(this.options.latestReceiveMs !== undefined && { latestReceiveMs: this.options.latestReceiveMs }),
    });
    const lost = new Set<string>();
    const released = new Set<string>();
    const handed = new Set<string>();
    const started = new Set<string>();
    let seed = number + 1;
    const observer: ConsumerObserver = {
      received: ({ messages }) => messages.forEach(({ receiptHandle }) => handed.add(receiptHandle)),
      leaseLost: ({ message }) => void lost.add(message.receiptHandle),
      started: ({ message }) => void started.add(message.messageId),
      released: ({ message, reason, delaySeconds }) => {
        released.add(message.messageId);
        if (reason === 'drained' && !started.has(message.messageId) && delaySeconds > 0)
          this.broken.push(`I8 ${message.messageId} was not started and comes back after ${delaySeconds} s`);
      },
    };
    const { batchSize } = this.options;
    const consumer = new Consumer({
      sqs: transport,
      queueUrl: this.queueUrl,
      deadLetterQueueUrl: DEAD_LETTER_QUEUE + this.#suffix,
      clock: process,
      random: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647,
      observer,
      ...(batchSize === undefined
        ? { handler: (message, context) => this.#handle(worker, number, message, context) }
        : { batchSize, batchHandler: (messages, context) => this.#handleBatch(worker, number, messages, context) }),
      ...this.options.consumer,
      ...options,
    });
    const worker: Worker = { consumer, transport, process, lost, released, handed };
    this.workers.push(worker);
    this.#watchCalls(worker, number);
    consumer.start();
    return worker;
  }

  /** kill -9. */
  kill(worker: Worker): void {
    worker.process.kill();
    const number = this.workers.indexOf(worker);
    for (const run of this.runs) if (run.worker === number && run.outcome === 'running') run.outcome = 'killed';
  }

  /** Runs until the queue is empty and every delete is confirmed. @returns whether that came within `limitMs` */
  async untilDone(limitMs: number): Promise<boolean> {
    return this.clock.runUntil(() => this.queue.messages.size === 0, this.clock.now() + limitMs);
  }

  /** Drains all living workers and waits for their reports. */
  async drainAll(budgetMs = 60_000): Promise<void> {
    const living = this.workers.filter((w) => w.process.alive);
    let open = living.length;
    for (const { consumer } of living) void consumer.drain({ budgetMs }).then(() => (open -= 1));
    const done = await this.clock.runUntil(() => open === 0, this.clock.now() + budgetMs + 1);
    if (!done) this.broken.push('I10 a drain did not settle within its budget');
    await settlePromises();
  }

  /** Nothing is lost: each message was deleted after success, is at the dead-letter queue, or still in the queue. */
  checkNothingLost(): void {
    const dead = new Set([...this.dead.messages.values()].map((m) => m.body));
    this.sent.forEach((id, i) => {
      if (
        !this.queue.messages.has(id) &&
        !(this.#deleted.has(id) && this.finished(`body ${i}`)) &&
        !dead.has(`body ${i}`)
      ) {
        this.broken.push(`I1 ${id} is lost`);
      }
    });
    this.broken.push(...this.queue.violations, ...this.dead.violations);
  }

  /** Each message of a batch ends as it would alone; one that is told to stop ends them all. */
  async #handleBatch(
    worker: Worker,
    number: number,
    messages: readonly ReceivedMessage[],
    context: BatchContext,
  ): Promise<BatchResult> {
    const ends = await Promise.allSettled(messages.map((message) => this.#handle(worker, number, message, context)));
    const failures = ends.flatMap((end, i) =>
      end.status === 'fulfilled' ? [] : [{ messageId: messages[i]?.messageId ?? '', error: end.reason as unknown }],
    );
    if (failures.length === messages.length && failures.length > 1) throw failures[0]?.error;
    return { failures };
  }

  async #handle(worker: Worker, number: number, message: ReceivedMessage, context: BatchContext): Promise<void> {
    const { signal } = context;
    const { messageId, groupId } = message;
    const { checkStart } = this.options;
    if (!checkStart) this.#checkStart(worker, number, message);
    const run: Run = { worker: number, messageId, groupId, startedAtMs: this.clock.now(), outcome: 'running' };
    this.runs.push(run);
    const count = this.runs.filter((r) => r.messageId === messageId).length;
    checkStart?.(run, signal);
    const { ms, fail, finishesInMs, extendSeconds } = this.options.work?.(message, count) ?? { ms: 10 };
    if (extendSeconds !== undefined) context.extend(extendSeconds);
    await new Promise<void>((resolve) => {
      const cancel = worker.process.setTimer(ms, resolve);
      signal.addEventListener('abort', () => {
        cancel();
        const ranMs = this.clock.now() - run.startedAtMs;
        if (signal.reason instanceof HandlerTimeoutError && ranMs < (extendSeconds ?? 0) * 1000 - 1)
          this.broken.push(`${messageId} has timed out after ${ranMs} ms although it asked for ${extendSeconds} s`);
        if (finishesInMs === undefined) resolve();
        else worker.process.setTimer(finishesInMs, resolve);
      });
    });
    if (run.outcome === 'killed') return;
    const stopped = signal.aborted && finishesInMs === undefined;
    run.outcome = fail || stopped ? 'failed' : 'succeeded';
    if (stopped) throw signal.reason;
    if (fail === 'poison') throw new PermanentError('poison');
    if (fail === 'release') throw new ReleaseError('not now');
    if (fail) throw new Error('injected');
    this.#finished.add(this.#workOf(message.body));
  }

  #checkStart(worker: Worker, number: number, { messageId, groupId }: ReceivedMessage): void {
    const here = this.runs.filter((r) => r.worker === number && r.outcome === 'running');
    const { concurrency = 1 } = { ...this.options.consumer };
    const { leased, capacity } = worker.consumer.stats();
    if (here.length + 1 > concurrency)
      this.broken.push(`I3 ${here.length + 1} runs with a concurrency of ${concurrency}`);
    if (leased > capacity) this.broken.push(`I3 ${leased} leased of ${capacity}`);
    if (here.some((r) => r.messageId === messageId)) this.broken.push(`I5 ${messageId} runs twice in one worker`);
    if (!this.options.fifo) return;
    if (here.some((r) => r.groupId === groupId)) this.broken.push(`I6 two of ${groupId} run at once`);
    const dead = new Set([...this.dead.messages.values()].map((m) => m.body));
    for (const [i, id] of this.sent.entries()) {
      if (id === messageId) break;
      if (this.options.fifo && this.#groupOf(id) !== groupId) continue;
      const last = this.runs.findLast((r) => r.messageId === id);
      const done = this.#deleted.has(id) || dead.has(`body ${i}`) || last?.outcome === 'succeeded';
      if (!done)
        this.broken.push(`I6 ${messageId} started although ${id} before it is ${last?.outcome ?? 'not started'}`);
    }
  }

  readonly #groups = new Map<string, string | undefined>();

  #groupOf(id: string): string | undefined {
    const known = this.queue.messages.get(id)?.groupId;
    if (known !== undefined) this.#groups.set(id, known);
    return known ?? this.#groups.get(id);
  }

  /** Looks at every delete and visibility call when it is sent. */
  #watchCalls(worker: Worker, number: number): void {
    const push = worker.transport.calls.push.bind(worker.transport.calls);
    worker.transport.calls.push = (...calls: Call[]) => {
      for (const { operation, handles, seconds } of calls) {
        handles.forEach((handle, i) => {
          const [messageId] = handle.split('/');
          if (worker.lost.has(handle)) this.broken.push(`I4 ${operation} of ${handle} after its lease was lost`);
          const runsHere = this.runs.some(
            (r) => r.worker === number && r.messageId === messageId && r.outcome === 'running',
          );
          if (operation === 'delete' && runsHere) this.broken.push(`I2 delete of ${messageId} while it runs`);
          const draining = worker.consumer.stats().draining;
          if (operation === 'change' && seconds[i] === 0 && runsHere && !draining) {
            const current = this.queue.messages.get(messageId ?? '')?.receiptHandle === handle;
            if (current) this.broken.push(`I5 ${messageId} given back while it runs`);
          }
        });
      }
      return push(...calls);
    };
  }
}
