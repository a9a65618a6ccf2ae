import { randomUUID } from 'node:crypto';
import type { BodyCodec } from './body-codec';
import type { Clock } from './clock';
import type { Delivery } from './delivery';
import {
  LeaseLostError,
  PermanentError,
  ReleaseError,
  WorkerError,
  type Handler,
  type HandlerContext,
  type ReceivedMessage,
} from './handler';
import type { IdempotencyOptions } from './idempotency';
import { beginClaim, prolongClaim, settleClaim, type RenewedClaim } from './idempotency-claim';
import type { Logger } from './logger';
import { parseBody, type StandardSchema } from './schema';
import type { TransportMessage } from './transport';

/** How a run ended, before the consumer acts on it. */
export type RunResult =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'poison'; readonly error: unknown }
  | { readonly kind: 'released'; readonly error: unknown }
  /** Handled before: to be deleted. */
  | { readonly kind: 'duplicate' }
  /** Another owner is at it for `forMs` more. */
  | { readonly kind: 'busy'; readonly forMs: number };

const SUCCEEDED: RunResult = { kind: 'succeeded' };
const NO_ATTRIBUTES: ReceivedMessage['attributes'] = Object.freeze({});

/** The message as a handler sees it. */
export function receivedMessage<T>(message: TransportMessage, body: T): ReceivedMessage<T> {
  let attributes = NO_ATTRIBUTES;
  const names = Object.keys(message.attributes);
  if (names.length > 0) {
    attributes = Object.fromEntries(names.map((name) => [name, message.attributes[name]?.value ?? '']));
  }
  const { messageId, receiveCount, sentAtMs, groupId, deduplicationId, sequenceNumber } = message;
  const view: { -readonly [K in keyof ReceivedMessage<T>]: ReceivedMessage<T>[K] } = {
    messageId,
    body,
    attributes,
    receiveCount,
    sentAtMs,
  };
  if (groupId !== undefined) view.groupId = groupId;
  if (deduplicationId !== undefined) view.deduplicationId = deduplicationId;
  if (sequenceNumber !== undefined) view.sequenceNumber = sequenceNumber;
  if (message.firstReceivedAtMs !== undefined) view.firstReceivedAtMs = message.firstReceivedAtMs;
  if (message.senderId !== undefined) view.senderId = message.senderId;
  return view;
}

/** Adds the message's id to every line. */
function boundLogger(logger: Logger, messageId: string): Logger {
  const bind = (level: keyof Logger) => (fields: object, text?: string) =>
    logger[level]({ messageId, ...fields }, text);
  return { debug: bind('debug'), info: bind('info'), warn: bind('warn'), error: bind('error') };
}

class Context implements HandlerContext {
  #logger: Logger | undefined;
  constructor(
    private readonly delivery: Delivery,
    private readonly parent: Logger,
    private readonly clock: Clock,
  ) {}

  get signal(): AbortSignal {
    return this.delivery.signal;
  }

