import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingInstancesCommand,
  RecordLifecycleActionHeartbeatCommand,
  SetDesiredCapacityCommand,
  SetInstanceProtectionCommand,
} from '@aws-sdk/client-auto-scaling';
import { AutoScalingApiServer } from '../../local/auto-scaling-api';
import { AutoScalingGroupEmulation } from '../../local/auto-scaling-group';
import { ManualClock } from '../support/manual-clock';

describe('AutoScalingApiServer, asked by the AWS SDK', () => {
  let api: AutoScalingApiServer;
  let client: AutoScalingClient;
  let group: AutoScalingGroupEmulation;

  beforeEach(async () => {
    let launched = 0;
    group = new AutoScalingGroupEmulation({
      name: 'fleet',
      hooks: [
        { name: 'Up', transition: 'launching', heartbeatTimeoutMs: 90_000, defaultResult: 'ABANDON' },
        { name: 'Down', transition: 'terminating', heartbeatTimeoutMs: 90_000, defaultResult: 'CONTINUE' },
      ],
      clock: new ManualClock(),
      newId: () => `i-${++launched}`,
      machines: { start: () => {}, retarget: () => {}, stop: () => {} },
    });
    group.setDesiredCapacity(1);
    api = await AutoScalingApiServer.start([group]);
    client = new AutoScalingClient({
      endpoint: api.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    });
  });
  afterEach(async () => {
    client.destroy();
    await api.close();
  });

  const hook = (name: string) => ({ AutoScalingGroupName: 'fleet', InstanceId: 'i-1', LifecycleHookName: name });
  const complete = (name: string) =>
    client.send(new CompleteLifecycleActionCommand({ ...hook(name), LifecycleActionResult: 'CONTINUE' }));

  test('carries a whole life of an instance', async () => {
    await complete('Up');
    await client.send(
      new SetInstanceProtectionCommand({
        AutoScalingGroupName: 'fleet',
        InstanceIds: ['i-1'],
        ProtectedFromScaleIn: true,
      }),
    );
    const { AutoScalingInstances } = await client.send(
      new DescribeAutoScalingInstancesCommand({ InstanceIds: ['i-1'] }),
    );
    expect(AutoScalingInstances).toMatchObject([
      { InstanceId: 'i-1', AutoScalingGroupName: 'fleet', LifecycleState: 'InService', ProtectedFromScaleIn: true },
    ]);
    group.terminate('i-1');
    await client.send(new RecordLifecycleActionHeartbeatCommand(hook('Down')));
    await complete('Down');
    expect(api.calls.map(({ action, status }) => `${action} ${status}`)).toEqual([
      'CompleteLifecycleAction 200',
      'SetInstanceProtection 200',
      'DescribeAutoScalingInstances 200',
      'RecordLifecycleActionHeartbeat 200',
      'CompleteLifecycleAction 200',
    ]);
  });

  test('fails with ValidationError when no such lifecycle action is open', async () => {
    await expect(complete('Down')).rejects.toMatchObject({
      name: 'ValidationError',
      message: /No active Lifecycle Action/,
    });
  });

  test('fails with Throttling while that fault is set', async () => {
    api.fault = 'throttled';
    await expect(complete('Up')).rejects.toMatchObject({ name: 'Throttling' });
  });

  test('fails for an action that is not emulated, and records it', async () => {
    const command = new SetDesiredCapacityCommand({ AutoScalingGroupName: 'fleet', DesiredCapacity: 0 });
    await expect(client.send(command)).rejects.toMatchObject({ name: 'InvalidAction' });
    expect(api.calls).toMatchObject([{ action: 'SetDesiredCapacity', status: 400 }]);
  });
});
