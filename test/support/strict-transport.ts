import { SqsError, type EntryFailure, type SendEntry, type SqsTransport } from '../../messaging';
import { attributeSize } from '../../messaging/outgoing-message';
import type { StrictSqs } from './strict-sqs';
import type { ProcessClock, VirtualClock } from './virtual-clock';

/** What goes wrong with one call. */
export type Fault =
  | 'none'
  /** The connection breaks before SQS saw the request. */
  | 'dropBefore'
  /** Nothing listens: there was no connection. */
  | 'refused'
  /** SQS did it, the answer got lost. */
  | 'dropAfter'
  /** The answer takes `delayMs` more. */
  | 'delay'
  | 'error500'
  | 'throttle'
  | 'accessDenied'
  | 'expiredToken'
  /** Every second entry of a batch fails. */
  | 'partial'
  /** The lease of the first entry ended meanwhile. */
  | 'stale'
  /** The request goes into a hole: no answer ever. */
  | 'blackHole'
  /** SQS did it, no answer ever. */
  | 'blackHoleAfter'
  /** A receive also brings a message that is in flight already (standard queues). */
  | 'duplicate'
  /** A receive brings its messages in the opposite order (standard queues). */
  | 'reorder';

/** All that can go wrong. */
export const FAULTS = [
  'dropBefore',
  'refused',
  'dropAfter',
  'delay',
  'error500',
  'throttle',
  'accessDenied',
  'expiredToken',
  'partial',
  'stale',
  'blackHole',
  'blackHoleAfter',
  'duplicate',
  'reorder',
] as const satisfies readonly Fault[];

/** A call as the network saw it. */
export interface Call {
  readonly operation: 'receive' | 'delete' | 'change' | 'send';
  readonly atMs: number;
  readonly handles: readonly string[];
  readonly seconds: readonly number[];
}

/** The way between one process and the strict queues. */
export interface StrictTransportOptions {
  readonly world: VirtualClock;
  readonly process: ProcessClock;
  readonly queues: Readonly<Record<string, StrictSqs>>;
  /** The fault of the next call. */
  readonly fault: (operation: Call['operation']) => Fault;
  /** One way, milliseconds. */
  readonly latencyMs?: number;
  /** Of the fault `delay`; 3,000 by default. */
  readonly delayMs?: number;
  /** An answer to a receive that would be read later than this after SQS gave it is lost with its connection. */
  readonly latestReceiveMs?: number;
}

/** What SQS counts: the body, and name, type and value of each attribute; not the trace header. */
const sizeOf = ({ body, attributes = {} }: SendEntry): number =>
  Object.entries(attributes).reduce(
    (sum, [name, attribute]) => sum + attributeSize(name, attribute),
    Buffer.byteLength(body),
  );

const INTERNAL: EntryFailure = { kind: 'transient', code: 'InternalError', message: 'injected' };

const ERRORS = {
  refused: new SqsError('transient', 'ECONNREFUSED', 'injected'),
  error500: new SqsError('transient', 'InternalFailure', 'injected'),
  throttle: new SqsError('throttled', 'RequestThrottled', 'injected'),
  accessDenied: new SqsError('permanent', 'AccessDenied', 'injected'),
  expiredToken: new SqsError('credentials', 'ExpiredToken', 'injected'),
};

/** An `SqsTransport` with latency and faults over strict queues. */
export class StrictTransport implements SqsTransport {
  readonly calls: Call[] = [];
  refreshes = 0;
  readonly #latencyMs: number;

  constructor(private readonly o: StrictTransportOptions) {
    this.#latencyMs = o.latencyMs ?? 5;
  }

