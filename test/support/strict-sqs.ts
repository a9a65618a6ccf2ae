import type { EntryFailure, MessageAttribute, ReceiveRequest, SendEntry, TransportMessage } from '../../messaging';
import type { VirtualClock } from './virtual-clock';

/** A message at the queue. */
export interface StoredMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  readonly sentAtMs: number;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly sequenceNumber: string;
  receiveCount: number;
  /** Invisible until then. */
  visibleAtMs: number;
  /** Handle of the last receive; only this one is accepted, and only while the message is invisible. */
  receiptHandle: string | undefined;
  receivedAtMs: number;
}

/** Settings of a strict queue. */
export interface StrictSqsOptions {
  readonly clock: VirtualClock;
  readonly fifo?: boolean;
  readonly maxReceiveCount?: number;
  /** Takes handles of earlier receives too, while the message is in flight: a standard queue does not promise to refuse them. */
  readonly takesOldHandles?: boolean;
  readonly deadLetterQueue?: StrictSqs;
  /** Called after each effect. */
  readonly watch?: (event: StrictSqsEvent) => void;
}

/** What happened at the queue. */
export interface StrictSqsEvent {
  readonly kind: 'sent' | 'received' | 'deleted' | 'changed' | 'moved';
  readonly message: StoredMessage;
  /** Of `changed`: the seconds asked for. */
  readonly seconds?: number;
}

interface Waiter {
  readonly request: ReceiveRequest;
  readonly answer: (messages: readonly TransportMessage[]) => void;
  readonly cancel: () => void;
}

const MAX_VISIBILITY_MS = 43_200_000;
const ATTEMPT_ID_MS = 300_000;

/**
 * A queue that does what emulators leave out: a FIFO group is locked while any of its messages is in flight, one receive brings many
 * messages of a group, redelivery keeps the order, a handle is refused once its lease is over or a newer one exists, the 12 hours
 * count from the receive, and a repeated ReceiveRequestAttemptId brings the same messages. Calls that SQS would refuse are
 * recorded in `violations`.
 *
 * Everything here happens at once, at the server; `StrictTransport` adds the way there and back.
 */
export class StrictSqs {
  readonly violations: string[] = [];
  readonly messages = new Map<string, StoredMessage>();
  #sequence = 0;
  #handles = 0;
  #waiters: Waiter[] = [];
  #cancelWake: (() => void) | undefined;
  readonly #attempts = new Map<string, { readonly ids: readonly string[]; readonly atMs: number }>();
  readonly #deduplicated = new Map<string, { readonly messageId: string; readonly atMs: number }>();

  constructor(readonly options: StrictSqsOptions) {}

  get inFlight(): StoredMessage[] {
    return [...this.messages.values()].filter((m) => this.#isInFlight(m));
  }

  get longPolls(): number {
    return this.#waiters.length;
  }

  send(entry: SendEntry): string {
    const { clock } = this.options;
    const dedup = entry.deduplicationId;
    if (this.options.fifo) {
      if (entry.groupId === undefined) this.#violation('send to FIFO without a group');
      const before = dedup === undefined ? undefined : this.#deduplicated.get(dedup);
      if (before && clock.now() - before.atMs < ATTEMPT_ID_MS) return before.messageId;
    }
    const n = ++this.#sequence;
    const message: StoredMessage = {
      messageId: `message-${n}`,
      body: entry.body,
      attributes: entry.attributes ?? {},
      sentAtMs: clock.wallClock(),
      ...(entry.groupId !== undefined && { groupId: entry.groupId }),
      ...(dedup !== undefined && { deduplicationId: dedup }),
      sequenceNumber: String(n).padStart(20, '0'),
      receiveCount: 0,
      visibleAtMs: clock.now() + (entry.delaySeconds ?? 0) * 1000,
      receiptHandle: undefined,
      receivedAtMs: 0,
    };
    if (dedup !== undefined) this.#deduplicated.set(dedup, { messageId: message.messageId, atMs: clock.now() });
    this.messages.set(message.messageId, message);
    this.#emit({ kind: 'sent', message });
    this.#serve();
    return message.messageId;
  }

  /** Answers now, or when a message comes, or after the wait. The returned function hangs up. */
  receive(request: ReceiveRequest, answer: (messages: readonly TransportMessage[]) => void): () => void {
    const { maxMessages, waitTimeSeconds, visibilityTimeoutSeconds: seconds } = request;
    if (maxMessages < 1 || maxMessages > 10) this.#violation(`receive of ${maxMessages} messages`);
    if (waitTimeSeconds < 0 || waitTimeSeconds > 20) this.#violation(`long poll of ${waitTimeSeconds} seconds`);
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > 43_200)
      this.#violation(`visibility of ${seconds} seconds`);
    const found = this.#take(request);
    if (found.length > 0 || waitTimeSeconds === 0) {
      answer(found);
      return () => {};
    }
    const cancel = this.options.clock.setTimer(waitTimeSeconds * 1000, () => {
      this.#waiters = this.#waiters.filter((w) => w !== waiter);
      answer([]);
    });
    const waiter = { request, answer, cancel };
    this.#waiters.push(waiter);
    this.#scheduleWake();
    return () => {
      cancel();
      this.#waiters = this.#waiters.filter((w) => w !== waiter);
    };
  }

  delete(receiptHandle: string): EntryFailure | undefined {
    const message = this.#byHandle(receiptHandle);
    if (message === undefined) return STALE_HANDLE;
    this.messages.delete(message.messageId);
    this.#emit({ kind: 'deleted', message });
    this.#serve();
    return undefined;
  }

