import { systemClock, type Clock } from './clock';
import { silentLogger, type Logger } from './logger';
import { attributeSize, checkMessage, SEND_LIMITS, type OutgoingMessage } from './outgoing-message';
import { newCredentials } from './new-credentials';
import { SendError } from './send-error';
import { checkProducerOptions, type BodyEncoder, type ProducerOptions } from './producer-options';
import { callRetryMs } from './retry';
import { toTransport } from './sdk-transport';
import {
  afterAnswer,
  afterFailure,
  unsent,
  type SendDecision,
  type SendResult,
  type SentMessage,
} from './send-decision';
import { SendLanes } from './send-lanes';
import { toSqsError, type SqsError } from './sqs-errors';
import { withTimeLimit } from './time-limit';
import type { SendEntry, SqsTransport } from './transport';

/** An encoded message, and how to encode it anew. */
type Encoded = Pick<Pending, 'entry'> & Partial<Pick<Pending, 'anew'>>;

/** A message under way. */
interface Pending {
  entry: SendEntry;
  /** Encodes it anew, see {@link BodyEncoder.isExclusive}. */
  readonly anew: (() => Promise<SendEntry>) | undefined;
  readonly bytes: number;
  readonly groupId?: string;
  readonly deadlineMs: number;
  alone?: boolean;
  /** Answers in which SQS refused only some entries, this one among them. */
  refusals: number;
  readonly settle: (result: SendResult) => void;
}

/**
 * Sends messages to one queue: packs them into requests, repeats what failed, tells the fate of each.
 *
 * - At most 10 messages and 1 MiB a request; single sends of many callers share requests.
 * - Standard queue: requests in parallel. FIFO queue: groups in parallel, one request at a time for each group, so the
 *   order in which `send` was called is the order in the group.
 * - Only failed entries are repeated, with backoff and jitter, for up to `giveUpAfterMs`. Every promise settles.
 *
 * A request whose answer is lost is repeated: on a standard queue its messages may then be there twice (delivery is at
 * least once), on a FIFO queue deduplication removes the second.
 */
export class Producer {
  readonly #sqs: SqsTransport;
  readonly #queueUrl: string;
  readonly #fifo: boolean;
  readonly #lingerMs: number;
  readonly #maxConcurrentRequests: number;
  readonly #giveUpAfterMs: number;
  readonly #requestTimeoutMs: number;
  readonly #encoders: readonly BodyEncoder[];
  readonly #maxAttributes: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #lanes: SendLanes<Pending>;
  /** FIFO: the last message of each group that is still being encoded. */
  readonly #encoding = new Map<string, Promise<void>>();
  readonly #idle: Array<() => void> = [];
  #unsettled = 0;
  #requests = 0;
  /** What waits has waited long enough. */
  #due = false;
  #cancelLinger: (() => void) | undefined;
  /** Failed requests in a row; a success ends the row. */
  #failures = 0;
  /** Delays after failed requests that are not over yet. */
  #pauses = 0;
  #loudCode: string | undefined;
  #closed = false;

  /** @throws OptionsError naming every option that is not valid, with its value and unit */
  constructor(options: ProducerOptions) {
    checkProducerOptions(options);
    this.#sqs = toTransport(options.sqs);
    this.#queueUrl = options.queueUrl;
    this.#fifo = options.queueUrl.endsWith('.fifo');
    this.#lingerMs = options.lingerMs ?? 0;
    this.#maxConcurrentRequests = options.maxConcurrentRequests ?? 10;
    this.#giveUpAfterMs = options.giveUpAfterMs ?? 60_000;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 10_000;
    this.#encoders = [options.tracing, options.encryption, options.claimCheck].filter((e) => e !== undefined);
    this.#maxAttributes = this.#encoders.reduce<number>((left, e) => left - e.extraAttributes, SEND_LIMITS.attributes);
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#random = options.random ?? Math.random;
    this.#lanes = new SendLanes({ maxEntries: SEND_LIMITS.entries, maxBytes: SEND_LIMITS.bytes, fifo: this.#fifo });
  }

  /**
   * Sends one message; resolves when SQS has it.
   *
   * @throws SendError when it was refused here or by SQS, or all attempts failed
   */
  send(message: OutgoingMessage): Promise<SentMessage> {
    return new Promise((resolve, reject) => {
      this.#accept(message, (result) => (result.ok ? resolve(result) : reject(result.error)));
    });
  }

