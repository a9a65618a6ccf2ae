import { MemoryIdempotencyStore, type IdempotencyStore } from '../../messaging';
import { World, type Run, type Worker } from '../support/consumer-world';
import fc, { runs, turns } from '../support/properties';
import { FAULTS, type Fault } from '../support/strict-transport';

/** How a call to the store goes: milliseconds until its answer, an error, or no answer ever. */
type StoreCall = number | 'fails' | 'hangs';

/** Arrays are taken in turn. */
const scenario = fc.record({
  messages: fc.integer({ min: 1, max: 12 }),
  groups: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  visibilityTimeoutSeconds: fc.integer({ min: 2, max: 30 }),
  latencyMs: fc.integer({ min: 1, max: 120 }),
  handlerTimeoutSeconds: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
  durations: turns(fc.constantFrom(0, 5, 50, 500, 4_000, 25_000), 6),
  /** What handlers do that are told to stop: go on for so long and end as they would have, or stop. */
  finishes: turns(fc.constantFrom(undefined, 0, 10, 1_000, 5_000, 40_000), 4),
  failures: turns(fc.constantFrom(undefined, undefined, undefined, 'error' as const, 'poison' as const), 8),
  faults: turns(fc.oneof(fc.constant<Fault>('none'), fc.constantFrom(...FAULTS)), 25),
  store: turns(fc.constantFrom<StoreCall>(0, 0, 5, 300, 3_000, 'fails', 'hangs'), 7),
  blows: fc.array(
    fc.record({ afterMs: fc.integer({ min: 1, max: 20_000 }), kind: fc.constantFrom('kill', 'drain', 'join') }),
    { maxLength: 4 },
  ),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

/** All goes well from then on. */
const CALM_MS = 120_000;

/** Plays one scenario. @returns what was broken */
async function play(s: Scenario, fifo: boolean): Promise<string[]> {
  let calls = 0;
  let runs = 0;
  let asks = 0;
  const done = new Set<string>();
  const latest = new Map<string, { readonly run: Run; readonly signal: AbortSignal }>();
  const world: World = new World({
    fifo,
    latencyMs: s.latencyMs,
    latestReceiveMs: (s.visibilityTimeoutSeconds * 1000) / 3,
    fault: (_, atMs) => (atMs > CALM_MS ? 'none' : (s.faults[calls++ % s.faults.length] ?? 'none')),
    work: () => {
      const i = runs++;
      if (i > 60) return { ms: 10 };
      const fail = s.failures[i % s.failures.length];
      const finishesInMs = s.finishes[i % s.finishes.length];
      return {
        ms: s.durations[i % s.durations.length] ?? 0,
        ...(fail && { fail }),
        ...(finishesInMs !== undefined && { finishesInMs }),
      };
    },
    checkStart: (run, signal) => {
      const { messageId, groupId } = run;
      if (done.has(messageId)) world.broken.push(`${messageId} starts although it is done`);
      const last = latest.get(messageId);
      if (last?.run.outcome === 'running' && !last.signal.aborted)
        world.broken.push(`${messageId} starts beside a run that was not told to stop`);
      latest.set(messageId, { run, signal });
      if (fifo) checkOrder(messageId, groupId);
    },
    consumer: {
      concurrency: s.concurrency,
      visibilityTimeoutSeconds: s.visibilityTimeoutSeconds,
      waitTimeSeconds: 0,
      backoff: { maxSeconds: 60 },
      ...(s.handlerTimeoutSeconds && { handlerTimeoutSeconds: s.handlerTimeoutSeconds }),
    },
  });
  const checkOrder = (messageId: string, groupId: string | undefined): void => {
    const dead = new Set([...world.dead.messages.values()].map(({ body }) => body));
    for (const [i, id] of world.sent.entries()) {
      if (id === messageId) return;
      const over = done.has(id) || dead.has(`body ${i}`) || !world.queue.messages.has(id);
      if (over || world.queue.messages.get(id)?.groupId !== groupId) continue;
      if (world.runs.findLast((run) => run.messageId === id)?.outcome !== 'succeeded')
        world.broken.push(`${messageId} starts before ${id}`);
    }
  };
  const inner = new MemoryIdempotencyStore({ clock: world.clock });
  /** The store as a worker reaches it: half of the time is for the way there. */
  const through = async <R>(worker: Worker, call: () => Promise<R>): Promise<R> => {
    const how = world.clock.now() > CALM_MS ? 0 : (s.store[asks++ % s.store.length] ?? 0);
    if (how === 'fails') throw new Error('the store is down');
    if (how === 'hangs') return new Promise(() => {});
    const half = (): Promise<void> => new Promise((resolve) => worker.process.setTimer(how / 2, resolve));
    await half();
    const result = await call();
    await half();
    return result;
  };
  const spawn = (): void => {
    const store: IdempotencyStore = {
      begin: (key, claim) => through(worker, () => inner.begin(key, claim)),
      // A record that cannot be renewed ends: then a duplicate may run. That is the store's limit, not looked at here.
      renew: (key, claim) => inner.renew(key, claim),
      complete: (key, owner) =>
        through(worker, async () => {
          const ours = await inner.complete(key, owner);
          if (ours) done.add(key);
          return ours;
        }),
      release: (key, owner) => through(worker, () => inner.release(key, owner)),
    };
    const worker: Worker = world.spawn({ idempotency: { store } });
  };
  world.send(s.messages, s.groups);
  spawn();
  for (const { afterMs, kind } of s.blows) {
    await world.clock.advance(afterMs);
    const worker = world.workers.findLast((w) => w.process.alive && !w.consumer.stats().draining);
    if (worker && kind === 'kill') world.kill(worker);
    if (worker && kind === 'drain') void worker.consumer.drain({ budgetMs: 30_000 });
    spawn();
  }
  if (!(await world.untilDone(6 * 3_600_000))) world.broken.push(`${world.queue.messages.size} are never done`);
  // The last handlers that were told to stop, and the last answers.
  await world.clock.advance(60_000);
  await world.drainAll();
  world.checkNothingLost();
  if (world.clock.pendingTimers > 0) world.broken.push(`${world.clock.pendingTimers} timers are left`);
  return world.broken;
}

describe('Consumer with an idempotency store and handlers that do not stop at once, under every fault', () => {
  test.each([
    ['standard', false],
    ['FIFO', true],
  ])(
    'I17: runs nothing that is done and nothing twice at once, in order, loses nothing (%s)',
    async (_, fifo) => {
      const numRuns = runs(40);
      await fc.assert(
        fc.asyncProperty(scenario, async (s) => expect(await play(s, fifo)).toEqual([])),
        { numRuns },
      );
    },
    600_000,
  );
});