  get logger(): Logger {
    return (this.#logger ??= boundLogger(this.parent, this.delivery.message.messageId));
  }

  extend(seconds: number): void {
    if (!(seconds >= 0)) throw new RangeError(`'seconds' (${seconds} seconds) must be 0 or more`);
    this.delivery.timeoutAtMs = Math.max(this.delivery.timeoutAtMs, this.clock.now() + seconds * 1000);
  }
}

/** What a run needs besides the delivery and the handler. */
export interface RunOptions<T> {
  readonly codecs: readonly BodyCodec[];
  readonly schema?: StandardSchema<T> | undefined;
  readonly idempotency?: IdempotencyOptions<T> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Sorts what a handler, a codec or a validator threw. */
export function resultOf(error: unknown): RunResult {
  if (error instanceof PermanentError) return { kind: 'poison', error };
  return { kind: error instanceof ReleaseError ? 'released' : 'failed', error };
}

/** What a handler is to get, or why it is not to run. */
export type Prepared<T> = { readonly view: ReceivedMessage<T> } | { readonly result: RunResult };

/**
 * What was prepared, unless its run was told to stop meanwhile, or its lease is over. After a stall of the event loop the last
 * answer may come before the heartbeat's look at the leases.
 */
export function unlessOver<T>(prepared: Prepared<T>, delivery: Delivery, clock: Clock): Prepared<T> {
  if ('result' in prepared) return prepared;
  const isLate = clock.now() >= delivery.lease.deadlineMs;
  const late = isLate ? new LeaseLostError('the lease is over', delivery.message.messageId) : undefined;
  const error = delivery.abortReason ?? late;
  return error === undefined ? prepared : { result: { kind: 'failed', error } };
}

/**
 * What a codec gives, unless the run is told to stop before: it may wait for a bucket or a key that never answers.
 *
 * @throws what it throws, or why the run is to stop
 */
function unlessStopped<R>(work: Promise<R>, delivery: Delivery): Promise<R> {
  const { signal } = delivery;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Decodes, validates and claims one message. Never rejects. */
export async function prepare<T>(options: RunOptions<T>, delivery: Delivery): Promise<Prepared<T>> {
  const { codecs, schema, idempotency, clock } = options;
  const { message } = delivery;
  try {
    let text = message.body;
    for (const codec of codecs) text = await unlessStopped(codec.decode(text, message), delivery);
    const view = receivedMessage(message, schema ? await parseBody(schema, text, message.messageId) : (text as T));
    if (idempotency) {
      const key = idempotency.key?.(view) ?? message.messageId;
      const claim: RenewedClaim = { key, owner: randomUUID(), renewing: true, outdated: false };
      let { deadlineMs } = delivery.lease;
      const lease = () => ({ leaseUntilMs: clock.wallClock() + delivery.lease.deadlineMs - clock.now(), clock });
      const begin = await beginClaim(idempotency.store, claim, lease());
      if (begin === 'done') return { result: { kind: 'duplicate' } };
      if (begin !== 'started') {
        return { result: { kind: 'busy', forMs: Math.max(0, begin.busyUntilMs - clock.wallClock()) } };
      }
      delivery.claim = claim;
      // Renewed while the store was asked, so without the record: it would end before the message's lease does. A store that is
      // slower than the heartbeat never catches up.
      for (let rounds = 0; rounds < 3 && delivery.lease.deadlineMs !== deadlineMs; rounds++) {
        ({ deadlineMs } = delivery.lease);
        if (!(await prolongClaim(idempotency.store, claim, lease())))
          throw new WorkerError('another owner took over this idempotency key', message.messageId);
      }
      claim.renewing = false;
    }
    // All this took time; a handler must not start with a lease that is over or in a drain that is.
    return unlessOver({ view }, delivery, clock);
  } catch (error) {
    return { result: resultOf(error) };
  }
}

/** Completes or frees the idempotency record of a run, if it holds one. Never rejects. */
export async function settleRun<T>(options: RunOptions<T>, delivery: Delivery, result: RunResult): Promise<void> {
  const { claim, message } = delivery;
  if (claim === undefined || options.idempotency === undefined) return;
  delivery.claim = undefined;
  const { idempotency, clock, logger } = options;
  const end = { succeeded: result.kind === 'succeeded', messageId: message.messageId, clock, logger };
  await settleClaim(idempotency.store, claim, end);
}

/** Makes the function that runs one delivery. It never rejects. */
export function handlerRunner<T>(
  options: RunOptions<T> & {
    readonly handler: Handler<T>;
    readonly around?: ((message: TransportMessage, run: () => Promise<void>) => Promise<void>) | undefined;
  },
): (delivery: Delivery) => Promise<RunResult> {
  const { around, handler, clock, logger } = options;
  const plain = options.codecs.length === 0 && !options.schema && !options.idempotency;

  const handle = async (delivery: Delivery, view: ReceivedMessage<T>): Promise<RunResult> => {
    const context = new Context(delivery, logger, clock);
    try {
      if (around) await around(delivery.message, async () => handler(view, context));
      else await handler(view, context);
      return SUCCEEDED;
    } catch (error) {
      return resultOf(error);
    }
  };

  if (plain) return (delivery) => handle(delivery, receivedMessage(delivery.message, delivery.message.body as T));
  return async (delivery) => {
    const prepared = await prepare(options, delivery);
    const result = 'view' in prepared ? await handle(delivery, prepared.view) : prepared.result;
    await settleRun(options, delivery, result);
    return result;
  };
}
