import { MemoryIdempotencyStore, Producer, type BodyCodec } from '../../messaging';
import { World, type Worker } from '../support/consumer-world';
import { settlePromises } from '../support/virtual-clock';

/** Defects that were reproduced in other libraries. Each test is named by what happened there, and shows that it does not here. */

const calls = (worker: Worker, operation: string) => worker.transport.calls.filter((c) => c.operation === operation);

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => process.on('unhandledRejection', note));
afterEach(async () => {
  await settlePromises();
  expect(unhandled.splice(0)).toEqual([]);
});
afterAll(() => process.off('unhandledRejection', note));

describe('sqs-consumer 15', () => {
  test('one slow message holds nine fast ones', async () => {
    const world = new World({
      work: (message) => ({ ms: Number(message.body.slice(5)) % 10 === 0 ? 2_000 : 20 }),
      consumer: { concurrency: 10 },
    });
    world.send(100);
    world.spawn();
    expect(await world.untilDone(60_000)).toBe(true);
    const lastStartMs = Math.max(...world.runs.map((r) => r.startedAtMs));
    expect(lastStartMs).toBeLessThan(3_500);
    expect(world.broken).toEqual([]);
  });

  test('a KMS access error causes 243 receives a second', async () => {
    const world = new World({ fault: () => 'accessDenied' });
    const worker = world.spawn();
    await world.clock.advance(10_000);
    const before = calls(worker, 'receive').length;
    await world.clock.advance(60_000);
    expect(calls(worker, 'receive').length - before).toBeLessThanOrEqual(60);
    expect(worker.consumer.ready).toBe(false);
  });

  test('stopped fires with 0 of 5 handlers finished', async () => {
    const world = new World({ work: () => ({ ms: 5_000 }), consumer: { concurrency: 5 } });
    world.send(5);
    const { consumer } = world.spawn();
    await world.clock.advance(100);
    const drained = consumer.drain({ budgetMs: 60_000 });
    await world.clock.advance(60_000);
    expect(await drained).toMatchObject({ clean: true, finished: 5, aborted: 0, undeleted: 0 });
    expect(world.queue.messages.size).toBe(0);
  });

  test('stop with abort swallows the deletes of finished work', async () => {
    const world = new World({ work: (_, run) => ({ ms: run * 30 }), consumer: { concurrency: 5 } });
    world.send(5);
    const { consumer } = world.spawn();
    await world.clock.advance(50);
    // All are finished, and their deletes linger.
    expect(consumer.stats()).toMatchObject({ running: 0, acking: 5 });
    const drained = consumer.drain({ budgetMs: 2_000, graceMs: 2_000 });
    await world.clock.advance(2_000);
    expect((await drained).undeleted).toBe(0);
    expect(world.queue.messages.size).toBe(0);
  });

  test('a failed heartbeat with no listener exits the process', async () => {
    const world = new World({
      work: () => ({ ms: 120_000 }),
      fault: (operation) => (operation === 'change' ? 'error500' : 'none'),
    });
    world.send(1);
    const { consumer } = world.spawn({ observer: {} });
    await world.clock.advance(60_000);
    expect(consumer.stats().counters.leasesLost).toBeGreaterThan(0);
  });

  test('ten messages of one FIFO group run at once', async () => {
    const world = new World({ fifo: true, work: () => ({ ms: 100 }), consumer: { concurrency: 10 } });
    world.send(10, 1);
    world.spawn();
    expect(await world.untilDone(60_000)).toBe(true);
    expect(world.runs.map((r) => r.messageId)).toEqual(world.sent);
    expect(world.broken).toEqual([]);
  });

  test('a handler timeout leaves the work running, and the message runs several times at once', async () => {
    const world = new World();
    let atOnce = 0;
    let most = 0;
    let stop = (): void => {};
    world.send(1);
    world.spawn({
      concurrency: 5,
      handlerTimeoutSeconds: 1,
      // Does not listen to its signal.
      handler: async () => {
        most = Math.max(most, ++atOnce);
        await new Promise<void>((resolve) => (stop = resolve));
        atOnce -= 1;
      },
    });
    await world.clock.advance(300_000);
    expect(most).toBe(1);
    expect(world.queue.inFlight).toHaveLength(1);
    stop();
  });

  test.each(['blackHole', 'blackHoleAfter'] as const)('a black-holed socket hangs it for ever (%s)', async (fault) => {
    let holes = 1;
    const world = new World({ fault: (operation) => (operation === 'receive' && holes-- > 0 ? fault : 'none') });
    world.send(1);
    world.spawn({ waitTimeSeconds: 20 });
    // The first receive does not wait, so 5 s are its limit; a message that it took is hidden for 30 s more.
    expect(await world.untilDone(fault === 'blackHole' ? 7_000 : 32_000)).toBe(true);
  });
});

