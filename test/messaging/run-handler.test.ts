import { World, type Worker } from '../support/consumer-world';

describe('a run that is being prepared', () => {
  test('does not start when the event loop stood still until its lease was over (I4)', async () => {
    const world = new World({ consumer: { visibilityTimeoutSeconds: 5, waitTimeSeconds: 0 } });
    world.send(1);
    const slow: Worker = world.spawn({
      // Answered during the stall, so it is heard before the heartbeat's timer, which was due later.
      claimCheck: { decode: (body) => new Promise((resolve) => slow.process.setTimer(2_000, () => resolve(body))) },
    });
    await world.clock.advance(1_500);
    slow.process.stall(30_000);
    world.spawn();
    expect(await world.untilDone(60_000)).toBe(true);
    await world.clock.advance(60_000);
    expect(world.runs.map(({ worker }) => worker)).toEqual([1]);
    expect(world.broken).toEqual([]);
  });

  test.each([
    ['its handler would have had to end', { handlerTimeoutSeconds: 20 }, 0],
    ['the time of a drain is over', {}, 10_000],
  ])('does not wait for a codec that never answers once %s', async (_, options, budgetMs) => {
    const world = new World();
    world.send(1);
    const released: string[] = [];
    const worker = world.spawn({
      ...options,
      claimCheck: { decode: () => new Promise(() => {}) },
      observer: { released: ({ reason }) => void released.push(reason) },
    });
    await world.clock.advance(1_000);
    expect(worker.consumer.stats()).toMatchObject({ running: 1 });
    const drained = budgetMs > 0 ? worker.consumer.drain({ budgetMs }) : undefined;
    await world.clock.advance(20_000);
    expect(worker.consumer.stats()).toMatchObject({ running: 0 });
    expect(released).toEqual([drained ? 'drained' : 'failed']);
    if (drained) expect(await drained).toMatchObject({ clean: true, aborted: 1, abandoned: 0 });
    expect(world.runs).toEqual([]);
    expect(world.queue.messages.size).toBe(1);
  });
});
