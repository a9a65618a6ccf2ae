import { z } from 'zod';
import {
  Consumer,
  MemoryIdempotencyStore,
  OptionsError,
  ReleaseError,
  type IdempotencyOptions,
  type Logger,
} from '../../messaging';
import { World, type Worker } from '../support/consumer-world';
import { StrictSqs } from '../support/strict-sqs';
import { StrictTransport } from '../support/strict-transport';
import { ProcessClock, VirtualClock } from '../support/virtual-clock';

const calls = (worker: Worker, operation: string) => worker.transport.calls.filter((c) => c.operation === operation);

describe('Consumer', () => {
  test('renews every lease before its deadline, for as long as the work takes (I7)', async () => {
    const world = new World({ work: () => ({ ms: 600_000 }), consumer: { concurrency: 25 } });
    world.send(25);
    const worker = world.spawn();
    expect(await world.untilDone(700_000)).toBe(true);
    expect(worker.consumer.stats().counters).toMatchObject({ leasesLost: 0, received: 25, succeeded: 25 });
    expect(world.runs).toHaveLength(25);
  });

  test('sends at most ceil(live / 10) heartbeats per third of the visibility, + 1 (I12)', async () => {
    const world = new World({ work: () => ({ ms: 600_000 }), consumer: { concurrency: 25 } });
    const worker = world.spawn();
    for (let i = 0; i < 25; i++) {
      world.send(1);
      await world.clock.advance(700);
    }
    await world.clock.advance(300_000);
    const times = calls(worker, 'change').map((c) => c.atMs);
    expect(times.length).toBeGreaterThan(20);
    for (const start of times) {
      expect(times.filter((t) => t >= start && t < start + 10_000).length).toBeLessThanOrEqual(Math.ceil(25 / 10) + 1);
    }
  });

  test('lets go of a message before the 12 hours of SQS end, and never asks for more', async () => {
    const world = new World({ work: () => ({ ms: 50_000_000 }), consumer: { visibilityTimeoutSeconds: 3_600 } });
    world.send(1);
    const worker = world.spawn();
    await world.clock.advance(43_250_000);
    expect(worker.consumer.stats().counters.leasesLost).toBe(1);
    expect(world.queue.violations).toEqual([]);
  });

  test('gives back what a receive brings after it was given up', async () => {
    let first = true;
    const world = new World({ latencyMs: 3_000, fault: () => (first ? ((first = false), 'delay') : 'none') });
    world.send(4);
    // 3 s there, 6 s back: the first receive has 5 s, and its four messages come when nothing is reserved for them.
    world.spawn({ visibilityTimeoutSeconds: 600 });
    expect(await world.untilDone(120_000)).toBe(true);
    expect(world.broken).toEqual([]);
  });

  test('never runs one message twice at once, even when its handler goes on after the lease was lost (I5)', async () => {
    const world = new World({
      fault: (operation, atMs) => (operation === 'change' && atMs < 31_000 ? 'error500' : 'none'),
    });
    world.send(1);
    let runs = 0;
    let running = 0;
    let most = 0;
    const worker = world.spawn({
      concurrency: 10,
      // Deaf to its signal: the message comes back while this still runs.
      handler: async () => {
        runs += 1;
        most = Math.max(most, (running += 1));
        await new Promise<void>((resolve) => void worker.process.setTimer(90_000, resolve));
        running -= 1;
      },
    });
    await world.clock.advance(60_000);
    const { counters } = worker.consumer.stats();
    expect(counters).toMatchObject({ leasesLost: 1, succeeded: 0, duplicates: 0 });
    expect(counters.received).toBeGreaterThan(1);
    expect(await world.untilDone(600_000)).toBe(true);
    expect({ runs, most }).toEqual({ runs: 2, most: 1 });
  });

  test('starts nothing whose lease ended while the event loop stood still (I4, I5)', async () => {
    const world = new World({
      // Ends before the first heartbeat is due, so that its end is what the process sees first.
      work: () => ({ ms: 3_000 }),
      consumer: { prefetch: 1, visibilityTimeoutSeconds: 5 },
    });
    world.send(2);
    const stalled = world.spawn();
    await world.clock.advance(1_000);
    stalled.process.stall(10_000);
    world.spawn();
    expect(await world.untilDone(60_000)).toBe(true);
    expect(world.runs.filter((r) => r.worker === 0)).toHaveLength(1);
    expect(world.broken).toEqual([]);
  });

  test('holds a message that SQS delivers twice once, with the newer handle (I5)', async () => {
    const world = new World({
      work: () => ({ ms: 2_000 }),
      fault: (operation) => (operation === 'receive' ? 'duplicate' : 'none'),
      consumer: { concurrency: 10 },
    });
    world.send(2);
    const worker = world.spawn();
    await world.clock.advance(500);
    world.send(2);
    expect(await world.untilDone(60_000)).toBe(true);
    expect(worker.consumer.stats().counters.duplicates).toBeGreaterThan(0);
    expect(world.runs).toHaveLength(4);
    expect(world.broken).toEqual([]);
  });

  test('says once and loudly that access is denied, and recovers', async () => {
    const errors: object[] = [];
    const logger: Logger = { debug() {}, info() {}, warn() {}, error: (fields) => void errors.push(fields) };
    const world = new World({ fault: (_, atMs) => (atMs < 100_000 ? 'accessDenied' : 'none') });
    const worker = world.spawn({ logger });
    await world.clock.advance(100_000);
    expect(errors).toEqual([expect.objectContaining({ operation: 'receive', code: 'AccessDenied' })]);
    expect(worker.consumer.ready).toBe(false);
    await world.clock.advance(120_000);
    expect(worker.consumer.ready).toBe(true);
  });

  test('does not receive more while it may not delete', async () => {
    const world = new World({ fault: (operation) => (operation === 'delete' ? 'accessDenied' : 'none') });
    world.send(1_000);
    const worker = world.spawn();
    await world.clock.advance(120_000);
    expect(worker.consumer.ready).toBe(false);
    expect(world.runs.length).toBeLessThan(250);
    expect(calls(worker, 'delete').length).toBeLessThan(400);
  });

  test('asks for new credentials when the old ones are expired', async () => {
    const world = new World({ fault: (_, atMs) => (atMs < 1_000 ? 'expiredToken' : 'none') });
    world.send(1);
    const worker = world.spawn();
    expect(await world.untilDone(30_000)).toBe(true);
    expect(worker.transport.refreshes).toBeGreaterThan(0);
  });

  test('keeps a failed message away by its backoff, longer each time (I18)', async () => {
    const world = new World({ work: (_, run) => ({ ms: 1, ...(run < 6 && { fail: 'error' }) }) });
    world.send(1);
    const worker = world.spawn();
    expect(await world.untilDone(600_000)).toBe(true);
    const seconds = calls(worker, 'change').flatMap((c) => c.seconds);
    expect(seconds).toHaveLength(5);
    expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
  });

  test('quarantines poison with its reason, and deletes it only then', async () => {
    const world = new World({
      work: () => ({ ms: 1, fail: 'poison' }),
      fault: (operation, atMs) => (operation === 'send' && atMs < 20_000 ? 'error500' : 'none'),
    });
    world.send(1);
    world.spawn();
    await world.clock.advance(19_000);
    expect(world.queue.messages.size).toBe(1);
    expect(await world.untilDone(30_000)).toBe(true);
    const [dead] = world.dead.messages.values();
    expect(dead?.attributes).toMatchObject({
      'QueueFleet.Reason': { value: 'poison' },
      'QueueFleet.Error': { value: 'PermanentError' },
    });
    expect(world.runs).toHaveLength(1);
    expect(world.broken).toEqual([]);
  });

  test('keeps poison away by the longest backoff when there is no dead-letter queue', async () => {
    const world = new World({ work: () => ({ ms: 1, fail: 'poison' }) });
    world.send(1);
    const worker = world.spawn({ deadLetterQueueUrl: undefined as never, backoff: { maxSeconds: 300 } });
    await world.clock.advance(250_000);
    expect(world.runs).toHaveLength(1);
    expect(calls(worker, 'change').at(-1)?.seconds).toEqual([300]);
  });

  test('deletes a message that was done before instead of running it (I17)', async () => {
    const world = new World({
      fault: (operation, atMs) => (operation === 'delete' && atMs < 15_000 ? 'stale' : 'none'),
    });
    const store = new MemoryIdempotencyStore({ clock: world.clock });
    world.send(1);
    const worker = world.spawn({ idempotency: { store } });
    expect(await world.untilDone(120_000)).toBe(true);
    expect(world.runs).toHaveLength(1);
    expect(worker.consumer.stats().counters.duplicates).toBeGreaterThan(0);
  });

  test('holds a FIFO group while its head is tried again here, and others go on', async () => {
    const world = new World({
      fifo: true,
      work: (message, run) => ({ ms: 5, ...(message.body === 'body 0' && run <= 2 && { fail: 'error' }) }),
      consumer: { concurrency: 1 },
    });
    world.send(6, 2);
    const worker = world.spawn();
    expect(await world.untilDone(60_000)).toBe(true);
    const order = world.runs.map((r) => world.sent.indexOf(r.messageId));
    expect(order.slice(0, 4)).toEqual([0, 1, 3, 5]);
    expect(order.filter((i) => i % 2 === 0)).toEqual([0, 0, 0, 2, 4]);
    expect(calls(worker, 'change')).toHaveLength(0);
  });

  test('stops the line: not even poison is passed by', async () => {
    const world = new World({
      fifo: true,
      work: (message, run) => ({ ms: 5, ...(message.body === 'body 0' && run <= 20 && { fail: 'poison' }) }),
      consumer: { stopTheLine: true, backoff: { maxSeconds: 5 } },
    });
    world.send(3, 1);
    world.spawn();
    expect(await world.untilDone(200_000)).toBe(true);
    expect(world.dead.messages.size).toBe(0);
    expect(world.broken).toEqual([]);
  });

  test('repeats an unanswered FIFO receive with the same attempt id, and gets the same messages', async () => {
    let once = true;
    const world = new World({
      fifo: true,
      fault: (operation) => (operation === 'receive' && once ? ((once = false), 'dropAfter') : 'none'),
    });
    world.send(3, 1);
    world.spawn();
    // Without the id the group would be locked for 30 s.
    expect(await world.untilDone(5_000)).toBe(true);
  });

  test('gives a message back at once on ReleaseError', async () => {
    const world = new World();
    let runs = 0;
    world.send(1);
    const worker = world.spawn({
      handler: async () => {
        if (++runs === 1) throw new ReleaseError('not now');
      },
    });
    await world.clock.advance(3_000);
    expect(runs).toBe(2);
    expect(calls(worker, 'change').map((c) => c.seconds)).toEqual([[0]]);
  });

  test('survives an observer and a logger-visible codec that throw', async () => {
    const world = new World();
    world.send(1);
    const throwing = (): never => {
      throw new Error('observer');
    };
    const worker = world.spawn({
      observer: { received: throwing, started: throwing, finished: throwing, deleted: throwing },
    });
    await world.clock.advance(5_000);
    expect(worker.consumer.stats().counters.deleted).toBe(1);
  });

  test('fails when options are wrong, with all of them at once', () => {
    const make = () =>
      new Consumer({
        sqs: undefined as never,
        queueUrl: 'queue',
        concurrency: 0,
        visibilityTimeoutSeconds: 1.5,
        waitTimeSeconds: 21,
        backoff: { jitter: 2 },
        stopTheLine: true,
      });
    expect(make).toThrow(OptionsError);
    try {
      make();
    } catch (error) {
      const { violations } = error as OptionsError;
      expect(violations.join('\n')).toMatch(/'concurrency' \(0 handler calls\) must be a whole number from 1/);
      expect(violations.join('\n')).toMatch(/'waitTimeSeconds' \(21 seconds\)/);
      expect(violations).toHaveLength(8);
    }
  });
});

