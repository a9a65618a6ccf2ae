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

describe('an answer that comes after its receive was given up and repeated', () => {
  test.each([
    ['FIFO', true],
    ['standard', false],
  ])('does not put its older handles in the place of newer ones (%s)', async (_, fifo) => {
    let receives = 0;
    // Given up after 5 seconds, answered after 8. On FIFO the repetition brings the same messages with new handles; on a
    // standard queue the message is delivered a second time.
    const world = new World({
      fifo,
      delayMs: 8_000,
      fault: (operation) => {
        if (operation !== 'receive' || ++receives > 2) return 'none';
        return receives === 1 ? 'delay' : 'duplicate';
      },
      work: () => ({ ms: 60_000 }),
      consumer: { waitTimeSeconds: 0, visibilityTimeoutSeconds: 30 },
    });
    world.send(1);
    const worker = world.spawn();
    expect(await world.untilDone(80_000)).toBe(true);
    expect(worker.consumer.stats().counters).toMatchObject({ duplicates: 1, leasesLost: 0, succeeded: 1 });
    expect(world.runs).toHaveLength(1);
  });

  test('runs nothing again on FIFO that was done meanwhile (I6)', async () => {
    let receives = 0;
    const world = new World({
      fifo: true,
      delayMs: 8_000,
      fault: (operation) => (operation === 'receive' && ++receives === 1 ? 'delay' : 'none'),
      consumer: { waitTimeSeconds: 0, visibilityTimeoutSeconds: 30 },
    });
    world.send(2);
    world.spawn();
    await world.clock.advance(60_000);
    expect(world.runs.map(({ messageId }) => messageId)).toEqual(world.sent);
    expect(world.broken).toEqual([]);
  });
});