  receive(request: Parameters<SqsTransport['receive']>[0]): ReturnType<SqsTransport['receive']> {
    const sqs = this.#queue(request.queueUrl);
    return this.#travel('receive', [], [], (fault, answer) =>
      sqs.receive(request, (messages) => {
        const all = [...messages];
        if (fault === 'reorder' && !sqs.options.fifo) all.reverse();
        const flying = sqs.inFlight.find((m) => !all.some((a) => a.messageId === m.messageId));
        if (fault === 'duplicate' && !sqs.options.fifo && flying && all.length < request.maxMessages) {
          all.push(sqs.duplicate(flying, request.visibilityTimeoutSeconds));
        }
        answer(all);
      }),
    );
  }

  deleteBatch(queueUrl: string, handles: readonly string[]): ReturnType<SqsTransport['deleteBatch']> {
    const sqs = this.#queue(queueUrl);
    this.#check(sqs, handles);
    return this.#travel('delete', handles, [], (fault, answer) =>
      answer(handles.map((handle, i) => this.#entry(sqs, fault, handle, i) ?? sqs.delete(handle))),
    );
  }

  changeVisibilityBatch(
    queueUrl: string,
    changes: Parameters<SqsTransport['changeVisibilityBatch']>[1],
  ): ReturnType<SqsTransport['changeVisibilityBatch']> {
    const sqs = this.#queue(queueUrl);
    const handles = changes.map((c) => c.receiptHandle);
    const seconds = changes.map((c) => c.visibilityTimeoutSeconds);
    this.#check(sqs, handles);
    return this.#travel('change', handles, seconds, (fault, answer) =>
      answer(handles.map((h, i) => this.#entry(sqs, fault, h, i) ?? sqs.changeVisibility(h, seconds[i] ?? 0))),
    );
  }

  sendBatch(
    queueUrl: string,
    entries: Parameters<SqsTransport['sendBatch']>[1],
  ): ReturnType<SqsTransport['sendBatch']> {
    const sqs = this.#queue(queueUrl);
    if (entries.length === 0 || entries.length > 10) sqs.violations.push(`send of ${entries.length} entries`);
    const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
    if (bytes > 1_048_576) sqs.violations.push(`send of ${bytes} bytes`);
    return this.#travel('send', [], [], (fault, answer) =>
      answer(
        entries.map((entry, i) =>
          fault === 'partial' && i % 2 === 0 ? { failure: INTERNAL } : { messageId: sqs.send(entry) },
        ),
      ),
    );
  }

  async refreshCredentials(): Promise<void> {
    this.refreshes += 1;
  }

  #queue(url: string): StrictSqs {
    const queue = this.o.queues[url];
    if (queue === undefined) throw new SqsError('permanent', 'QueueDoesNotExist', url);
    return queue;
  }

  #check(sqs: StrictSqs, handles: readonly string[]): void {
    if (handles.length === 0 || handles.length > 10) sqs.violations.push(`batch of ${handles.length} entries`);
    if (new Set(handles).size !== handles.length) sqs.violations.push('one handle twice in a batch');
  }

  #entry(sqs: StrictSqs, fault: Fault, handle: string, index: number): EntryFailure | undefined {
    if (fault === 'partial' && index % 2 === 0) return INTERNAL;
    if (fault === 'stale' && index === 0) {
      const message = sqs.inFlight.find((m) => m.receiptHandle === handle);
      if (message) sqs.expire(message);
    }
    return undefined;
  }

  #travel<R>(
    operation: Call['operation'],
    handles: readonly string[],
    seconds: readonly number[],
    serve: (fault: Fault, answer: (result: R) => void) => void,
  ): Promise<R> {
    const { world, process } = this.o;
    const fault = this.o.fault(operation);
    this.calls.push({ operation, atMs: world.now(), handles, seconds });
    const backMs = this.#latencyMs + (fault === 'delay' ? (this.o.delayMs ?? 3000) : 0);
    return new Promise((resolve, reject) => {
      const arrive = (settle: () => void): void => void world.setTimer(backMs, () => process.deliver(settle));
      const tooLate = (sinceMs: number): boolean =>
        operation === 'receive' && world.now() - sinceMs > (this.o.latestReceiveMs ?? Infinity);
      world.setTimer(this.#latencyMs, () => {
        if (fault === 'blackHole') return;
        if (fault === 'dropBefore') return arrive(() => reject(new SqsError('transient', 'ECONNRESET', 'injected')));
        if (fault in ERRORS) return arrive(() => reject(ERRORS[fault as keyof typeof ERRORS]));
        serve(fault, (result) => {
          if (fault === 'blackHoleAfter') return;
          if (fault === 'dropAfter') arrive(() => reject(new SqsError('transient', 'ECONNRESET', 'injected')));
          else {
            const servedAtMs = world.now();
            arrive(() =>
              tooLate(servedAtMs) ? reject(new SqsError('transient', 'ECONNRESET', 'late')) : resolve(result),
            );
          }
        });
      });
    });
  }
}
