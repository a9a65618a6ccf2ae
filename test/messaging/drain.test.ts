import { OptionsError } from '../../messaging';
import { World, type Worker } from '../support/consumer-world';

describe('drain of a FIFO consumer', () => {
  test('does not wait for a head between two tries that has nothing behind it, and leaves no timer', async () => {
    const world = new World({
      fifo: true,
      work: () => ({ ms: 10, fail: 'error' }),
      consumer: { waitTimeSeconds: 0, backoff: { baseSeconds: 600 } },
    });
    world.send(1);
    const worker = world.spawn();
    await world.clock.advance(500);
    expect(worker.consumer.stats()).toMatchObject({ running: 0, buffered: 1 });
    const drained = worker.consumer.drain({ budgetMs: 60_000 });
    await world.clock.advance(5_000);
    const report = await drained;
    expect(report).toMatchObject({ clean: true, released: 1 });
    expect(report.durationMs).toBeLessThan(1_000);
    expect(worker.consumer.stats()).toMatchObject({ buffered: 0 });
    expect(world.clock.pendingTimers).toBe(0);
  });

  test('does not try a head again while what is behind it goes back', async () => {
    const world = new World({
      fifo: true,
      latencyMs: 50,
      work: () => ({ ms: 10, fail: 'error' }),
      consumer: { waitTimeSeconds: 0, backoff: { baseSeconds: 2, jitter: 0 } },
    });
    world.send(3);
    const worker = world.spawn();
    // The head failed at 110 ms and is to run again at 2110 ms, in the middle of the releases.
    await world.clock.advance(2_060);
    expect(worker.consumer.stats()).toMatchObject({ running: 0, buffered: 3 });
    const drained = worker.consumer.drain({ budgetMs: 60_000 });
    await world.clock.advance(60_000);
    expect(await drained).toMatchObject({ clean: true, released: 3 });
    expect(world.queue.inFlight).toHaveLength(0);
    expect(world.broken).toEqual([]);
  });
});

describe('the end of a drain', () => {
  const after = (worker: Worker, atMs: number) => worker.transport.calls.filter((c) => c.atMs > atMs);

  test.each(['error500', 'throttle'] as const)(
    'gives back poison that the dead-letter queue did not take, and sends it no more (%s)',
    async (fault) => {
      const world = new World({
        work: () => ({ ms: 10, fail: 'poison' }),
        fault: (operation) => (operation === 'send' ? fault : 'none'),
        consumer: { waitTimeSeconds: 0 },
      });
      world.send(1);
      const worker = world.spawn();
      await world.clock.advance(1_000);
      const drained = worker.consumer.drain({ budgetMs: 10_000, graceMs: 2_000 });
      await world.clock.advance(10_000);
      expect(await drained).toMatchObject({ clean: true, released: 1 });
      expect(after(worker, 9_999).map((c) => c.operation)).toEqual(['change']);
      await world.clock.advance(120_000);
      expect(after(worker, 11_000)).toEqual([]);
      expect(world.clock.pendingTimers).toBe(0);
    },
  );

  test('lets nothing be repeated: neither deletes nor releases', async () => {
    const world = new World({
      work: ({ body }) => ({ ms: 10, ...(body === 'body 0' && { fail: 'error' as const }) }),
      fault: (operation) => (operation === 'delete' || operation === 'change' ? 'throttle' : 'none'),
      consumer: { waitTimeSeconds: 0, concurrency: 2, deleteLingerMs: 0, backoff: { baseSeconds: 900 } },
    });
    world.send(2);
    const worker = world.spawn({ visibilityTimeoutSeconds: 600 });
    await world.clock.advance(1_000);
    const drained = worker.consumer.drain({ budgetMs: 3_000 });
    await world.clock.advance(3_000);
    expect(await drained).toMatchObject({ clean: false, undeleted: 1 });
    await world.clock.advance(120_000);
    // What was on its way at the end may be answered, nothing new is sent.
    expect(after(worker, 4_000)).toEqual([]);
    expect(world.clock.pendingTimers).toBe(0);
  });
});

