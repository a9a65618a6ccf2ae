import { AutoScalingGroupEmulation, type LifecycleHook } from '../../local/auto-scaling-group';
import { ManualClock } from '../support/manual-clock';

const HOOKS: readonly LifecycleHook[] = [
  { name: 'Up', transition: 'launching', heartbeatTimeoutMs: 90_000, defaultResult: 'ABANDON' },
  { name: 'Down', transition: 'terminating', heartbeatTimeoutMs: 60_000, defaultResult: 'CONTINUE' },
];

function setUp(hooks = HOOKS) {
  const clock = new ManualClock();
  const events: string[] = [];
  const group = new AutoScalingGroupEmulation({
    name: 'fleet',
    hooks,
    clock,
    newId: () => `i-${events.filter((e) => e.startsWith('start')).length + 1}`,
    machines: {
      start: (id) => void events.push(`start ${id}`),
      retarget: (id, target) => void events.push(`${target} ${id}`),
      stop: (id, reason) => void events.push(`stop ${id} ${reason}`),
    },
  });
  const inService = (capacity: number): void => {
    group.setDesiredCapacity(capacity);
    for (const { instanceId, state } of group.instances) {
      if (state === 'Pending:Wait') group.completeLifecycleAction(instanceId, 'Up', 'CONTINUE');
    }
  };
  return { clock, events, group, inService };
}

describe('AutoScalingGroupEmulation', () => {
  test('an instance is in service once its launch hook is completed', () => {
    const { group } = setUp();
    group.setDesiredCapacity(1);
    expect(group.instances[0]).toMatchObject({ instanceId: 'i-1', state: 'Pending:Wait', hookDeadlineMs: 90_000 });
    group.completeLifecycleAction('i-1', 'Up', 'CONTINUE');
    expect(group.instances[0]).toMatchObject({ state: 'InService' });
  });

  test('a launch hook that nobody completes replaces the instance', async () => {
    const { group, clock, events } = setUp();
    group.setDesiredCapacity(1);
    await clock.advance(90_000);
    expect(events).toContain('stop i-1 ABANDON');
    expect(group.instances.map(({ instanceId, state }) => [instanceId, state])).toEqual([['i-2', 'Pending:Wait']]);
  });

  test('scale-in takes exactly the surplus, oldest first, and none that is protected', () => {
    const { group, inService, events } = setUp();
    inService(3);
    group.setProtection('i-1', true);
    group.setDesiredCapacity(2);
    expect(group.instances.map(({ state }) => state)).toEqual(['InService', 'Terminating:Wait', 'InService']);
    group.completeLifecycleAction('i-2', 'Down', 'CONTINUE');
    expect(events.filter((e) => e.startsWith('stop'))).toEqual(['stop i-2 scale-in']);
    expect(group.instances).toHaveLength(2);
  });

  test('termination waits for the end of protection; desired capacity does not', () => {
    const { group, inService } = setUp();
    inService(1);
    group.setProtection('i-1', true);
    group.setDesiredCapacity(0);
    expect(group.desiredCapacity).toBe(0);
    expect(group.instances[0]?.state).toBe('InService');
    group.setProtection('i-1', false);
    expect(group.instances[0]?.state).toBe('Terminating:Wait');
  });

  test('heartbeats extend the terminate hook, up to a hundred times its timeout', async () => {
    const { group, inService, clock, events } = setUp();
    inService(1);
    group.terminate('i-1');
    for (let beats = 0; beats < 130 && group.instances.some(({ instanceId }) => instanceId === 'i-1'); beats++) {
      await clock.advance(50_000);
      if (group.instances[0]?.instanceId === 'i-1') group.recordHeartbeat('i-1', 'Down');
    }
    expect(clock.now()).toBe(6_000_000);
    expect(events).toContain('stop i-1 hook-timeout');
  });

  test('a health replacement ignores protection and launches another', () => {
    const { group, inService } = setUp();
    inService(1);
    group.setProtection('i-1', true);
    group.terminate('i-1');
    expect(group.instances.map(({ state }) => state)).toEqual(['Terminating:Wait', 'Pending:Wait']);
  });

  test('a machine that is lost leaves without a hook', () => {
    const { group, inService } = setUp();
    inService(1);
    group.lost('i-1');
    expect(group.instances.map(({ instanceId }) => instanceId)).toEqual(['i-2']);
  });

  test('fails when there is no such lifecycle action, or the instance is not in service', () => {
    const { group } = setUp();
    group.setDesiredCapacity(1);
    expect(() => group.completeLifecycleAction('i-1', 'Down', 'CONTINUE')).toThrow('No active Lifecycle Action');
    expect(() => group.recordHeartbeat('i-9', 'Down')).toThrow('not part of');
    expect(() => group.setProtection('i-1', true)).toThrow('not in InService');
  });

  test('works without hooks', () => {
    const { group, events } = setUp([]);
    group.setDesiredCapacity(1);
    group.setDesiredCapacity(0);
    expect(events).toEqual(['start i-1', 'InService i-1', 'Terminated i-1', 'stop i-1 scale-in']);
  });
});
