import { PermanentError, type BodyCodec, type ConsumerOptions } from '../../messaging';
import { World, type Run, type Worker } from '../support/consumer-world';
import fc, { runs, turns } from '../support/properties';
import { sharedRecords, STORE_KINDS, type Way } from '../support/store-world';
import { FAULTS, type Fault } from '../support/strict-transport';

/** How a call to a store or a codec goes: milliseconds until its answer, an error, an error although it was done, or no answer ever. */
type Passage = number | 'fails' | 'lost' | 'hangs';

const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });

/** Arrays are taken in turn. */
const scenario = fc.record({
  messages: fc.integer({ min: 1, max: 20 }),
  groups: fc.integer({ min: 1, max: 4 }),
  concurrency: fc.integer({ min: 1, max: 5 }),
  prefetch: maybe(fc.integer({ min: 0, max: 12 })),
  batchSize: maybe(fc.integer({ min: 1, max: 7 })),
  visibilityTimeoutSeconds: fc.integer({ min: 2, max: 30 }),
  waitTimeSeconds: fc.constantFrom(0, 0, 1, 20),
  latencyMs: fc.integer({ min: 1, max: 120 }),
  /** Of the fault `delay`. */
  delayMs: fc.constantFrom(500, 3_000, 8_000),
  handlerTimeoutSeconds: maybe(fc.integer({ min: 1, max: 10 })),
  latencyBudgetMs: fc.constantFrom(0, 0, 500, 5_000),
  deleteLingerMs: maybe(fc.constantFrom(0, 10, 3_000, 10_000)),
  stopTheLine: fc.boolean(),
  inPlaceRetries: maybe(fc.integer({ min: 0, max: 3 })),
  maxReceiveCount: maybe(fc.integer({ min: 1, max: 6 })),
  deadLetterQueue: fc.boolean(),
  takesOldHandles: fc.boolean(),
  durations: turns(fc.constantFrom(0, 5, 50, 500, 4_000, 25_000), 6),
  extensions: turns(maybe(fc.integer({ min: 0, max: 30 })), 3),
  /** What handlers do that are told to stop: go on for so long and end as they would have, or stop. */
  finishes: turns(fc.constantFrom(undefined, 0, 10, 1_000, 5_000, 40_000), 4),
  failures: turns(
    fc.constantFrom(undefined, undefined, undefined, 'error' as const, 'poison' as const, 'release' as const),
    8,
  ),
  faults: turns(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<Fault>('none') },
      { weight: 2, arbitrary: fc.constantFrom(...FAULTS) },
    ),
    25,
  ),
  store: maybe(fc.constantFrom(...STORE_KINDS)),
  storeCalls: turns(fc.constantFrom<Passage>(0, 0, 5, 300, 3_000, 'fails', 'lost', 'hangs'), 7),
  /**
   * Each second renewal of a record is late by this part of the visibility timeout, or fails. Renewals of leases have no faults
   * then: a record that is renewed later than its lease ended can be taken meanwhile.
   */
  renewals: fc.constantFrom<undefined | number | 'fails' | 'lost'>(undefined, 0.05, 0.2, 'fails', 'lost'),
  /** So many messages share a key. */
  sharing: fc.constantFrom(1, 1, 1, 2, 3),
  codec: fc.boolean(),
  codecCalls: turns(fc.constantFrom<Passage | 'poison'>(0, 0, 20, 1_000, 20_000, 'fails', 'poison'), 6),
  blows: fc.array(
    fc.record({
      afterMs: fc.integer({ min: 1, max: 20_000 }),
      kind: fc.constantFrom('kill', 'drain', 'join', 'stall', 'jumpBack', 'jumpAhead'),
      forMs: fc.constantFrom(0, 1_000, 5_000, 30_000),
    }),
    { maxLength: 5 },
  ),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

/** All goes well from then on. */
const CALM_MS = 120_000;