describe('the times of a drain', () => {
  test.each([[undefined], [0], [60_000], [Infinity]])(
    'a budget without an end waits until all is done and tells nobody to stop, whatever the grace (%p ms)',
    async (graceMs) => {
      const world = new World({ work: () => ({ ms: 7_200_000 }), consumer: { waitTimeSeconds: 0 } });
      world.send(1);
      const worker = world.spawn();
      await world.clock.advance(1_000);
      const drained = worker.consumer.drain({ budgetMs: Infinity, ...(graceMs !== undefined && { graceMs }) });
      await world.clock.advance(7_300_000);
      expect(await drained).toMatchObject({ clean: true, finished: 1, aborted: 0, abandoned: 0, undeleted: 0 });
      expect(world.queue.messages.size).toBe(0);
      expect(world.clock.pendingTimers).toBe(0);
    },
  );

  test('a grace that is longer than the budget tells handlers at once', async () => {
    const world = new World({ work: () => ({ ms: 7_200_000 }), consumer: { waitTimeSeconds: 0 } });
    world.send(1);
    const worker = world.spawn();
    await world.clock.advance(1_000);
    const drained = worker.consumer.drain({ budgetMs: 10_000, graceMs: Infinity });
    await world.clock.advance(500);
    expect(await drained).toMatchObject({ clean: true, aborted: 1 });
  });

  test.each([
    [{ budgetMs: NaN }, [/^'budgetMs' \(NaN milliseconds\)/]],
    [{ budgetMs: -1 }, [/^'budgetMs' \(-1 milliseconds\)/]],
    [{ budgetMs: '30000' as never }, [/^'budgetMs' \(30000 milliseconds\) must be a number/]],
    [{ budgetMs: 1_000, graceMs: NaN }, [/^'graceMs' \(NaN milliseconds\)/]],
    [{ budgetMs: -Infinity, graceMs: -1 }, [/^'budgetMs' \(-Infinity/, /^'graceMs' \(-1/]],
  ])('fails when a time is %p, and does not drain', async (times, violations) => {
    const world = new World({ consumer: { waitTimeSeconds: 0 } });
    const { consumer } = world.spawn();
    let thrown: unknown;
    try {
      void consumer.drain(times);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(OptionsError);
    expect((thrown as OptionsError).violations).toEqual(violations.map((text) => expect.stringMatching(text)));
    expect(consumer.stats().draining).toBe(false);
    world.send(1);
    await world.clock.advance(2_000);
    expect(world.queue.messages.size).toBe(0);
    await world.drainAll();
  });
});

describe('drain of a standard consumer', () => {
  test('gives back unstarted messages at visibility 0 and finishes the rest when drained (I8)', async () => {
    const world = new World({ work: () => ({ ms: 3_000 }), consumer: { concurrency: 2, prefetch: 8 } });
    world.send(10);
    const worker = world.spawn();
    await world.clock.advance(100);
    const drained = worker.consumer.drain({ budgetMs: 30_000 });
    await world.clock.advance(100);
    expect(world.queue.inFlight).toHaveLength(2);
    await world.clock.advance(30_000);
    expect(await drained).toMatchObject({ clean: true, finished: 2, released: 8, aborted: 0, receiving: 0 });
    expect(world.queue.inFlight).toHaveLength(0);
    expect(world.queue.messages.size).toBe(8);
  });

  test('does not hang up on a long poll when drained, and gives its messages back', async () => {
    const world = new World();
    const worker = world.spawn();
    await world.clock.advance(5_000);
    expect(world.queue.longPolls).toBe(1);
    const drained = worker.consumer.drain({ budgetMs: 60_000 });
    await world.clock.advance(1_000);
    expect(world.queue.longPolls).toBe(1);
    world.send(1);
    await world.clock.advance(1_000);
    expect(world.queue.inFlight).toHaveLength(0);
    expect(await drained).toMatchObject({ clean: true, released: 1 });
    expect(world.runs).toHaveLength(0);
  });

  test('stops work that does not end within the budget', async () => {
    const world = new World({ work: () => ({ ms: 3_600_000 }) });
    world.send(1);
    const worker = world.spawn();
    await world.clock.advance(100);
    const drained = worker.consumer.drain({ budgetMs: 10_000, graceMs: 1_000 });
    await world.clock.advance(8_900);
    expect(worker.consumer.stats().running).toBe(1);
    await world.clock.advance(1_100);
    expect(await drained).toMatchObject({ clean: true, aborted: 1, abandoned: 0 });
    expect(world.queue.inFlight).toHaveLength(0);
  });

  test('gives back the message of a handler that does not stop', async () => {
    const world = new World();
    world.send(1);
    const worker = world.spawn({ handler: () => new Promise(() => {}) });
    await world.clock.advance(100);
    const drained = worker.consumer.drain({ budgetMs: 10_000 });
    await world.clock.advance(10_000);
    expect(await drained).toMatchObject({ clean: false, abandoned: 1 });
    await world.clock.advance(5_000);
    expect(world.queue.inFlight).toHaveLength(0);
  });
});
