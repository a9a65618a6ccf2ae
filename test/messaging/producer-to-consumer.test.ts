import { ClaimCheck, Consumer, Producer } from '../../messaging';
import { FakeS3 } from '../support/fake-s3';
import fc, { runs } from '../support/properties';
import { StrictSqs } from '../support/strict-sqs';
import { StrictTransport, type Fault } from '../support/strict-transport';
import { ProcessClock, VirtualClock } from '../support/virtual-clock';

const fault = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fault>('none') },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Fault>(
      'dropBefore',
      'dropAfter',
      'delay',
      'error500',
      'throttle',
      'expiredToken',
      'blackHole',
      'blackHoleAfter',
    ),
  },
  { weight: 1, arbitrary: fc.constant<Fault>('partial') },
);

describe.each([
  ['standard', false],
  ['FIFO', true],
])('from a producer through a %s queue to a consumer, under faults', (_name, fifo) => {
  test('I1, I9, I10, I15: what was sent is handled, in order, and no body is gone before its message', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ group: fc.nat(2), large: fc.boolean() }), { minLength: 1, maxLength: 25 }),
        fc.array(fault, { maxLength: 40 }),
        async (messages, faults) => {
          const clock = new VirtualClock();
          const process = new ProcessClock(clock);
          const queueUrl = `https://sqs.test/1/jobs${fifo ? '.fifo' : ''}`;
          const deadLetterQueueUrl = `https://sqs.test/1/dead${fifo ? '.fifo' : ''}`;
          const dead = new StrictSqs({ clock, fifo });
          const queue = new StrictSqs({ clock, fifo, deadLetterQueue: dead });
          const left = [...faults];
          const queues = { [queueUrl]: queue, [deadLetterQueueUrl]: dead };
          const sqs = new StrictTransport({ world: clock, process, queues, fault: () => left.shift() ?? 'none' });
          const s3 = new FakeS3();
          const claimCheck = new ClaimCheck({ s3: s3.client, bucket: 'b', thresholdBytes: 20 });
          const random = (): number => 0.5;
          const producer = new Producer({ sqs, queueUrl, claimCheck, clock: process, random });
          const handled: string[] = [];
          const consumer = new Consumer({
            sqs,
            queueUrl,
            deadLetterQueueUrl,
            claimCheck,
            concurrency: 3,
            clock: process,
            random,
            handler: async ({ body }) => void handled.push(body.trimEnd()),
          });
          consumer.start();
          const ids = messages.map(({ group }, n) => `${group}/${String(n).padStart(2, '0')}`);
          const results: string[] = [];
          const sending = producer.sendBatch(
            messages.map(({ group, large }, n) => ({
              body: (ids[n] ?? '').padEnd(large ? 100 : 1),
              ...(fifo && { groupId: `g${group}`, deduplicationId: `d${n}` }),
            })),
          );
          void sending.then((all) => results.push(...all.map((r) => (r.ok ? 'ok' : r.error.code))));
          await clock.runUntil(() => results.length > 0 && queue.messages.size === 0, clock.now() + 600_000);
          let drained = false;
          void consumer.drain({ budgetMs: 60_000 }).then(() => (drained = true));
          await clock.runUntil(() => drained, clock.now() + 120_000);

          expect(results).toHaveLength(ids.length);
          results.forEach((result, n) => {
            expect(fifo ? ['ok', 'Overtaken'] : ['ok']).toContain(result);
            if (result === 'ok') expect(handled).toContain(ids[n]);
          });
          expect([...queue.violations, ...dead.violations]).toEqual([]);
          expect(queue.messages.size).toBe(0);
          // A missing body would have been quarantined. The other way round a lost answer may leave an object behind.
          expect(dead.messages.size).toBe(0);
          if (!fifo) return;
          for (const group of [0, 1, 2]) {
            const first = [...new Set(handled.filter((id) => id.startsWith(`${group}/`)))];
            expect(first).toEqual(first.toSorted());
          }
        },
      ),
      { numRuns: runs(80) },
    );
  });
});

test('I9: attributes count as much as bodies when requests are packed', async () => {
  const clock = new VirtualClock();
  const process = new ProcessClock(clock);
  const queueUrl = 'https://sqs.test/1/jobs';
  const queue = new StrictSqs({ clock });
  const sqs = new StrictTransport({ world: clock, process, queues: { [queueUrl]: queue }, fault: () => 'none' });
  const producer = new Producer({ sqs, queueUrl, clock: process });
  const half = 'x'.repeat(150_000);
  const messages = [0, 1, 2, 3, 4].map(() => ({ body: half, attributes: { half, key: Buffer.alloc(1_000) } }));
  let sent = 0;
  void producer.sendBatch(messages).then((results) => (sent = results.filter((r) => r.ok).length));
  await clock.advance(5_000);
  expect(sent).toBe(5);
  expect(queue.violations).toEqual([]);
  // Three of 301 kB fit into 1 MiB; by their bodies alone all five would.
  expect(sqs.calls.filter((c) => c.operation === 'send')).toHaveLength(2);
});
