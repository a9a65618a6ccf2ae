import { delay, type Clock } from './clock';
import type { Delivery } from './delivery';
import { quarantineEntry } from './quarantine';
import { callRetryMs } from './retry';
import { toSqsError, type SqsError } from './sqs-errors';
import { withTimeLimit } from './time-limit';
import type { EntryFailure, SqsTransport } from './transport';

/** What sending to the dead-letter queue asks of the engine. */
export interface QuarantineHost {
  readonly transport: SqsTransport;
  readonly deadLetterQueueUrl: string;
  readonly clock: Clock;
  readonly random: () => number;
  failed(failure: EntryFailure | SqsError, delivery: Delivery): void;
}

/**
 * Sends a poison message to the dead-letter queue. Repeats while the lease is held.
 *
 * @returns whether SQS confirmed it; false when it refuses for good, or the lease was lost
 */
export async function quarantine(host: QuarantineHost, delivery: Delivery, error: unknown): Promise<boolean> {
  const entry = quarantineEntry(delivery.message, error);
  for (let failures = 1; !delivery.lost; failures++) {
    let failure: EntryFailure | SqsError | undefined;
    try {
      const call = host.transport.sendBatch(host.deadLetterQueueUrl, [entry]);
      failure = (await withTimeLimit(host.clock, 5_000, call))[0]?.failure;
    } catch (thrown) {
      failure = toSqsError(thrown);
    }
    if (failure === undefined) return true;
    host.failed(failure, delivery);
    if (failure.kind === 'permanent') return false;
    if (failure.kind === 'credentials') await host.transport.refreshCredentials?.().catch(() => undefined);
    await delay(host.clock, callRetryMs(failure.kind, failures, host.random));
  }
  return false;
}
