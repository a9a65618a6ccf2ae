import { World } from '../support/consumer-world';

describe('a FIFO lease whose receive was answered late', () => {
  /** Two messages of a group; the answer that brings them takes 1.5 s, which the worker cannot see. */
  const late = (renewals: 'error500' | 'none') => {
    let receives = 0;
    const world = new World({
      fifo: true,
      latencyMs: 10,
      delayMs: 1_500,
      fault: (operation, atMs) => {
        if (operation === 'receive') return ++receives === 1 ? 'delay' : 'none';
        return operation === 'change' && atMs < 8_000 ? renewals : 'none';
      },
      work: () => ({ ms: 4_900 }),
      // No room for more: it must not be the same worker that receives them again.
      consumer: { visibilityTimeoutSeconds: 6, prefetch: 1 },
    });
    world.send(2);
    return world;
  };

  test('starts nothing more once the lease may be over and is not renewed (I6)', async () => {
    const world = late('error500');
    const first = world.spawn();
    await world.clock.advance(2_000);
    world.spawn();
    // The worker believes in its lease until 7.3 s, at SQS it ends at 6 s; its first message is done at 6.4 s.
    expect(await world.untilDone(120_000)).toBe(true);
    expect(world.runs.filter((r) => r.worker === 0)).toHaveLength(1);
    expect(first.consumer.stats().counters.leasesLost).toBeGreaterThan(0);
    expect(world.broken).toEqual([]);
  });

  test('goes on as soon as it is renewed', async () => {
    const world = late('none');
    world.spawn();
    expect(await world.untilDone(13_000)).toBe(true);
    expect(world.runs).toHaveLength(2);
    expect(world.broken).toEqual([]);
  });
});

describe('a lease that cannot be renewed', () => {
  test('is lost when it ends, not when the next renewal would be due', async () => {
    const world = new World({ fault: (operation) => (operation === 'change' ? 'dropBefore' : 'none'), latencyMs: 0 });
    world.send(1);
    const abortedAtMs: number[] = [];
    world.spawn({
      visibilityTimeoutSeconds: 19,
      handler: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            abortedAtMs.push(world.clock.now());
            reject(signal.reason as Error);
          });
        }),
    });
    await world.clock.advance(19_500);
    expect(abortedAtMs).toEqual([19_000]);
  });
});
