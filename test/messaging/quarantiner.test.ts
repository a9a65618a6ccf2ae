import type { SqsTransport } from '../../messaging';
import { Delivery } from '../../messaging/delivery';
import { leaseAfterReceive } from '../../messaging/lease';
import { quarantine } from '../../messaging/quarantiner';
import { SqsError, type SqsErrorKind } from '../../messaging/sqs-errors';
import { ManualClock, turns } from '../support/manual-clock';

/** A quarantine of one message whose lease is over after 30 s; every send fails as `kind`. */
function setUp(kind: SqsErrorKind, refreshCredentials?: () => Promise<void>) {
  const clock = new ManualClock();
  const sentAtMs: number[] = [];
  const sendBatch = async (): Promise<never> => {
    sentAtMs.push(clock.now());
    throw new SqsError(kind, 'Injected', 'injected');
  };
  const transport = { sendBatch, refreshCredentials } as unknown as SqsTransport;
  const message = { messageId: 'm', receiptHandle: 'h', body: 'b', attributes: {}, receiveCount: 1, sentAtMs: 0 };
  const lease = leaseAfterReceive('h', 0, 0, { visibilityMs: 30_000, roundTripMs: 0 });
  const over = new AbortController();
  const host = { transport, deadLetterQueueUrl: 'https://sqs/1/dead', clock, random: () => 1, failed: () => {} };
  const sent = quarantine({ ...host, over: over.signal }, new Delivery(message, lease, 0), new Error('poison'));
  return { clock, sentAtMs, over, sent };
}

describe('quarantine', () => {
  test('ends with the lease, also when nobody has noticed that it is over', async () => {
    const { clock, sentAtMs, sent } = setUp('throttled');
    await clock.advance(120_000);
    expect(await sent).toBe(false);
    expect(sentAtMs.length).toBeGreaterThan(3);
    expect(Math.max(...sentAtMs)).toBeLessThan(30_000);
    expect(clock.pendingTimers).toBe(0);
  });

  test('ends at once when the drain is over', async () => {
    const { clock, sentAtMs, over, sent } = setUp('throttled');
    await clock.advance(5_000);
    const before = sentAtMs.length;
    over.abort();
    expect(await sent).toBe(false);
    expect(sentAtMs).toHaveLength(before);
    expect(clock.pendingTimers).toBe(0);
  });

  test('goes on when the provider of new credentials hangs', async () => {
    const { clock, sentAtMs } = setUp('credentials', () => new Promise(() => {}));
    await turns();
    expect(sentAtMs).toHaveLength(1);
    await clock.advance(6_000);
    expect(sentAtMs).toHaveLength(2);
  });
});