describe('squiss-ts 5.6', () => {
  test('430 ChangeMessageVisibility a second for one message with a visibility of at most 5 seconds', async () => {
    const world = new World({ work: () => ({ ms: 60_000 }), consumer: { visibilityTimeoutSeconds: 3 } });
    world.send(1);
    const worker = world.spawn();
    expect(await world.untilDone(90_000)).toBe(true);
    expect(calls(worker, 'change').length).toBeLessThanOrEqual(60);
    expect(worker.consumer.stats().counters.leasesLost).toBe(0);
  });

  test('del() never settles after a failed batch', async () => {
    let failures = 3;
    const world = new World({ fault: (operation) => (operation === 'delete' && failures-- > 0 ? 'error500' : 'none') });
    world.send(3);
    const worker = world.spawn();
    expect(await world.untilDone(10_000)).toBe(true);
    await world.clock.advance(10);
    expect(worker.consumer.stats()).toMatchObject({ acking: 0, counters: { deleted: 3 } });
  });

  test('duplicates from its own delete delay', async () => {
    // The delete would linger for 10 s, the lease has 2 s: the batch goes out before the lease ends, or is renewed.
    const world = new World({ consumer: { visibilityTimeoutSeconds: 2, deleteLingerMs: 10_000 } });
    world.send(1);
    world.spawn();
    await world.clock.advance(30_000);
    expect(world.runs).toHaveLength(1);
    expect(world.queue.messages.size).toBe(0);
  });

  test('FIFO order is broken after a failure', async () => {
    const world = new World({
      fifo: true,
      work: (message, run) => ({ ms: 5, ...(message.body === 'body 1' && run <= 4 && { fail: 'error' }) }),
      consumer: { concurrency: 4 },
    });
    world.send(6, 1);
    world.spawn();
    expect(await world.untilDone(120_000)).toBe(true);
    const [first, second, ...rest] = world.sent;
    expect(world.runs.map((r) => r.messageId)).toEqual([first, second, second, second, second, second, ...rest]);
    expect(world.broken).toEqual([]);
  });

  test('the payload is deleted before the message', async () => {
    const world = new World({
      fault: (operation, atMs) => (operation === 'delete' && atMs < 5_000 ? 'error500' : 'none'),
    });
    const order: string[] = [];
    const claimCheck: BodyCodec = {
      decode: async (body) => body,
      afterDelete: async ({ messageId }) => void order.push(world.queue.messages.has(messageId) ? 'early' : 'late'),
    };
    world.send(2);
    world.spawn({ claimCheck });
    await world.clock.advance(5_000);
    expect(order).toEqual([]);
    expect(await world.untilDone(30_000)).toBe(true);
    await world.clock.advance(10);
    expect(order).toEqual(['late', 'late']);
  });
});

describe('sqs-producer 8', () => {
  const producerWorld = () => {
    const world = new World();
    const { transport } = world.spawn();
    return { world, producer: new Producer({ sqs: transport, queueUrl: world.queueUrl, clock: world.clock }) };
  };

  test('text with a space and equal strings in one batch fail', async () => {
    const { world, producer } = producerWorld();
    const sent = Promise.all(['a b', 'a b', 'é/?'].map((body) => producer.send({ body })));
    await world.clock.advance(100);
    expect(new Set((await sent).map((s) => s.messageId)).size).toBe(3);
  });

  test('no packing by size', async () => {
    const { world, producer } = producerWorld();
    const body = 'x'.repeat(400_000);
    const sent = Promise.all(Array.from({ length: 5 }, () => producer.send({ body })));
    await world.clock.advance(1_000);
    await sent;
    expect(world.queue.violations).toEqual([]);
  });
});

describe('powertools idempotency', () => {
  test('off Lambda an in-progress record has no lease', async () => {
    const world = new World({ consumer: { visibilityTimeoutSeconds: 10 } });
    const store = new MemoryIdempotencyStore({ clock: world.clock });
    // A dead process began this one, 20 s before its lease would have ended.
    await store.begin('message-1', { owner: 'dead', leaseUntilMs: world.clock.wallClock() + 20_000 });
    world.send(1);
    world.spawn({ idempotency: { store } });
    await world.clock.advance(19_000);
    expect(world.runs).toHaveLength(0);
    await world.clock.advance(10_000);
    expect(world.runs).toHaveLength(1);
    expect(world.queue.messages.size).toBe(0);
  });

  test('its writes are not fenced', async () => {
    const world = new World();
    const store = new MemoryIdempotencyStore({ clock: world.clock });
    const now = world.clock.wallClock();
    await store.begin('key', { owner: 'late', leaseUntilMs: now + 1_000 });
    await world.clock.advance(2_000);
    expect(await store.begin('key', { owner: 'new', leaseUntilMs: now + 10_000 })).toBe('started');
    expect(await store.complete('key', 'late')).toBe(false);
    await store.release('key', 'late');
    expect(await store.begin('key', { owner: 'third', leaseUntilMs: now + 10_000 })).toEqual({
      busyUntilMs: now + 10_000,
    });
  });
});
