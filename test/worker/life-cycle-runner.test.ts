import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { AutoScalingApiServer } from '../../local/auto-scaling-api';
import { AutoScalingGroupEmulation } from '../../local/auto-scaling-group';
import { InstanceMetadataServer } from '../../local/instance-metadata';
import { type Logger, silentLogger } from '../../messaging';
import { ownGroup } from '../../worker/auto-scaling-client';
import { InstanceMetadataClient } from '../../worker/instance-metadata-client';
import { LifeCycleRunner, type Work } from '../../worker/life-cycle-runner';
import { ManualClock } from '../support/manual-clock';

jest.setTimeout(20_000);

/** Work that a test directs by hand. */
class DirectedWork implements Work {
  handlerReady = true;
  polled = false;
  drained = false;
  running = 0;
  readonly budgets: number[] = [];
  started = false;
  start(): void {
    this.started = true;
    this.polled = true;
  }
  drain(budgetMs: number): void {
    this.budgets.push(budgetMs);
  }
}

/** Minutes of an instance's life in milliseconds: real HTTP on both sides, one clock for all that is directed by hand. */
describe('LifeCycleRunner over HTTP with compressed time', () => {
  const HOOK_MS = 120_000;
  let clock: ManualClock;
  let metadata: InstanceMetadataServer;
  let api: AutoScalingApiServer;
  let group: AutoScalingGroupEmulation;
  let client: AutoScalingClient;
  let work: DirectedWork;
  let runner: LifeCycleRunner;
  let over: Promise<void>;
  const stopped: string[] = [];
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (_fields, text) => void warnings.push(text ?? '') };

  beforeEach(async () => {
    stopped.length = 0;
    warnings.length = 0;
    clock = new ManualClock();
    work = new DirectedWork();
    let launched = 0;
    group = new AutoScalingGroupEmulation({
      name: 'fleet',
      hooks: [
        { name: 'Up', transition: 'launching', heartbeatTimeoutMs: 450_000, defaultResult: 'ABANDON' },
        { name: 'Down', transition: 'terminating', heartbeatTimeoutMs: HOOK_MS, defaultResult: 'CONTINUE' },
      ],
      clock,
      newId: () => `i-${++launched}`,
      machines: {
        start: () => {},
        retarget: (id, target) => {
          if (id === 'i-1') metadata.targetLifecycleState = target;
        },
        // Of a replacement, which has no worker here, nothing is told.
        stop: (id, reason) => {
          if (id !== 'i-1') return;
          stopped.push(`${id} ${reason}`);
          // The machine is gone, and its metadata with it.
          metadata.fault = 'down';
        },
      },
    });
    metadata = await InstanceMetadataServer.start({ instanceId: 'i-1', autoScalingGroupName: 'fleet', clock });
    api = await AutoScalingApiServer.start([group]);
    client = new AutoScalingClient({
      endpoint: api.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    });
    group.setDesiredCapacity(1);
    const source = new InstanceMetadataClient({ endpoint: metadata.endpoint });
    runner = new LifeCycleRunner({
      clock,
      logger,
      work,
      rules: { launchHookName: 'Up', terminateHookName: 'Down', terminateHookMs: HOOK_MS, drainTimeoutMs: 7_200_000 },
      instance: {
        fate: () => source.fate(),
        group: async () => ownGroup(client, await source.autoScalingGroupName(), await source.instanceId(), () => {}),
      },
    });
    over = runner.run();
  });
  afterEach(async () => {
    work.drained = true;
    runner.requestStop();
    await pass(10_000);
    await over;
    group.close();
    client.destroy();
    await Promise.all([metadata.close(), api.close()]);
  });

  /** Lets `ms` pass in steps of a second, each with time for the requests that it causes. */
  async function pass(ms: number): Promise<void> {
    for (const endMs = clock.now() + ms; clock.now() < endMs;) {
      await clock.advance(1_000);
      await quiet();
    }
  }

  /** Waits until no request is under way: nothing new was answered for some turns of the event loop. */
  async function quiet(): Promise<void> {
    let seen = -1;
    for (let same = 0; same < 12;) {
      await new Promise((resolve) => setImmediate(resolve));
      const answered = metadata.requests.length + api.calls.length;
      same = answered === seen ? same + 1 : 0;
      seen = answered;
    }
  }

  const actions = (name: string) => api.calls.filter(({ action, status }) => action === name && status === 200).length;

  test('holds the terminate hook of two minutes for ten minutes of work, then lets the instance go', async () => {
    await pass(10_000);
    expect(group.instances).toMatchObject([{ state: 'InService' }]);
    work.running = 1;
    await pass(10_000);
    expect(group.instances).toMatchObject([{ protectedFromScaleIn: true }]);
    group.terminate('i-1');
    await pass(600_000);
    expect(stopped).toEqual([]);
    expect(work.budgets).toEqual([7_200_000]);
    // One heartbeat for each half of the hook's timeout.
    expect(actions('RecordLifecycleActionHeartbeat')).toBeGreaterThanOrEqual(9);
    expect(actions('RecordLifecycleActionHeartbeat')).toBeLessThanOrEqual(11);
    work.running = 0;
    work.drained = true;
    await pass(10_000);
    expect(stopped).toEqual(['i-1 scale-in']);
  });

  test('a protected instance is not chosen, and is once it is idle', async () => {
    await pass(10_000);
    work.running = 1;
    await pass(10_000);
    group.setDesiredCapacity(0);
    await pass(60_000);
    expect(group.instances).toMatchObject([{ state: 'InService' }]);
    work.running = 0;
    await pass(20_000);
    expect(work.budgets).toHaveLength(1);
    work.drained = true;
    await pass(10_000);
    expect(stopped).toEqual(['i-1 scale-in']);
    expect(actions('SetInstanceProtection')).toBe(2);
  });

  test('throttled heartbeats: work is handed back before the hook ends', async () => {
    await pass(10_000);
    api.fault = 'throttled';
    group.terminate('i-1');
    const hookEndsMs = clock.now() + HOOK_MS;
    await pass(HOOK_MS - 15_000);
    const last = work.budgets.at(-1) ?? Infinity;
    expect(work.budgets.length).toBe(2);
    expect(last).toBeLessThanOrEqual(hookEndsMs - clock.now());
    api.fault = undefined;
    work.drained = true;
    await pass(10_000);
    expect(stopped).toContain('i-1 scale-in');
  });

  test('instance metadata is down for a while, and its tokens expire: scale-in is seen all the same', async () => {
    await pass(10_000);
    metadata.fault = 'down';
    group.terminate('i-1');
    await pass(20_000);
    expect(work.budgets).toEqual([]);
    metadata.fault = undefined;
    metadata.revokeTokens();
    await pass(5_000);
    expect(work.budgets).toHaveLength(1);
    work.drained = true;
    await pass(5_000);
    expect(stopped).toContain('i-1 scale-in');
  });

  test('asks nothing of a machine that is gone once it has let it go, and ends without a word', async () => {
    await pass(10_000);
    group.terminate('i-1');
    await pass(5_000);
    work.drained = true;
    runner.wake();
    await pass(10_000);
    await over;
    expect(stopped).toEqual(['i-1 scale-in']);
    expect(runner.phase).toBe('exited');
    expect(warnings).toEqual([]);
  });
});
