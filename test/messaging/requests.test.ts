import { World, type Worker } from '../support/consumer-world';

/** Requests to SQS, counted exactly on the virtual clock. 5 ms there and 5 ms back: 10 ms per call. */

// Thousands of messages, each looked at by a world that checks every invariant: slow on a busy machine.
jest.setTimeout(60_000);

const total = (worker: Worker, sinceMs = 0) => worker.transport.calls.filter((c) => c.atMs >= sinceMs).length;

/** One message every 100 ms. */
async function trickle(latencyBudgetMs: number) {
  const world = new World({ work: () => ({ ms: 5 }), consumer: { concurrency: 10, latencyBudgetMs } });
  const worker = world.spawn();
  await world.clock.advance(1_000);
  for (let i = 0; i < 1_000; i++) {
    world.send(1);
    await world.clock.advance(100);
  }
  expect(await world.untilDone(5_000)).toBe(true);
  const sentAtMs = (id: string) => 1_000 + world.sent.indexOf(id) * 100;
  const waits = world.runs.map((r) => r.startedAtMs - sentAtMs(r.messageId));
  expect(world.broken).toEqual([]);
  return { requests: total(worker, 1_000), longestWaitMs: Math.max(...waits) };
}

describe('requests', () => {
  test('an idle consumer sends 180 an hour, at any concurrency', async () => {
    const world = new World({ consumer: { concurrency: 500 } });
    const worker = world.spawn();
    await world.clock.advance(60_000);
    await world.clock.advance(3_600_000);
    expect(total(worker, 60_000)).toBeLessThanOrEqual(180);
  });

  test('a trickle of 10 a second takes at most 1,110 per 1,000 messages without added latency', async () => {
    const { requests, longestWaitMs } = await trickle(0);
    expect(requests).toBeLessThanOrEqual(1_110);
    expect(longestWaitMs).toBeLessThanOrEqual(20);
  });

  test.each([
    [200, 600],
    [1_000, 260],
  ])('a trickle with a latency budget of %i ms takes at most %i', async (budgetMs, most) => {
    const { requests, longestWaitMs } = await trickle(budgetMs);
    expect(requests).toBeLessThanOrEqual(most);
    expect(longestWaitMs).toBeLessThanOrEqual(budgetMs + 20);
  });

  test('full load takes at most 205 per 1,000 messages', async () => {
    const world = new World({ work: () => ({ ms: 5 }), consumer: { concurrency: 100 } });
    world.send(4_000);
    const worker = world.spawn();
    expect(await world.untilDone(60_000)).toBe(true);
    const full = worker.transport.calls.filter((c) => c.atMs < world.clock.now() - 1_100).length;
    expect(full).toBeLessThanOrEqual(820);
    // 4,000 messages in 1 s are 4,000 a second.
    expect(Math.max(...world.runs.map((r) => r.startedAtMs))).toBeLessThanOrEqual(1_000);
    expect(world.broken).toEqual([]);
  });

  test('every tenth message of 200 ms, 100 at once: at least 2,200 messages a second', async () => {
    const world = new World({ work: (m) => ({ ms: m.body.endsWith('9') ? 200 : 5 }), consumer: { concurrency: 100 } });
    world.send(5_000);
    world.spawn();
    expect(await world.untilDone(60_000)).toBe(true);
    expect(Math.max(...world.runs.map((r) => r.startedAtMs))).toBeLessThanOrEqual(5_000 / 2.2);
  });

  test('a burst of 100 is started within 100 ms at no more than 30 requests', async () => {
    const world = new World({ work: () => ({ ms: 5 }), consumer: { concurrency: 100 } });
    const worker = world.spawn();
    await world.clock.advance(30_000);
    const atMs = world.clock.now();
    world.send(100);
    expect(await world.untilDone(10_000)).toBe(true);
    const waits = world.runs.map((r) => r.startedAtMs - atMs).sort((a, b) => a - b);
    expect(waits[98]).toBeLessThanOrEqual(100);
    expect(total(worker, atMs)).toBeLessThanOrEqual(30);
  });

  test('FIFO, 100 groups, 5 ms: at least 4,500 messages a second in order', async () => {
    const world = new World({ fifo: true, work: () => ({ ms: 5 }), consumer: { concurrency: 100 } });
    world.send(1_000, 100);
    world.spawn();
    expect(await world.untilDone(60_000)).toBe(true);
    const lastMs = Math.max(...world.runs.map((r) => r.startedAtMs));
    expect(world.broken).toEqual([]);
    expect(lastMs).toBeLessThanOrEqual(1_000 / 4.5);
  });
});
