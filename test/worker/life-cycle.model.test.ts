import { AutoScalingGroupEmulation, GroupRefusal } from '../../local/auto-scaling-group';
import { silentLogger } from '../../messaging';
import type { OwnGroup } from '../../worker/auto-scaling-client';
import type { InstanceFate } from '../../worker/instance-metadata-client';
import type { Outcome } from '../../worker/life-cycle';
import { LifeCycleRunner, type Work } from '../../worker/life-cycle-runner';
import fc, { runs, turns } from '../support/properties';
import { settlePromises, VirtualClock } from '../support/virtual-clock';

/** How a call goes: milliseconds until its answer; `lost`: it is done, and its answer is not heard. */
type Passage = number | 'fails' | 'lost';

/** Arrays are taken in turn. */
const scenario = fc.record({
  terminateHookMs: fc.constantFrom(60_000, 120_000, 600_000),
  drainTimeoutMs: fc.constantFrom(10_000, 300_000, 7_200_000),
  /** What is left to do when the drain begins. */
  workMs: fc.constantFrom(0, 1_000, 50_000, 400_000, 6_000_000),
  /** Instance metadata: the client gives up after a moment. Each third answer is heard. */
  metadata: turns(fc.constantFrom<Passage>(0, 10, 1_000, 4_000, 'fails'), 6),
  /** Auto Scaling: two attempts of five seconds each. */
  calls: fc.oneof(
    { weight: 3, arbitrary: turns(fc.constantFrom<Passage>(0, 0, 100, 5_000, 10_000, 'fails', 'lost'), 6) },
    { weight: 1, arbitrary: fc.constantFrom<Passage[]>(['fails'], ['fails', 10_000]) },
  ),
  events: fc.array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 200_000 }),
      kind: fc.constantFrom('terminate', 'stop', 'spot'),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

/** Until then all goes well, so that the instance comes into service. */
const BEGIN_MS = 30_000;
const SPOT_NOTICE_MS = 120_000;

