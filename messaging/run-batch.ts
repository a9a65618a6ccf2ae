import type { Delivery } from './delivery';
import {
  LeaseLostError,
  type BatchContext,
  type BatchHandler,
  type BatchResult,
  type ReceivedMessage,
} from './handler';
import type { ConsumerObserver } from './observer';
import { prepare, resultOf, settleRun, unlessOver, type RunOptions, type RunResult } from './run-handler';

/** A signal for the whole batch: one lost lease does not stop the work on the others. */
function batchSignal(deliveries: readonly Delivery[]): AbortSignal {
  const controller = new AbortController();
  let left = deliveries.length;
  for (const { signal } of deliveries) {
    const aborted = (): void => {
      left -= 1;
      if (left === 0 || !(signal.reason instanceof LeaseLostError)) controller.abort(signal.reason);
    };
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
  }
  return controller.signal;
}

/** What a run of a batch needs besides the deliveries. */
type BatchOptions<T> = RunOptions<T> & {
  readonly handler: BatchHandler<T>;
  readonly around?: ConsumerObserver['aroundBatch'] | undefined;
};

const NO_FAILURES: BatchResult = Object.freeze({ failures: [] });

/**
 * Makes the function that runs several deliveries by one call, with one result each. A message that can not be decoded is left out
 * of the call and has a result of its own. It never rejects.
 */
export function batchRunner<T>(options: BatchOptions<T>): (deliveries: readonly Delivery[]) => Promise<RunResult[]> {
  return async (deliveries) => {
    const each = await Promise.all(deliveries.map((delivery) => prepare(options, delivery)));
    // Those that were prepared first waited for the last: their leases or the drain may be over by now.
    const prepared = each.map((p, i) => {
      const delivery = deliveries[i];
      return delivery === undefined ? p : unlessOver(p, delivery, options.clock);
    });
    const views: Array<ReceivedMessage<T>> = [];
    const called: Delivery[] = [];
    prepared.forEach((p, i) => {
      const delivery = deliveries[i];
      if (!('view' in p) || delivery === undefined) return;
      views.push(p.view);
      called.push(delivery);
    });
    const common = views.length === 0 ? undefined : await call(options, views, called);
    const results = prepared.map((p, i): RunResult => {
      if ('result' in p) return p.result;
      return common?.(deliveries[i]?.message.messageId ?? '') ?? { kind: 'succeeded' };
    });
    await Promise.all(deliveries.map((d, i) => settleRun(options, d, results[i] ?? { kind: 'succeeded' })));
    return results;
  };
}

/** Calls the handler. @returns the result of each message by its id; undefined: it succeeded */
async function call<T>(
  options: BatchOptions<T>,
  views: ReadonlyArray<ReceivedMessage<T>>,
  deliveries: readonly Delivery[],
): Promise<(messageId: string) => RunResult | undefined> {
  const { around, clock, handler, logger } = options;
  let signal: AbortSignal | undefined;
  const context: BatchContext = {
    get signal() {
      return (signal ??= batchSignal(deliveries));
    },
    logger,
    extend(seconds) {
      if (!(seconds >= 0)) throw new RangeError(`'seconds' (${seconds} seconds) must be 0 or more`);
      for (const d of deliveries) d.timeoutAtMs = Math.max(d.timeoutAtMs, clock.now() + seconds * 1000);
    },
  };
  try {
    const result = around
      ? await around(
          deliveries.map((d) => d.message),
          async () => (await handler(views, context)) ?? NO_FAILURES,
        )
      : await handler(views, context);
    const failed = new Map(result?.failures.map((f) => [f.messageId, f.error ?? new Error('failed in its batch')]));
    const known = new Set(deliveries.map((d) => d.message.messageId));
    const unknown = [...failed.keys()].filter((id) => !known.has(id));
    if (unknown.length > 0) {
      // Which message failed cannot be told, so none may be deleted; Lambda treats a batch the same way.
      throw new Error(
        `the handler reports a failure of message '${String(unknown[0])}', which is not in its batch: name the messageId`,
      );
    }
    return (messageId) => (failed.has(messageId) ? resultOf(failed.get(messageId)) : undefined);
  } catch (error) {
    const result = resultOf(error);
    return () => result;
  }
}