  changeVisibility(receiptHandle: string, seconds: number): EntryFailure | undefined {
    const { clock } = this.options;
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > 43_200)
      this.#violation(`visibility of ${seconds} seconds`);
    const message = this.#byHandle(receiptHandle);
    if (message === undefined) return STALE_HANDLE;
    const visibleAtMs = clock.now() + seconds * 1000;
    if (visibleAtMs - message.receivedAtMs > MAX_VISIBILITY_MS) {
      this.#violation('visibility beyond 12 hours');
      return { kind: 'stale', code: 'InvalidParameterValue', message: 'beyond the 12 hours' };
    }
    message.visibleAtMs = visibleAtMs;
    this.#emit({ kind: 'changed', message, seconds });
    this.#serve();
    return undefined;
  }

  /** The lease of a message ends now, as if SQS had given it to somebody else. */
  expire(message: StoredMessage): void {
    message.visibleAtMs = this.options.clock.now();
    this.#serve();
  }

  #isInFlight(message: StoredMessage): boolean {
    return message.receiptHandle !== undefined && message.visibleAtMs > this.options.clock.now();
  }

  #byHandle(receiptHandle: string): StoredMessage | undefined {
    const message = this.messages.get(receiptHandle.split('/')[0] ?? '');
    const known = this.options.takesOldHandles === true || message?.receiptHandle === receiptHandle;
    return message && known && this.#isInFlight(message) ? message : undefined;
  }

  #take(request: ReceiveRequest): TransportMessage[] {
    const again = this.#sameAttempt(request);
    const candidates = again ?? this.#visible();
    const taken: TransportMessage[] = [];
    for (const message of candidates) {
      if (taken.length === request.maxMessages) break;
      const max = this.options.maxReceiveCount;
      if (again === undefined && max !== undefined && message.receiveCount >= max && this.options.deadLetterQueue) {
        this.#moveToDeadLetterQueue(message, this.options.deadLetterQueue);
        continue;
      }
      taken.push(this.#hand(message, request.visibilityTimeoutSeconds, again !== undefined));
    }
    if (this.options.fifo && request.attemptId !== undefined && taken.length > 0) {
      const ids = taken.map((m) => m.messageId);
      this.#attempts.set(request.attemptId, { ids, atMs: this.options.clock.now() });
    }
    return taken;
  }

  /** The messages of an earlier receive with this attempt id, if none of them was touched since. */
  #sameAttempt({ attemptId }: ReceiveRequest): StoredMessage[] | undefined {
    const attempt = attemptId === undefined ? undefined : this.#attempts.get(attemptId);
    if (!attempt || this.options.clock.now() - attempt.atMs > ATTEMPT_ID_MS) return undefined;
    const messages = attempt.ids.map((id) => this.messages.get(id));
    const untouched = messages.every((m) => m && this.#isInFlight(m) && m.receivedAtMs === attempt.atMs);
    return untouched ? (messages as StoredMessage[]) : undefined;
  }

  #visible(): StoredMessage[] {
    const locked = new Set(this.options.fifo ? this.inFlight.map((m) => m.groupId) : []);
    const now = this.options.clock.now();
    return [...this.messages.values()].filter(
      (m) => m.visibleAtMs <= now && !(this.options.fifo && locked.has(m.groupId)),
    );
  }

  #hand(message: StoredMessage, seconds: number, again: boolean): TransportMessage {
    const now = this.options.clock.now();
    if (!again) message.receiveCount += 1;
    message.receivedAtMs = now;
    message.visibleAtMs = now + seconds * 1000;
    message.receiptHandle = `${message.messageId}/${++this.#handles}`;
    this.#emit({ kind: 'received', message });
    const { messageId, receiptHandle, body, attributes, receiveCount, sentAtMs, groupId, deduplicationId } = message;
    return {
      ...{ messageId, receiptHandle, body, attributes, receiveCount, sentAtMs },
      ...(groupId !== undefined && { groupId }),
      ...(deduplicationId !== undefined && { deduplicationId }),
      ...(this.options.fifo && { sequenceNumber: message.sequenceNumber }),
    };
  }

  /** Delivers a message that is in flight already once more, as a standard queue may. */
  duplicate(message: StoredMessage, seconds: number): TransportMessage {
    return this.#hand(message, seconds, false);
  }

  #moveToDeadLetterQueue(message: StoredMessage, queue: StrictSqs): void {
    this.messages.delete(message.messageId);
    const { body, attributes, groupId, messageId } = message;
    queue.send({ body, attributes, ...(groupId !== undefined && { groupId, deduplicationId: messageId }) });
    this.#emit({ kind: 'moved', message });
  }

  #serve(): void {
    for (const waiter of [...this.#waiters]) {
      const found = this.#take(waiter.request);
      if (found.length === 0) continue;
      waiter.cancel();
      this.#waiters = this.#waiters.filter((w) => w !== waiter);
      waiter.answer(found);
    }
    this.#scheduleWake();
  }

  /** Long polls see a message whose invisibility ends. */
  #scheduleWake(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (this.#waiters.length === 0) return;
    const now = this.options.clock.now();
    let nextMs = Infinity;
    for (const m of this.messages.values()) if (m.visibleAtMs > now) nextMs = Math.min(nextMs, m.visibleAtMs);
    if (nextMs < Infinity) this.#cancelWake = this.options.clock.setTimer(nextMs - now, () => this.#serve());
  }

  #emit(event: StrictSqsEvent): void {
    this.options.watch?.(event);
  }

  #violation(text: string): void {
    this.violations.push(text);
  }
}

const STALE_HANDLE: EntryFailure = {
  kind: 'stale',
  code: 'ReceiptHandleIsInvalid',
  message: 'the handle is expired or replaced',
};