/** Plays one scenario. @returns what was broken */
async function play(s: Scenario, fifo: boolean): Promise<string[]> {
  let calls = 0;
  let played = 0;
  let asks = 0;
  let decodes = 0;
  let renewals = 0;
  let jumpedAhead = false;
  const drained = new Set<Worker>();
  const stopTheLine = fifo && s.stopTheLine;
  const batchSize = fifo ? undefined : s.batchSize;
  const workOf = (body: string): string => `work ${Math.floor(Number(body.split(' ')[1]) / s.sharing)}`;
  const latest = new Map<string, { readonly run: Run; readonly signal: AbortSignal }>();
  const objects = new Set<string>();
  const world: World = new World({
    fifo,
    latencyMs: s.latencyMs,
    delayMs: s.delayMs,
    latestReceiveMs: (s.visibilityTimeoutSeconds * 1000) / 3,
    takesOldHandles: !fifo && s.takesOldHandles,
    ...(s.maxReceiveCount !== undefined && { maxReceiveCount: s.maxReceiveCount }),
    ...(batchSize !== undefined && { batchSize }),
    ...(s.store && { workOf }),
    fault: (operation, atMs) => {
      const fault = atMs > CALM_MS ? 'none' : (s.faults[calls++ % s.faults.length] ?? 'none');
      return operation === 'change' && s.store && s.renewals !== undefined ? 'none' : fault;
    },
    work: () => {
      const i = played++;
      if (i > 80) return { ms: 10 };
      const fail = s.failures[i % s.failures.length];
      const finishesInMs = s.finishes[i % s.finishes.length];
      const extendSeconds = s.extensions[i % s.extensions.length];
      return {
        ms: s.durations[i % s.durations.length] ?? 0,
        ...(fail && { fail }),
        ...(finishesInMs !== undefined && { finishesInMs }),
        ...(extendSeconds !== undefined && { extendSeconds }),
      };
    },
    checkStart: (run, signal) => checkStart(run, signal),
    consumer: {
      concurrency: s.concurrency,
      visibilityTimeoutSeconds: s.visibilityTimeoutSeconds,
      waitTimeSeconds: s.waitTimeSeconds,
      latencyBudgetMs: s.latencyBudgetMs,
      backoff: { maxSeconds: 60 },
      ...(s.prefetch !== undefined && { prefetch: s.prefetch }),
      ...(s.handlerTimeoutSeconds !== undefined && { handlerTimeoutSeconds: s.handlerTimeoutSeconds }),
      ...(s.deleteLingerMs !== undefined && { deleteLingerMs: s.deleteLingerMs }),
      ...(stopTheLine && { stopTheLine }),
      ...(fifo && s.inPlaceRetries !== undefined && { inPlaceRetries: s.inPlaceRetries }),
      ...(!s.deadLetterQueue && { deadLetterQueueUrl: undefined }),
    },
  });
  const bodyOf = (messageId: string): string => `body ${world.sent.indexOf(messageId)}`;
  const over = (messageId: string): boolean => {
    const body = bodyOf(messageId);
    if (s.store && records.isDone(workOf(body))) return true;
    if (!world.queue.messages.has(messageId)) return true;
    return [...world.dead.messages.values()].some((m) => m.body === body);
  };
  const groups = new Map<string, string | undefined>();

  const checkStart = (run: Run, signal: AbortSignal): void => {
    const { messageId, groupId } = run;
    const worker = world.workers[run.worker] as Worker;
    const here = world.runs.filter((r) => r !== run && r.worker === run.worker && r.outcome === 'running');
    const most = s.concurrency * (batchSize ?? 1);
    if (here.length >= most) world.broken.push(`I3 ${here.length + 1} run of ${most}`);
    const { leased, capacity } = worker.consumer.stats();
    if (leased > capacity) world.broken.push(`I3 ${leased} leased of ${capacity}`);
    if (here.some((r) => r.messageId === messageId)) world.broken.push(`I5 ${messageId} runs twice in one worker`);
    if (drained.has(worker)) world.broken.push(`I8 ${messageId} starts after the drain`);
    if (fifo) {
      if (!world.queue.messages.has(messageId)) world.broken.push(`I6 ${messageId} starts although it is deleted`);
      if (here.some((r) => r.groupId === groupId)) world.broken.push(`I6 two of ${groupId} run at once`);
      for (const id of world.sent) {
        if (id === messageId) break;
        if (groups.get(id) !== groupId || over(id)) continue;
        const last = world.runs.findLast((r) => r.messageId === id);
        if (last?.outcome !== 'succeeded') world.broken.push(`I6 ${messageId} starts before ${id}`);
      }
    }
    if (!s.store) return;
    const work = workOf(bodyOf(messageId));
    if (records.isDone(work)) world.broken.push(`I17 ${messageId} starts although ${work} is done`);
    const last = latest.get(work);
    latest.set(work, { run, signal });
    if (last?.run.outcome !== 'running' || last.signal.aborted || jumpedAhead) return;
    const there = world.workers[last.run.worker] as Worker;
    // One message of a batch is not told alone, and a process that stands still cannot be.
    const lost = [...there.lost].some((handle) => handle.startsWith(`${last.run.messageId}/`));
    if (there.process.stalled || (batchSize !== undefined && lost)) return;
    world.broken.push(`I17 ${messageId} starts beside a run of ${last.run.messageId} that was not told to stop`);
  };

  const records = sharedRecords(s.store ?? 'memory', world.clock);
  const wayOf =
    (worker: () => Worker, passage: () => Passage): Way =>
    async (call) => {
      const how = world.clock.now() > CALM_MS ? 0 : passage();
      if (how === 'fails') throw new Error('the store is down');
      if (how === 'hangs') return new Promise(() => {});
      const half = (): Promise<void> =>
        new Promise((resolve) => worker().process.setTimer(typeof how === 'number' ? how / 2 : 0, resolve));
      await half();
      const result = await call();
      await half();
      if (how === 'lost') throw new Error('socket hang up');
      return result;
    };
  const storeCall = (): Passage => s.storeCalls[asks++ % s.storeCalls.length] ?? 0;
  const renewal = (): Passage => {
    if (s.renewals === undefined || renewals++ % 2 === 0) return 0;
    return typeof s.renewals === 'number' ? s.renewals * s.visibilityTimeoutSeconds * 1000 : s.renewals;
  };
  const spawn = (): void => {
    const codec: BodyCodec = {
      decode: async (body, { messageId }) => {
        const how = world.clock.now() > CALM_MS ? 0 : s.codecCalls[decodes++ % s.codecCalls.length];
        if (how === 'fails') throw new Error('no object today');
        if (how === 'poison') throw new PermanentError('not for us');
        await new Promise<void>((resolve) => worker.process.setTimer(typeof how === 'number' ? how : 0, resolve));
        if (!objects.has(body) && world.queue.messages.has(messageId)) world.broken.push(`I15 no object for ${body}`);
        return body;
      },
      afterDelete: async ({ messageId, body }) => {
        if (world.queue.messages.has(messageId)) world.broken.push(`I15 the object of ${messageId} goes first`);
        objects.delete(body);
      },
    };
    const faulty = records.reachedBy(wayOf(() => worker, storeCall));
    const wayOfRenewals = wayOf(() => worker, renewal);
    const quick = records.reachedBy((call) => call());
    const options: Partial<ConsumerOptions> = {
      ...(s.codec && { claimCheck: codec }),
      ...(s.store && {
        idempotency: {
          store: {
            begin: (key, claim) => faulty.begin(key, claim),
            renew: (key, claim) => wayOfRenewals(() => quick.renew(key, claim)),
            complete: (key, owner) => faulty.complete(key, owner),
            release: (key, owner) => faulty.release(key, owner),
          },
          key: ({ body }) => workOf(body),
        },
      }),
    };
    const worker: Worker = world.spawn(options);
  };
  const drain = async (worker: Worker, budgetMs: number): Promise<void> => {
    const report = await worker.consumer.drain({ budgetMs });
    drained.add(worker);
    if (report.durationMs > budgetMs && !s.blows.some(({ kind }) => kind === 'stall'))
      world.broken.push(`I8 a drain of ${budgetMs} ms took ${report.durationMs} ms`);
    if (!report.clean) return;
    for (const { messageId, receiptHandle = '' } of world.queue.inFlight) {
      if (!worker.handed.has(receiptHandle) || worker.released.has(messageId) || worker.lost.has(receiptHandle))
        continue;
      world.broken.push(`I8 ${receiptHandle} is still held after a clean drain`);
    }
  };

  world.send(s.messages, s.groups);
  for (const id of world.sent) {
    groups.set(id, world.queue.messages.get(id)?.groupId);
    objects.add(bodyOf(id));
  }
  spawn();
  for (const { afterMs, kind, forMs } of s.blows) {
    await world.clock.advance(afterMs);
    const worker = world.workers.findLast((w) => w.process.alive && !w.consumer.stats().draining);
    if (kind === 'jumpBack') world.clock.jumpWallClock(-3_600_000);
    if (kind === 'jumpAhead') world.clock.jumpWallClock(3_600_000);
    jumpedAhead ||= kind === 'jumpAhead';
    if (worker && kind === 'stall') worker.process.stall(forMs);
    if (worker && kind === 'kill') world.kill(worker);
    if (worker && kind === 'drain') void drain(worker, forMs);
    if (kind === 'kill' || kind === 'drain' || kind === 'join') spawn();
  }
  if (!(await world.untilDone(12 * 3_600_000))) world.broken.push(`I1 ${world.queue.messages.size} are never done`);
  // The last handlers that were told to stop, and the last answers.
  await world.clock.advance(Math.max(CALM_MS - world.clock.now(), 0) + 60_000);
  await world.drainAll();
  world.checkNothingLost();
  if (stopTheLine && s.maxReceiveCount === undefined && world.dead.messages.size > 0)
    world.broken.push('the line did not stop');
  if (s.codec)
    for (const { body } of world.dead.messages.values())
      if (!objects.has(body) && !world.finished(body)) world.broken.push(`I15 the dead-letter queue misses ${body}`);
  if (world.clock.pendingTimers > 0) world.broken.push(`I10 ${world.clock.pendingTimers} timers are left`);
  return world.broken;
}

describe('Consumer with all of its options, under every fault', () => {
  test.each([
    ['standard', false],
    ['FIFO', true],
  ])(
    'keeps I1 to I6, I8, I10, I15 and I17 (%s)',
    async (_, fifo) => {
      const numRuns = runs(60);
      await fc.assert(
        fc.asyncProperty(scenario, async (s) => expect(await play(s, fifo)).toEqual([])),
        { numRuns },
      );
    },
    600_000,
  );
});
