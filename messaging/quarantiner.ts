import { delay, type Clock } from './clock';
import type { Delivery } from './delivery';
import { newCredentials } from './new-credentials';
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
  /** Nothing is repeated once this aborted. */
  readonly over: AbortSignal;
  failed(failure: EntryFailure | SqsError, delivery: Delivery): void;
}

/**
 * Sends a poison message to the dead-letter queue. Repeats while the lease is held.
 *
 * @returns whether SQS confirmed it; false when it refuses for good, the lease is over, or the drain
 */
export async function quarantine(host: QuarantineHost, delivery: Delivery, error: unknown): Promise<boolean> {
  const { transport, clock, over } = host;
  const entry = quarantineEntry(delivery.message, error);
  // The heartbeat notices the end of a lease a moment late, after a stall of the event loop by a long one.
  const held = (): boolean => !delivery.lost && clock.now() < delivery.lease.deadlineMs;
  for (let failures = 1; held() && (failures === 1 || !over.aborted); failures++) {
    let failure: EntryFailure | SqsError | undefined;
    try {
      const call = transport.sendBatch(host.deadLetterQueueUrl, [entry]);
      failure = (await withTimeLimit(clock, 5_000, call))[0]?.failure;
    } catch (thrown) {
      failure = toSqsError(thrown);
    }
    if (failure === undefined) return true;
    host.failed(failure, delivery);
    if (failure.kind === 'permanent') return false;
    if (failure.kind === 'credentials') await newCredentials(transport, clock);
    await delay(clock, callRetryMs(failure.kind, failures, host.random), over);
  }
  return false;
}