/** Plays one life. @returns what was broken */
async function play(s: Scenario): Promise<string[]> {
  const broken: string[] = [];
  const clock = new VirtualClock();
  let target: 'InService' | 'Terminated' = 'InService';
  let spotAtMs: number | undefined;
  let goneAtMs: number | undefined;
  let asked = 0;
  let called = 0;
  let launched = 0;
  let drainEndsAtMs = Infinity;
  let endsAtMs = Infinity;
  const budgets: number[] = [];

  const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimer(ms, resolve));
  const takeAway = (reason: string): void => {
    goneAtMs ??= clock.now();
    if (!work.drained) broken.push(`the machine goes (${reason}) with work that was not handed back`);
  };
  const group = new AutoScalingGroupEmulation({
    name: 'fleet',
    hooks: [
      { name: 'Up', transition: 'launching', heartbeatTimeoutMs: 450_000, defaultResult: 'ABANDON' },
      { name: 'Down', transition: 'terminating', heartbeatTimeoutMs: s.terminateHookMs, defaultResult: 'CONTINUE' },
    ],
    clock,
    newId: () => `i-${++launched}`,
    machines: {
      start: () => {},
      // Of a replacement, which has no worker here, nothing is told.
      retarget: (id, to) => void (id === 'i-1' && (target = to)),
      stop: (id, reason) => void (id === 'i-1' && takeAway(reason)),
    },
  });
  const work: { -readonly [K in keyof Work]: Work[K] } = {
    handlerReady: true,
    polled: false,
    drained: false,
    running: 1,
    start: () => void (work.polled = true),
    drain: (budgetMs: number) => {
      budgets.push(budgetMs);
      drainEndsAtMs = Math.min(drainEndsAtMs, clock.now() + s.workMs);
      endsAtMs = Math.min(endsAtMs, drainEndsAtMs, clock.now() + budgetMs);
      clock.setTimer(endsAtMs - clock.now(), () => {
        work.drained = true;
        work.running = 0;
        runner.wake();
      });
    },
  };
  const fate = async (): Promise<InstanceFate> => {
    const how = clock.now() < BEGIN_MS || asked % 3 === 2 ? 0 : s.metadata[asked % s.metadata.length];
    asked += 1;
    await wait(typeof how === 'number' ? how : 1_000);
    if (typeof how !== 'number') throw new Error('no answer');
    return {
      rebalanceRecommended: false,
      targetState: target,
      ...(spotAtMs !== undefined && { spot: { action: 'terminate', atMs: spotAtMs } }),
    };
  };
  const call = async (effect: () => void): Promise<Outcome> => {
    const how = clock.now() < BEGIN_MS ? 0 : (s.calls[called++ % s.calls.length] ?? 0);
    await wait(typeof how === 'number' ? how / 2 : 5_000);
    if (how === 'fails') return 'failed';
    try {
      effect();
    } catch (error) {
      if (error instanceof GroupRefusal) return 'refused';
      throw error;
    }
    await wait(typeof how === 'number' ? how / 2 : 5_000);
    return how === 'lost' ? 'failed' : 'done';
  };
  const own: OwnGroup = {
    completeLifecycleAction: (hook) => call(() => group.completeLifecycleAction('i-1', hook, 'CONTINUE')),
    recordHeartbeat: (hook) => call(() => group.recordHeartbeat('i-1', hook)),
    setProtection: (on) => call(() => group.setProtection('i-1', on)),
  };
  const runner = new LifeCycleRunner({
    clock,
    logger: silentLogger,
    work,
    rules: {
      launchHookName: 'Up',
      terminateHookName: 'Down',
      terminateHookMs: s.terminateHookMs,
      drainTimeoutMs: s.drainTimeoutMs,
    },
    instance: { fate, group: async () => own },
  });
  let exited = false;
  group.setDesiredCapacity(1);
  void runner.run().then(() => (exited = true));
  await clock.advance(BEGIN_MS + 10_000);
  if (group.instances[0]?.state !== 'InService') broken.push('the instance is not in service');
  for (const { afterMs, kind } of s.events) {
    await clock.runUntil(() => exited || goneAtMs !== undefined, clock.now() + afterMs);
    if (exited || goneAtMs !== undefined) break;
    if (kind === 'stop') runner.requestStop();
    if (kind === 'terminate' && group.instances[0]?.state === 'InService') group.terminate('i-1');
    if (kind === 'spot' && spotAtMs === undefined) {
      spotAtMs = clock.wallClock() + SPOT_NOTICE_MS;
      clock.setTimer(SPOT_NOTICE_MS, () => {
        if (goneAtMs === undefined) takeAway('Spot');
      });
    }
  }
  // The process ends by itself, or with its machine; either way all that it had was handed back before.
  const ended = await clock.runUntil(() => exited || goneAtMs !== undefined, clock.now() + 8 * 3_600_000);
  if (!ended) broken.push(`it does not end: ${runner.phase}`);
  if (exited && !work.drained) broken.push('the process ended before its work was handed back');
  const calm = s.calls.every((how) => how === 0 || how === 100);
  const hurried = s.events.some(({ kind }) => kind === 'spot');
  if (calm && !hurried && budgets.length > 1 && 100 * s.terminateHookMs > s.drainTimeoutMs)
    broken.push(`a drain is shortened for nothing: ${budgets.join(', ')}`);
  group.close();
  await settlePromises();
  return broken;
}

describe('a worker on an instance, while metadata and Auto Scaling fail now and then', () => {
  test('has handed its work back before its machine goes, ends, and uses all of the time it has', async () => {
    const numRuns = runs(100);
    await fc.assert(
      fc.asyncProperty(scenario, async (s) => expect(await play(s)).toEqual([])),
      { numRuns },
    );
  }, 600_000);
});
