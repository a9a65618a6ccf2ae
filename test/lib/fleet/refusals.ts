import { Duration, Lazy, Size, type Stack, Tags } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { join } from 'node:path';
import { FleetEgress, WorkerCode, WorkerFleet, type WorkerFleetProps, WorkQueue } from '../../../lib';
import * as bundle from '../../../lib/private/worker-bundle';
import type { Refusal } from '../../support/refusals';

const FIXTURES = join(__dirname, 'fixtures');
const HANDLER = join(FIXTURES, 'handler.ts');

const fleet =
  (props: Partial<WorkerFleetProps> | ((stack: Stack, queue: WorkQueue) => Partial<WorkerFleetProps>)) =>
  (stack: Stack): void => {
    const queue = new WorkQueue(stack, 'Jobs');
    const own = typeof props === 'function' ? props(stack, queue) : props;
    const code = own.code ?? WorkerCode.fromModule(HANDLER);
    new WorkerFleet(stack, 'Fleet', { ...('queues' in own ? {} : { queue }), ...own, code });
  };
const code = (made: WorkerCode) => fleet({ code: made });
const type = (name: string): ec2.InstanceType => new ec2.InstanceType(name);

/** Every code of lib/fleet. */
export const REFUSALS: readonly Refusal[] = [
  { code: 'BootTimeOutOfRange', when: 'a boot takes 41 minutes', attempt: fleet({ bootTime: Duration.minutes(41) }) },
  { code: 'CapacityOutOfRange', when: 'the group has no room', attempt: fleet({ minCapacity: 0, maxCapacity: 0 }) },
  {
    code: 'ConcurrencyOutOfRange',
    when: 'two queues share one slot',
    attempt: fleet((stack, queue) => ({ queues: [{ queue }, { queue: new WorkQueue(stack, 'More') }] })),
  },
  { code: 'DrainTimeoutOutOfRange', when: 'a drain takes 2 days', attempt: fleet({ drainTimeout: Duration.days(2) }) },
  {
    code: 'EgressOfGivenNetwork',
    when: 'a given network gets an egress',
    attempt: fleet((stack) => ({ vpc: new ec2.Vpc(stack, 'Vpc'), egress: FleetEgress.NAT_GATEWAY })),
  },
  { code: 'EnvironmentNameIllegal', when: 'a variable has a dash', attempt: fleet({ environment: { 'A-B': '1' } }) },
  {
    code: 'EnvironmentNameReserved',
    when: 'a variable is the worker’s own',
    attempt: fleet({ environment: { QUEUE_FLEET_CONCURRENCY: '2' } }),
  },
  { code: 'EnvironmentValueIllegal', when: 'a variable has two lines', attempt: fleet({ environment: { A: '1\n2' } }) },
  {
    code: 'EsbuildMissing',
    when: 'esbuild is not installed',
    attempt: () =>
      bundle.loadEsbuild(HANDLER, () => () => {
        throw Object.assign(new Error('esbuild'), { code: 'MODULE_NOT_FOUND' });
      }),
  },
  {
    code: 'InstanceArchitecturesDiffer',
    when: 'instance types have two architectures',
    attempt: fleet({ instanceType: type('c7g.large'), alternativeInstanceTypes: [type('c7i.large')] }),
  },
  {
    code: 'InstanceLifetimeOutOfRange',
    when: 'an instance lives for an hour',
    attempt: fleet({ maxInstanceLifetime: Duration.hours(1) }),
  },
  {
    code: 'InstanceTagKeyNotValid',
    when: 'all of the app has a tag with a space',
    attempt: (stack) => {
      fleet({})(stack);
      Tags.of(stack.node.root).add('Cost center', '4711');
    },
  },
  {
    code: 'FleetTimeNotConcrete',
    when: 'the boot time is a token',
    attempt: fleet({ bootTime: Duration.seconds(Lazy.number({ produce: () => 90 })) }),
  },
  {
    code: 'MachineImageArchitectureDiffers',
    when: 'the image is for x86_64, as Amazon Linux is by default, and the instances are not',
    attempt: fleet({ machineImage: ec2.MachineImage.latestAmazonLinux2023() }),
  },
  {
    code: 'MachineImageNotSupported',
    when: 'the image is Windows',
    attempt: fleet({
      machineImage: ec2.MachineImage.latestWindows(ec2.WindowsVersion.WINDOWS_SERVER_2022_ENGLISH_FULL_BASE),
    }),
  },
  { code: 'MemoryMaxUnreadable', when: 'the memory is "lots"', attempt: fleet({ memoryMax: 'lots' }) },
  {
    code: 'MetricsIntervalOutOfRange',
    when: 'metrics come every two minutes',
    attempt: fleet({ metricsInterval: Duration.minutes(2) }),
  },
  { code: 'MinCapacityAboveMax', when: 'the minimum is above the maximum', attempt: fleet({ minCapacity: 11 }) },
  { code: 'OnDemandPercentageOutOfRange', when: 'a share is 101 %', attempt: fleet({ onDemandPercentage: 101 }) },
  {
    code: 'QueueNamedTwice',
    when: 'one queue is named twice',
    attempt: fleet((_stack, queue) => ({ queues: [{ queue }, { queue }], concurrency: 2 })),
  },
  { code: 'QueueOrQueues', when: 'there is no queue', attempt: fleet({ queues: [] }) },
  {
    code: 'ReceiveWaitOutOfRange',
    when: 'a long poll takes 21 seconds',
    attempt: fleet({ receiveWaitTime: Duration.seconds(21) }),
  },
  {
    code: 'RoleInAnotherAccount',
    when: 'the role is in another account',
    attempt: fleet((stack) => ({
      role: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::222222222222:role/workers'),
    })),
  },
  {
    code: 'RoleNotForInstances',
    when: 'the role trusts functions only',
    attempt: fleet((stack) => ({
      role: new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }),
    })),
  },
  {
    code: 'TerminateHookOutOfRange',
    when: 'the hook ends after 29 seconds',
    attempt: fleet({ terminateHookTimeout: Duration.seconds(29) }),
  },
  {
    code: 'TooManyRollbackAlarms',
    when: 'eleven alarms guard a change',
    attempt: fleet((stack) => ({
      rollbackAlarms: [...Array(11).keys()].map((n) =>
        cloudwatch.Alarm.fromAlarmArn(stack, `A${n}`, `arn:aws:cloudwatch:us-east-1:111111111111:alarm:a${n}`),
      ),
    })),
  },
  {
    code: 'UserDataTooLarge',
    when: 'the environment has 10,000 characters',
    attempt: fleet({ environment: { A: 'x'.repeat(10_000) } }),
  },
  {
    code: 'VolumeKeyInAnotherRegion',
    when: 'the key of the volumes is in another region',
    attempt: fleet((stack) => ({
      volumeEncryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:111111111111:key/1'),
    })),
  },
  { code: 'VolumeTooSmall', when: 'the volume has 4 GiB', attempt: fleet({ volumeSize: Size.gibibytes(4) }) },
  {
    code: 'VolumeTooSmall',
    when: 'the volume has half a gibibyte too much',
    attempt: fleet({ volumeSize: Size.mebibytes(16.5 * 1024) }),
  },
  {
    code: 'VpcWithoutPrivateSubnets',
    when: 'the network has public subnets only',
    attempt: fleet((stack) => ({
      vpc: new ec2.Vpc(stack, 'Vpc', {
        natGateways: 0,
        subnetConfiguration: [{ name: 'Public', subnetType: ec2.SubnetType.PUBLIC }],
      }),
    })),
  },
  {
    code: 'VpcWithoutPrivateSubnets',
    when: 'a network is imported without its subnets',
    attempt: fleet((stack) => ({
      vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['eu-west-1a'] }),
    })),
  },
  {
    code: 'WarmPoolStateNotPossible',
    when: 'the instances of a warm pool should hibernate',
    attempt: fleet({ warmPool: { poolState: autoscaling.PoolState.HIBERNATED } }),
  },
  {
    code: 'CapacityOutOfRange',
    when: 'the least warm pool is a token',
    attempt: fleet({ warmPool: { minSize: Lazy.number({ produce: () => 2 }) } }),
  },
  {
    code: 'CapacityOutOfRange',
    when: 'the warm pool is negative',
    attempt: fleet({ warmPool: { maxGroupPreparedCapacity: -1 } }),
  },
  {
    code: 'WarmPoolWithSpot',
    when: 'the share of Spot instances beside a warm pool is a token',
    attempt: fleet({ warmPool: {}, onDemandPercentage: Lazy.number({ produce: () => 100 }) }),
  },
  {
    code: 'WarmPoolWithSpot',
    when: 'a warm pool should hold Spot instances',
    attempt: fleet({ warmPool: {}, onDemandPercentage: 50 }),
  },
  {
    code: 'WeightOutOfRange',
    when: 'a weight is 0',
    attempt: fleet((_stack, queue) => ({ queues: [{ queue, weight: 0 }] })),
  },
  {
    code: 'WorkerAssetNameTaken',
    when: 'a directory has a main.js of its own',
    attempt: code(WorkerCode.fromAsset(join(FIXTURES, 'taken'))),
  },
  {
    code: 'WorkerBundleFailed',
    when: 'the handler imports what is not there',
    attempt: code(WorkerCode.fromModule(join(FIXTURES, 'unresolved.js'))),
  },
  { code: 'WorkerCommandEmpty', when: 'a command is empty', attempt: code(WorkerCode.command([])) },
  { code: 'WorkerEntryMissing', when: 'the entry is not there', attempt: code(WorkerCode.fromModule('missing.ts')) },
  {
    code: 'WorkerHandlerNotExported',
    when: 'the module exports something else',
    attempt: code(WorkerCode.fromModule(join(FIXTURES, 'no-handler.ts'))),
  },
  {
    code: 'WorkerPortOutOfRange',
    when: 'the port is a token',
    attempt: code(WorkerCode.http(Lazy.number({ produce: () => 80 }))),
  },
  { code: 'WorkerPortOutOfRange', when: 'the port is 70000', attempt: code(WorkerCode.http(70_000)) },
  { code: 'WorkerPortOutOfRange', when: "the port is the worker's own", attempt: code(WorkerCode.http(9180)) },
  {
    code: 'WorkerVisibilityOutOfRange',
    when: 'the visibility timeout is 5 seconds',
    attempt: fleet({ visibilityTimeout: Duration.seconds(5) }),
  },
];
