import { DrainError, HandlerTimeoutError, MemoryIdempotencyStore, type Handler } from '../../messaging';
import { World, type Worker } from '../support/consumer-world';

/** A handler that hears its signal, needs `ms` more, and then ends by `end`. */
function stubborn(worker: () => Worker, ms: number, end: (signal: AbortSignal) => void = () => {}): Handler {
  return (_message, { signal }) =>
    new Promise((resolve, reject) =>
      signal.addEventListener('abort', () => {
        worker().process.setTimer(ms, () => {
          try {
            end(signal);
            resolve();
          } catch (error) {
            reject(error as Error);
          }
        });
      }),
    );
}

describe('Endings', () => {
  test('deletes the message of work that was done in the grace of a drain, and completes its record', async () => {
    const world = new World();
    const store = new MemoryIdempotencyStore({ clock: world.clock });
    const outcomes: string[] = [];
    world.send(1);
    const worker: Worker = world.spawn({
      waitTimeSeconds: 0,
      handler: stubborn(() => worker, 400),
      idempotency: { store, key: () => 'k' },
      observer: { finished: ({ outcome }) => void outcomes.push(outcome) },
    });
    await world.clock.advance(100);
    const drained = worker.consumer.drain({ budgetMs: 10_000, graceMs: 2_000 });
    await world.clock.advance(10_000);
    expect(await drained).toMatchObject({ clean: true, finished: 1, aborted: 1, abandoned: 0, undeleted: 0 });
    expect(world.queue.messages.size).toBe(0);
    expect(outcomes).toEqual(['succeeded']);
    expect(await store.begin('k', { owner: 'another', leaseUntilMs: Infinity })).toBe('done');
  });

  test('completes the record of work that was done after its message was given back', async () => {
    const world = new World();
    const store = new MemoryIdempotencyStore({ clock: world.clock });
    world.send(1);
    const worker: Worker = world.spawn({
      waitTimeSeconds: 0,
      handler: stubborn(() => worker, 1_500),
      idempotency: { store, key: () => 'k' },
    });
    await world.clock.advance(100);
    const drained = worker.consumer.drain({ budgetMs: 10_000, graceMs: 2_000 });
    await world.clock.advance(12_000);
    expect(await drained).toMatchObject({ clean: false, finished: 0, abandoned: 1 });
    expect(world.queue.messages.size).toBe(1);
    expect(await store.begin('k', { owner: 'another', leaseUntilMs: Infinity })).toBe('done');
  });

  test('deletes the message of work that was done although its time was over', async () => {
    const world = new World();
    world.send(1);
    const reasons: unknown[] = [];
    const worker: Worker = world.spawn({
      handler: stubborn(
        () => worker,
        400,
        (signal) => void reasons.push(signal.reason),
      ),
      handlerTimeoutSeconds: 5,
    });
    expect(await world.untilDone(10_000)).toBe(true);
    expect(reasons).toEqual([expect.any(HandlerTimeoutError)]);
    expect(worker.consumer.stats().counters).toMatchObject({ succeeded: 1, failed: 0, received: 1 });
  });

  test('gives back at once what a drain stopped, whatever the handler threw', async () => {
    const world = new World();
    world.send(1);
    const reasons: unknown[] = [];
    const worker: Worker = world.spawn({
      waitTimeSeconds: 0,
      handler: stubborn(
        () => worker,
        400,
        (signal) => {
          reasons.push(signal.reason);
          throw new Error('half done');
        },
      ),
    });
    await world.clock.advance(100);
    const drained = worker.consumer.drain({ budgetMs: 10_000, graceMs: 2_000 });
    await world.clock.advance(10_000);
    expect(await drained).toMatchObject({ clean: true, finished: 0, aborted: 1, released: 1 });
    expect(reasons).toEqual([expect.any(DrainError)]);
    // Half of the grace: then its message would have been given back in any case.
    expect(reasons).toEqual([expect.objectContaining({ stopWithinMs: 1_000 })]);
    expect(worker.transport.calls.at(-1)).toMatchObject({ operation: 'change', seconds: [0] });
  });

  test('does not delete what was done after the lease was lost', async () => {
    const world = new World({ fault: (operation) => (operation === 'change' ? 'error500' : 'none') });
    world.send(1);
    const worker: Worker = world.spawn({ handler: stubborn(() => worker, 400) });
    await world.clock.advance(35_000);
    expect(worker.consumer.stats().counters).toMatchObject({ leasesLost: 1, succeeded: 0 });
    expect(worker.transport.calls.filter((c) => c.operation === 'delete')).toEqual([]);
  });
});

describe('an idempotency store that does not answer', () => {
  const hanging = (call: 'begin' | 'complete' | 'release', world: World) => {
    const store = new MemoryIdempotencyStore({ clock: world.clock });
    let hangs = true;
    const original = store[call].bind(store) as (...args: unknown[]) => unknown;
    jest
      .spyOn(store, call)
      .mockImplementation(((...args: unknown[]) =>
        hangs ? ((hangs = false), new Promise(() => {})) : original(...args)) as never);
    return store;
  };

  test.each(['begin', 'complete', 'release'] as const)(
    'holds its slot no longer than ten seconds (%s)',
    async (call) => {
      const world = new World({
        work: (_, run) => ({ ms: 10, ...(run === 1 && call === 'release' && { fail: 'error' }) }),
      });
      world.send(2);
      world.spawn({ idempotency: { store: hanging(call, world) }, backoff: { baseSeconds: 1 } });
      expect(await world.untilDone(60_000)).toBe(true);
      expect(world.broken).toEqual([]);
    },
  );

  test('leaves errors where pino looks for them', async () => {
    const lines: object[] = [];
    const world = new World({ work: (_, run) => ({ ms: 10, ...(run === 1 && { fail: 'error' }) }) });
    world.send(1);
    const note = (fields: object): void => void lines.push(fields);
    world.spawn({ logger: { debug() {}, info() {}, warn: note, error: note } });
    expect(await world.untilDone(30_000)).toBe(true);
    expect(lines).toEqual([expect.objectContaining({ err: expect.objectContaining({ message: 'injected' }) })]);
  });
});