describe('typed bodies', () => {
  test('gives the handler what its schema makes of the body, and quarantines what does not fit', async () => {
    const clock = new VirtualClock();
    const dead = new StrictSqs({ clock });
    const queue = new StrictSqs({ clock });
    const sqs = new StrictTransport({
      world: clock,
      process: new ProcessClock(clock),
      queues: { 'https://sqs.test/1/queue': queue, 'https://sqs.test/1/dead': dead },
      fault: () => 'none',
    });
    const seen: number[] = [];
    for (const body of ['{"n": 7}', '{"n": "seven"}', 'no JSON']) queue.send({ body });
    new Consumer({
      sqs,
      clock,
      queueUrl: 'https://sqs.test/1/queue',
      deadLetterQueueUrl: 'https://sqs.test/1/dead',
      schema: z.object({ n: z.number() }),
      handler: async ({ body }) => void seen.push(body.n),
    }).start();
    await clock.advance(5_000);
    expect(seen).toEqual([7]);
    expect(queue.messages.size).toBe(0);
    expect([...dead.messages.values()].map((m) => m.attributes['QueueFleet.Error']?.value)).toEqual([
      'SchemaError',
      'SchemaError',
    ]);
  });

  test('make the idempotency key, of what the schema made of the body', async () => {
    const clock = new VirtualClock();
    const queue = new StrictSqs({ clock });
    const process = new ProcessClock(clock);
    const queueUrl = 'https://sqs.test/1/queue';
    const sqs = new StrictTransport({ world: clock, process, queues: { [queueUrl]: queue }, fault: () => 'none' });
    const seen: number[] = [];
    for (const body of ['{"order": " a ", "n": 1}', '{"n": 2, "order": "a"}']) queue.send({ body });
    const store = new MemoryIdempotencyStore({ clock });
    new Consumer({
      sqs,
      clock,
      queueUrl,
      schema: z.object({ order: z.string().trim(), n: z.number() }),
      // The type of `body` is inferred from the schema.
      idempotency: { store, key: ({ body }) => body.order },
      handler: async ({ body }) => void seen.push(body.n),
    }).start();
    await clock.advance(5_000);
    expect(seen).toHaveLength(1);
    expect(queue.messages.size).toBe(0);
    expect(await store.begin('a', { owner: 'another', leaseUntilMs: Infinity })).toBe('done');
  });

  test('are text for the idempotency key when there is no schema', () => {
    const options: IdempotencyOptions = { store: new MemoryIdempotencyStore(), key: ({ body }) => body.trim() };
    // @ts-expect-error -- a key of texts does not fit a schema's bodies
    const wrong: IdempotencyOptions<{ readonly order: string }> = options;
    expect(wrong).toBe(options);
  });
});
