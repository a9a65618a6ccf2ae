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
});