  /** Sends many messages; resolves with one result for each, in their order, and never rejects. */
  sendBatch(messages: readonly OutgoingMessage[]): Promise<readonly SendResult[]> {
    return Promise.all(messages.map((m) => new Promise<SendResult>((resolve) => this.#accept(m, resolve))));
  }

  /** Sends what waits without lingering; resolves when everything accepted so far, and meanwhile, is settled. */
  async flush(): Promise<void> {
    this.#makeDue();
    if (this.#unsettled > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Refuses further messages and flushes. The SDK client stays open: it is the caller's. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  #accept(message: OutgoingMessage, settle: (result: SendResult) => void): void {
    if (this.#closed) return settle(unsent(new SendError('Closed', 'the producer is closed', false)));
    let entry: SendEntry;
    let bytes: number;
    try {
      const checked = checkMessage(message, this.#fifo, this.#maxAttributes);
      const { body, groupId, deduplicationId, delaySeconds } = message;
      entry = { body, attributes: checked.attributes, groupId, deduplicationId, delaySeconds };
      bytes = checked.bodyBytes + checked.attributeBytes;
    } catch (error) {
      return settle(unsent(toSendError(error)));
    }
    this.#unsettled++;
    const settled = (result: SendResult): void => {
      settle(result);
      if (--this.#unsettled === 0) for (const resolve of this.#idle.splice(0)) resolve();
    };
    if (this.#encoders.length === 0) this.#enqueue({ entry }, bytes, settled);
    else this.#encodeThenEnqueue(entry, settled);
  }

  #encodeThenEnqueue(original: SendEntry, settle: (result: SendResult) => void): void {
    const group = this.#fifo ? original.groupId : undefined;
    const before = group === undefined ? undefined : this.#encoding.get(group);
    // All are encoded at once, but a group's messages enter their lane in the order in which they were sent.
    const encoded = withTimeLimit(this.#clock, this.#giveUpAfterMs, this.#encode(original));
    encoded.catch(() => undefined);
    const entered = (before ?? Promise.resolve())
      .then(() => encoded)
      .then((result) => this.#enqueue(result, sizeOf(result.entry), settle))
      .catch((error: unknown) => settle(unsent(toSendError(error))));
    if (group === undefined) return;
    const last = entered.then(() => {
      if (this.#encoding.get(group) === last) this.#encoding.delete(group);
    });
    this.#encoding.set(group, last);
  }

  async #encode(original: SendEntry): Promise<Encoded> {
    const queue = { queueUrl: this.#queueUrl, fifo: this.#fifo };
    let entry = original;
    let anew: Encoded['anew'];
    for (const encoder of this.#encoders) {
      const before = entry;
      entry = await encoder.encode(before, queue);
      // FIFO queues keep only the first of two equal messages.
      if (encoder.isExclusive === true && entry !== before && !this.#fifo) anew = () => encoder.encode(before, queue);
    }
    return { entry, anew };
  }

  #enqueue({ entry, anew }: Encoded, bytes: number, settle: (result: SendResult) => void): void {
    if (bytes > SEND_LIMITS.bytes) {
      const text = `the message (${bytes} bytes with its attributes) must be at most ${SEND_LIMITS.bytes} bytes: use a claim check`;
      return settle(unsent(new SendError('MessageTooLong', text, false)));
    }
    this.#lanes.add({
      entry,
      anew,
      bytes,
      groupId: entry.groupId,
      deadlineMs: this.#clock.now() + this.#giveUpAfterMs,
      refusals: 0,
      settle,
    });
    this.#linger();
    if (this.#lingerMs > 0 && this.#lanes.isFull) this.#pump();
  }

  #linger(): void {
    if (this.#cancelLinger !== undefined) return;
    const isFlushing = this.#idle.length > 0;
    if (this.#lingerMs > 0 && !isFlushing) {
      this.#cancelLinger = this.#clock.setTimer(this.#lingerMs, () => this.#makeDue());
    } else {
      this.#cancelLinger = () => undefined;
      // Runs after the promise callbacks of this turn: callers that one answer woke send together.
      process.nextTick(() => this.#makeDue());
    }
  }

  #makeDue(): void {
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    this.#due = true;
    this.#pump();
  }

  #pump(): void {
    // One request at a time while they fail: what is throttled or down is not helped by ten.
    const limit = this.#failures > 0 ? 1 : this.#maxConcurrentRequests;
    while (this.#pauses === 0 && this.#requests < limit && (this.#due || this.#lanes.isFull)) {
      const batch = this.#lanes.take();
      if (batch.length === 0) break;
      void this.#request(batch);
    }
    if (this.#lanes.count === 0) this.#due = false;
  }

  /** Never rejects: each message of `batch` is settled, or waits for its next attempt. */
  async #request(batch: readonly Pending[]): Promise<void> {
    this.#requests++;
    let decision: SendDecision<Pending>;
    try {
      const call = this.#sqs.sendBatch(
        this.#queueUrl,
        batch.map((pending) => pending.entry),
      );
      const outcomes = await withTimeLimit(this.#clock, this.#requestTimeoutMs, call);
      decision = afterAnswer(batch, outcomes, { fifo: this.#fifo, nowMs: this.#clock.now() });
      this.#failures = 0;
      this.#loudCode = undefined;
    } catch (thrown) {
      const error = toSqsError(thrown);
      decision = afterFailure(batch, error, this.#clock.now());
      await this.#afterFailedCall(error, decision);
    }
    this.#requests--;
    this.#repeat(batch, decision);
    for (const [pending, result] of decision.settled) pending.settle(result);
    this.#settleLate();
    this.#pump();
  }

  async #afterFailedCall(error: SqsError, { oneByOne, queueWide, again }: SendDecision<Pending>): Promise<void> {
    if (oneByOne === true) return;
    this.#failures++;
    const fields = { err: error, code: error.code, queueUrl: this.#queueUrl };
    if (queueWide !== undefined) {
      // One loud line, not one for each message.
      if (this.#loudCode !== error.code) this.#logger.error(fields, `messages cannot be sent: ${error.message}`);
      this.#loudCode = error.code;
    } else this.#logger.warn({ ...fields, again: again.length }, 'a send failed and is repeated');
    if (error.kind !== 'credentials') return;
    const err = await newCredentials(this.#sqs, this.#clock);
    if (err !== undefined) this.#logger.warn({ err }, 'no new credentials');
  }

  /** Lets the messages of `decision.again` wait for their next attempt, and unlocks the groups of all others. */
  #repeat(batch: readonly Pending[], { again, kind = 'transient', oneByOne, queueWide }: SendDecision<Pending>): void {
    if (queueWide !== undefined) {
      // The same answer awaits all that wait; the pause keeps a caller's loop from asking for it again and again.
      for (const pending of this.#lanes.takeAll()) pending.settle(unsent(queueWide));
      this.#pause(callRetryMs('permanent', this.#failures, this.#random), () => undefined);
    }
    if (again.length === 0) return this.#lanes.release(batch);
    const locked = new Set(again.map((pending) => pending.groupId));
    this.#lanes.release(batch.filter((pending) => !locked.has(pending.groupId)));
    const back = (): void => {
      this.#lanes.putBack(again);
      this.#lanes.release(again);
      this.#due = true;
    };
    if (oneByOne === true) {
      for (const pending of again) pending.alone = true;
      return back();
    }
    // SQS may have taken them when there was no answer; what it throttled it did not take.
    const ready = async (): Promise<void> => {
      if (kind === 'transient') await Promise.all(again.map((pending) => this.#encodeAnew(pending)));
      back();
    };
    if (this.#failures > 0) return this.#pause(callRetryMs(kind, this.#failures, this.#random), ready);
    // Only these entries were refused: others may go on meanwhile, unless SQS asks for fewer calls.
    const refusals = Math.max(...again.map((pending) => ++pending.refusals));
    const delayMs = callRetryMs(kind, refusals, this.#random);
    if (kind === 'throttled') return this.#pause(delayMs, back);
    this.#clock.setTimer(delayMs, () => {
      back();
      this.#pump();
    });
  }

  /** Keeps the old entry when that fails: a message that shares is better than one that is lost. */
  async #encodeAnew(pending: Pending): Promise<void> {
    if (pending.anew === undefined) return;
    try {
      pending.entry = await withTimeLimit(this.#clock, this.#requestTimeoutMs, pending.anew());
    } catch (err) {
      this.#logger.warn({ err }, 'a repeated message shares its body with the first attempt');
    }
  }

  /** Sends nothing for `delayMs`, and until `then` is over. */
  #pause(delayMs: number, then: () => Promise<void> | void): void {
    this.#pauses++;
    this.#clock.setTimer(delayMs, () => {
      void Promise.resolve(then()).then(() => {
        this.#pauses--;
        this.#settleLate();
        this.#pump();
      });
    });
  }

  /** Gives up what waited too long behind failing requests. */
  #settleLate(): void {
    if (this.#failures === 0) return;
    const nowMs = this.#clock.now();
    const text = `not sent within ${this.#giveUpAfterMs} ms: requests to the queue keep failing`;
    for (const pending of this.#lanes.takeAll((waiting) => waiting.deadlineMs <= nowMs))
      pending.settle(unsent(new SendError('NotSentInTime', text, true)));
  }
}

function sizeOf({ body, attributes = {} }: SendEntry): number {
  return Object.entries(attributes).reduce((sum, [name, a]) => sum + attributeSize(name, a), Buffer.byteLength(body));
}

function toSendError(error: unknown): SendError {
  if (error instanceof SendError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new SendError('EncodingFailed', `the message cannot be prepared: ${text}`, true, { cause: error });
}
