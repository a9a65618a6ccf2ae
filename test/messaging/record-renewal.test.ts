import { MemoryIdempotencyStore } from '../../messaging';
import { World, type WorldOptions } from '../support/consumer-world';

const OTHER = { owner: 'another', leaseUntilMs: Infinity };

/** A worker at a message of 60 seconds, whose lease of 30 seconds is renewed at 20 and 40 seconds. */
function longWork(fault: NonNullable<WorldOptions['fault']> = () => 'none') {
  const world = new World({
    fault,
    work: () => ({ ms: 60_000 }),
    latencyMs: 10,
    consumer: { concurrency: 2, waitTimeSeconds: 0 },
  });
  const store = new MemoryIdempotencyStore({ clock: world.clock });
  const renew = jest.spyOn(store, 'renew');
  world.send(1);
  const worker = world.spawn({ idempotency: { store, key: () => 'k' } });
  /** Whether another could take the key, at each second until `untilMs`. */
  const taken = async (untilMs: number): Promise<number[]> => {
    const found: number[] = [];
    for (; world.clock.now() < untilMs; await world.clock.advance(1_000))
      if (world.runs.length > 0 && (await store.begin('k', OTHER)) === 'started') found.push(world.clock.now());
    return found;
  };
  return { world, store, renew, worker, taken };
}

describe('the renewal of a record', () => {
  test('is repeated when it fails: the next one of the lease would come after its end', async () => {
    const { world, renew, worker, taken } = longWork();
    renew.mockRejectedValueOnce(new Error('throttled')).mockRejectedValueOnce(new Error('throttled'));
    expect(await taken(60_000)).toEqual([]);
    // Two failures, the repetition, and the renewal at 40 seconds.
    expect(renew).toHaveBeenCalledTimes(4);
    expect(await world.untilDone(20_000)).toBe(true);
    expect(worker.consumer.stats().counters).toMatchObject({ succeeded: 1, leasesLost: 0 });
    await world.drainAll();
    expect(world.clock.pendingTimers).toBe(0);
  });

  test('goes on after a call that is never answered', async () => {
    const { renew, taken } = longWork();
    renew.mockReturnValueOnce(new Promise(() => {}));
    expect(await taken(60_000)).toEqual([]);
  });

  test('ends with the run', async () => {
    const { world, renew } = longWork();
    renew.mockRejectedValue(new Error('down'));
    expect(await world.untilDone(70_000)).toBe(true);
    await world.drainAll();
    const calls = renew.mock.calls.length;
    await world.clock.advance(600_000);
    expect(renew.mock.calls).toHaveLength(calls);
    expect(world.clock.pendingTimers).toBe(0);
  });

  test('is one call at a time, so that an older end is not written after a newer one', async () => {
    // Renewed at 20 seconds, and delivered a second time at 21.
    let again = 0;
    const { world, store, renew } = longWork((operation, atMs) =>
      operation === 'receive' && atMs > 21_000 && again++ === 0 ? 'duplicate' : 'none',
    );
    const ends: number[] = [];
    let underWay = 0;
    renew.mockImplementation(async (key, claim) => {
      expect(++underWay).toBe(1);
      // The first one is slow.
      await new Promise<void>((resolve) => world.clock.setTimer(ends.length === 0 ? 4_000 : 10, resolve));
      underWay -= 1;
      ends.push(claim.leaseUntilMs);
      return MemoryIdempotencyStore.prototype.renew.call(store, key, claim);
    });
    await world.clock.advance(35_000);
    expect(ends).toHaveLength(2);
    expect(ends[1]).toBeGreaterThan(ends[0] ?? 0);
  });
});
