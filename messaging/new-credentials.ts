import type { Clock } from './clock';
import { withTimeLimit } from './time-limit';
import type { SqsTransport } from './transport';

/** A provider that hangs (instance metadata that does not answer) must not hold what waits for it. */
const LIMIT_MS = 5_000;

/** Has the transport fetch credentials anew. Never rejects. @returns why there are none; undefined when there are */
export async function newCredentials(transport: SqsTransport, clock: Clock): Promise<unknown> {
  try {
    if (transport.refreshCredentials) await withTimeLimit(clock, LIMIT_MS, transport.refreshCredentials());
    return undefined;
  } catch (error) {
    return error;
  }
}
