import { World } from '../support/consumer-world';

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
