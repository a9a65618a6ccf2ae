import { MemoryIdempotencyStore } from '../../messaging';
import { World } from '../support/consumer-world';

const OTHER = { owner: 'another', leaseUntilMs: Infinity };

/** A store whose `begin` is answered after `ms`. */
function slowStore(world: World, ms: number): MemoryIdempotencyStore {
  const store = new MemoryIdempotencyStore({ clock: world.clock });
  const begin = store.begin.bind(store);
  jest.spyOn(store, 'begin').mockImplementation(async (key, claim) => {
    const begun = await begin(key, claim);
    if (claim.owner !== OTHER.owner) await new Promise<void>((resolve) => world.clock.setTimer(ms, resolve));
    return begun;
  });
  return store;
}

describe('the claim of a run', () => {
  test('lasts as long as the lease that was renewed while the store was asked', async () => {
    const world = new World({ work: () => ({ ms: 25_000 }) });
    const store = slowStore(world, 4_000);
    // Decoded after 17 s, begun with the first lease, renewed at 20 s, answered at 21 s.
    const decode = (body: string): Promise<string> =>
      new Promise((resolve) => world.clock.setTimer(17_000, () => resolve(body)));
    world.send(1);
    world.spawn({ idempotency: { store, key: () => 'k' }, claimCheck: { decode } });
    await world.clock.advance(22_000);
    const answers: unknown[] = [];
    for (; world.clock.now() < 45_000; await world.clock.advance(1_000)) answers.push(await store.begin('k', OTHER));
    expect(answers.filter((answer) => answer === 'started')).toEqual([]);
    expect(await world.untilDone(20_000)).toBe(true);
    expect(await store.begin('k', OTHER)).toBe('done');
  });

  test('lasts as long as the newer lease of a message that SQS delivered twice', async () => {
    // The second delivery comes at 3 s; no renewal gets through, so that its lease ends at 13 s.
    let receives = 0;
    const world = new World({
      work: () => ({ ms: 60_000 }),
      fault: (operation) => {
        if (operation === 'change') return 'dropBefore';
        return operation === 'receive' && ++receives === 2 ? 'duplicate' : 'none';
      },
      consumer: { visibilityTimeoutSeconds: 10, waitTimeSeconds: 3, concurrency: 2 },
    });
    const store = new MemoryIdempotencyStore({ clock: world.clock });
    world.send(1);
    const worker = world.spawn({ idempotency: { store, key: () => 'k' } });
    await world.clock.advance(11_500);
    expect(worker.consumer.stats().counters).toMatchObject({ duplicates: 1, leasesLost: 0 });
    expect(await store.begin('k', OTHER)).toMatchObject({ busyUntilMs: expect.any(Number) });
    await world.clock.advance(1_700);
    expect(worker.consumer.stats().counters).toMatchObject({ leasesLost: 1 });
  });

  test('survives a store whose renewal throws before it returns a promise', async () => {
    const world = new World({ work: () => ({ ms: 25_000 }) });
    const store = new MemoryIdempotencyStore({ clock: world.clock });
    jest.spyOn(store, 'renew').mockImplementation(() => {
      throw new Error('not connected');
    });
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    try {
      world.send(1);
      const worker = world.spawn({ idempotency: { store } });
      expect(await world.untilDone(60_000)).toBe(true);
      expect(worker.consumer.stats().counters).toMatchObject({ succeeded: 1, leasesLost: 0 });
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', unhandled);
    }
    expect(unhandled).not.toHaveBeenCalled();
  });
});
