import type { ConsumerOptions } from '../../messaging';
import { World } from '../../test/support/consumer-world';

/** Requests to SQS, counted on the virtual clock against the strict queue (10 ms per call), and what they cost a month. */
export interface RequestCount {
  readonly scenario: string;
  readonly requestsPer1000: number;
  /** At this scenario's rate around the clock, 730 hours, 0.40 USD per million requests (us-east-1, standard queue, November 2026). */
  readonly usdPerMonth: number;
}

const USD_PER_REQUEST = 0.4 / 1_000_000;
const SECONDS_PER_MONTH = 730 * 3_600;

async function trickle(scenario: string, consumer: Partial<ConsumerOptions>): Promise<RequestCount> {
  const world = new World({ work: () => ({ ms: 5 }), consumer: { concurrency: 10, ...consumer } });
  const { transport } = world.spawn();
  await world.clock.advance(1_000);
  const before = transport.calls.length;
  for (let i = 0; i < 1_000; i++) {
    world.send(1);
    await world.clock.advance(100);
  }
  await world.untilDone(10_000);
  const requestsPer1000 = transport.calls.length - before;
  return {
    scenario,
    requestsPer1000,
    usdPerMonth: (requestsPer1000 / 1000) * 10 * SECONDS_PER_MONTH * USD_PER_REQUEST,
  };
}

/** Counts every scenario. */
export async function countRequests(): Promise<RequestCount[]> {
  const full = new World({ work: () => ({ ms: 5 }), consumer: { concurrency: 100 } });
  full.send(4_000);
  const fullWorker = full.spawn();
  await full.untilDone(60_000);
  const fullSeconds = Math.max(...full.runs.map((r) => r.startedAtMs)) / 1000;
  const perSecond = 4_000 / fullSeconds;
  const fullPer1000 = fullWorker.transport.calls.length / 4;

  const idle = new World({ consumer: { concurrency: 500 } });
  const idleWorker = idle.spawn();
  await idle.clock.advance(60_000);
  const before = idleWorker.transport.calls.length;
  await idle.clock.advance(3_600_000);
  const idlePerHour = idleWorker.transport.calls.length - before;

  return [
    {
      scenario: `full load, ${perSecond.toFixed(0)} messages/s`,
      requestsPer1000: fullPer1000,
      usdPerMonth: (fullPer1000 / 1000) * perSecond * SECONDS_PER_MONTH * USD_PER_REQUEST,
    },
    await trickle('10 messages/s', {}),
    await trickle('10 messages/s, latency budget 200 ms', { latencyBudgetMs: 200 }),
    await trickle('10 messages/s, latency budget 1 s', { latencyBudgetMs: 1_000 }),
    {
      scenario: 'idle, requests per hour',
      requestsPer1000: idlePerHour,
      usdPerMonth: idlePerHour * 730 * USD_PER_REQUEST,
    },
  ];
}
