import { World } from '../support/consumer-world';
import fc, { runs } from '../support/properties';
import type { Call } from '../support/strict-transport';

const consumer = {
  fifo: fc.boolean(),
  concurrency: fc.integer({ min: 1, max: 30 }),
  visibilityTimeoutSeconds: fc.constantFrom(2, 3, 5, 10, 30, 120),
  waitTimeSeconds: fc.constantFrom(0, 1, 20),
  latencyMs: fc.integer({ min: 1, max: 100 }),
};

const times = (calls: readonly Call[], operation: Call['operation']): number[] =>
  calls.filter((c) => c.operation === operation).map((c) => c.atMs);
/** The most of `values` within `ms`. */
const densest = (values: readonly number[], ms: number): number =>
  Math.max(0, ...values.map((from) => values.filter((v) => v >= from && v < from + ms).length));

describe('the calls of a consumer', () => {
  test('I7, I12: every lease is renewed in time, in few calls, whenever its message came and however long its work takes', async () => {
    const scenario = fc.record({
      ...consumer,
      /** One message each, so long after the one before. */
      sends: fc.array(fc.record({ afterMs: fc.nat(3_000), workMs: fc.constantFrom(10, 2_500, 40_000, 200_000) }), {
        minLength: 1,
        maxLength: 30,
      }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async (s) => {
        const { fifo, latencyMs, concurrency, visibilityTimeoutSeconds, waitTimeSeconds, sends } = s;
        const world = new World({
          fifo,
          latencyMs,
          work: ({ body }) => ({ ms: sends[Number(body.split(' ')[1])]?.workMs ?? 0 }),
          consumer: { concurrency, visibilityTimeoutSeconds, waitTimeSeconds },
        });
        const worker = world.spawn();
        let held = 0;
        for (const { afterMs } of sends) {
          world.send(1, sends.length);
          await world.clock.advance(afterMs);
          const { leased, acking } = worker.consumer.stats();
          held = Math.max(held, leased + acking);
        }
        const done = (): boolean => {
          const { leased, acking } = worker.consumer.stats();
          held = Math.max(held, leased + acking);
          return world.queue.messages.size === 0;
        };
        expect(await world.clock.runUntil(done, world.clock.now() + 7_200_000)).toBe(true);
        expect(worker.consumer.stats().counters).toMatchObject({ leasesLost: 0, succeeded: sends.length });
        expect(world.runs).toHaveLength(sends.length);
        const renewals = times(worker.transport.calls, 'change');
        const windowMs = (visibilityTimeoutSeconds * 1000) / 3;
        expect(densest(renewals, windowMs)).toBeLessThanOrEqual(Math.ceil(held / 10) + 1);
        expect(world.broken).toEqual([]);
      }),
      { numRuns: runs(60) },
    );
  }, 600_000);

  test('I11: at most one receive a second after ten seconds of a permanent error, and none is missing once it is gone', async () => {
    const scenario = fc.record({
      ...consumer,
      goodMs: fc.nat(5_000),
      badMs: fc.integer({ min: 30_000, max: 300_000 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async (s) => {
        const endMs = s.goodMs + s.badMs;
        const world = new World({
          fifo: s.fifo,
          latencyMs: s.latencyMs,
          work: () => ({ ms: 50 }),
          fault: (_, atMs) => (atMs >= s.goodMs && atMs < endMs ? 'accessDenied' : 'none'),
          consumer: { concurrency: s.concurrency, waitTimeSeconds: s.waitTimeSeconds },
        });
        world.send(50, 5);
        const worker = world.spawn();
        await world.clock.advance(endMs);
        // A receive that was waiting when the error came ends with its long poll.
        const fromMs = s.goodMs + s.waitTimeSeconds * 1000 + 10_000;
        const receives = times(worker.transport.calls, 'receive').filter((atMs) => atMs > fromMs);
        expect(densest(receives, 1_000)).toBeLessThanOrEqual(1);
        if (s.badMs > 60_000) expect(worker.consumer.ready).toBe(false);
        expect(await world.untilDone(600_000)).toBe(true);
        expect(world.broken).toEqual([]);
      }),
      { numRuns: runs(60) },
    );
  }, 600_000);

  test('I14: a receive that is never answered holds the consumer for its long poll and five seconds', async () => {
    const scenario = fc.record({ ...consumer, hole: fc.constantFrom('blackHole', 'blackHoleAfter'), which: fc.nat(4) });
    await fc.assert(
      fc.asyncProperty(scenario, async (s) => {
        let receives = 0;
        const world = new World({
          fifo: s.fifo,
          latencyMs: s.latencyMs,
          work: () => ({ ms: 0 }),
          fault: (operation) => (operation === 'receive' && receives++ === s.which ? s.hole : 'none'),
          consumer: { concurrency: 1, prefetch: 0, waitTimeSeconds: s.waitTimeSeconds },
        });
        const worker = world.spawn();
        expect(await world.clock.runUntil(() => receives > s.which, 200_000)).toBe(true);
        const holeMs = times(worker.transport.calls, 'receive').at(-1) ?? 0;
        const recovered = (): boolean => receives > s.which + 1;
        // One that brought nothing may pause for a second, and one that failed draws its pause.
        const limitMs = holeMs + s.waitTimeSeconds * 1000 + 5_000 + 1_000;
        expect(await world.clock.runUntil(recovered, limitMs)).toBe(true);
      }),
      { numRuns: runs(60) },
    );
  }, 600_000);
});
