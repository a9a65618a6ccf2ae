import type { Clock } from './clock';
import type { ConsumerOptions } from './consumer-options';
import type { Delivery } from './delivery';
import type { Logger } from './logger';
import { batchRunner } from './run-batch';
import { handlerRunner, type RunResult } from './run-handler';

/** Runs the deliveries of one handler call; one result each, never rejects. */
export type Runner = (deliveries: readonly Delivery[]) => Promise<readonly RunResult[]>;

/** The runner for the handler or batch handler of `options`. */
export function runnerOf<T>(options: ConsumerOptions<T> & { readonly clock: Clock; readonly logger: Logger }): Runner {
  const { claimCheck, encryption, schema, idempotency, clock, logger, handler, batchHandler, observer } = options;
  const codecs = [claimCheck, encryption].filter((codec) => codec !== undefined);
  const common = { codecs, schema, idempotency, clock, logger };
  if (batchHandler !== undefined)
    return batchRunner({ ...common, handler: batchHandler, around: observer?.aroundBatch?.bind(observer) });
  const run = handlerRunner({
    ...common,
    // The options were checked: one of the two is there.
    handler: handler as NonNullable<typeof handler>,
    around: observer?.aroundHandler?.bind(observer),
  });
  return async ([delivery]) => (delivery ? [await run(delivery)] : []);
}
