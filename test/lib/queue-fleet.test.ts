import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Encryption, FifoWorkQueue, Producer, QueueFleet, ScalingPolicy, WorkerCode, Workload } from '../../lib';
import type { QueueFleetProps } from '../../lib';

const workload = new Workload({
  averageProcessingTime: Duration.minutes(3),
  p99ProcessingTime: Duration.minutes(12),
  acceptableLatency: Duration.minutes(10),
});

/** Without bundling: what is in the asset is the worker's own test. */
const testStack = () => new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Test');

function queueFleet(props: Partial<QueueFleetProps> = {}) {
  const stack = testStack();
  const videos = new QueueFleet(stack, 'Videos', { workload, code: WorkerCode.command(['true']), ...props });
  return { stack, videos, template: Template.fromStack(stack) };
}

const GROUP = 'AWS::AutoScaling::AutoScalingGroup';
const KEY_ARN = 'arn:aws:kms:eu-west-1:111111111111:key/volumes';
const workerEnvironment = (template: Template): Record<string, string> =>
  Object.values(template.findResources(GROUP))[0]?.Metadata['cdk-queue-fleet:worker'].environment;

describe('QueueFleet', () => {
  test('launches from several pools', () => {
    const { template } = queueFleet({ alternativeInstanceTypes: [new ec2.InstanceType('c6g.large')] });
    template.hasResourceProperties(GROUP, {
      MixedInstancesPolicy: {
        LaunchTemplate: { Overrides: [{ InstanceType: 't4g.small' }, { InstanceType: 'c6g.large' }] },
      },
    });
  });

  test.each([
    ['a peak', { peakRatePerSecond: 600 }, /'peakRatePerSecond' \(600 messages per second\) must need at most 10000/],
    ['a burst', { burst: 50_000 }, /'burst' \(50000 messages\) must need at most 10000 instances, but needs 30000/],
    [
      'both',
      { peakRatePerSecond: 50, burst: 5_000 },
      /'peakRatePerSecond' \(50 messages per second\) and 'burst' \(5000 messages\) must need/,
    ],
  ])('fails when %s needs more instances than a group may have', (_, load, text) => {
    const of = (maxCapacity?: number) => () =>
      queueFleet({
        workload: new Workload({
          averageProcessingTime: Duration.minutes(3),
          acceptableLatency: Duration.minutes(10),
          ...load,
        }),
        maxCapacity,
      });
    expect(of()).toThrow(text);
    expect(of()).not.toThrow(/'maxCapacity' \(/);
    // A maximum that somebody chose is no more than what may run.
    expect(of(100)).not.toThrow();
  });

  test('keeps its construct ids', () => {
    const { videos } = queueFleet();
    expect(videos.node.children.map((child) => child.node.id)).toEqual(['Queue', 'Fleet', 'Scaling', 'Monitoring']);
  });

  test('derives everything from the workload', () => {
    const { template, videos } = queueFleet();
    template.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 300,
      MessageRetentionPeriod: 345_600,
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 3 }),
    });
    template.hasResourceProperties(GROUP, {
      MinSize: '1',
      MaxSize: '10',
      DefaultInstanceWarmup: 60,
      LifecycleHookSpecificationList: [
        Match.objectLike({ HeartbeatTimeout: 450, DefaultResult: 'ABANDON' }),
        Match.objectLike({ HeartbeatTimeout: 780 }),
      ],
    });
    expect(workerEnvironment(template)).toMatchObject({
      QUEUE_FLEET_CONCURRENCY: '1',
      QUEUE_FLEET_VISIBILITY_TIMEOUT_SECONDS: '300',
      QUEUE_FLEET_DRAIN_TIMEOUT_SECONDS: '2160',
      QUEUE_FLEET_TERMINATE_HOOK_SECONDS: '780',
    });
    // Three that scale, the others page.
    template.resourceCountIs('AWS::CloudWatch::Alarm', 3 + videos.monitoring.alarms.length);
    template.resourceCountIs('AWS::AutoScaling::ScalingPolicy', 3);
  });

  test('lets a bucket send to the queue that it made', () => {
    const stack = testStack();
    const videos = new QueueFleet(stack, 'Videos', { workload, code: WorkerCode.command(['true']) });
    expect(videos.addProducer(Producer.bucket(new s3.Bucket(stack, 'Bucket'))).success).toBe(true);
    Template.fromStack(stack).hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: 'sqs:SendMessage', Principal: { Service: 's3.amazonaws.com' } }),
        ]),
      },
    });
  });

  test('is large enough for the declared peak', () => {
    const peak = (peakRatePerSecond: number) =>
      new Workload({
        averageProcessingTime: Duration.minutes(3),
        acceptableLatency: Duration.minutes(10),
        peakRatePerSecond,
      });
    queueFleet({ workload: peak(0.2) }).template.hasResourceProperties(GROUP, { MaxSize: '36' });
    queueFleet({ workload: peak(0.001), minCapacity: 4 }).template.hasResourceProperties(GROUP, { MaxSize: '4' });
    queueFleet({ workload: peak(0.2), maxCapacity: 5 }).template.hasResourceProperties(GROUP, { MaxSize: '5' });
  });

  test('runs Spot instances or a warm pool when the workload says so', () => {
    const times = { averageProcessingTime: Duration.seconds(30), acceptableLatency: Duration.minutes(10) };
    queueFleet({ workload: new Workload({ ...times, spot: true }) }).template.hasResourceProperties(GROUP, {
      MixedInstancesPolicy: { InstancesDistribution: Match.objectLike({ OnDemandPercentageAboveBaseCapacity: 0 }) },
    });
    const warm = queueFleet({ workload: new Workload({ ...times, warmPool: true }) }).template;
    warm.resourceCountIs('AWS::AutoScaling::WarmPool', 1);
    queueFleet().template.resourceCountIs('AWS::AutoScaling::WarmPool', 0);
  });

  test.each([
    ['half of the way to the maximum', {}, {}, { MaxGroupPreparedCapacity: 6 }],
    ['half of a larger group', {}, { minCapacity: 2, maxCapacity: 101 }, { MaxGroupPreparedCapacity: 52 }],
    ['what the peak needs', { peakRatePerSecond: 0.05 }, { maxCapacity: 50 }, { MaxGroupPreparedCapacity: 9 }],
    ['never more than the group', { peakRatePerSecond: 0.05 }, { maxCapacity: 5 }, { MaxGroupPreparedCapacity: 5 }],
    [
      'what is asked for',
      {},
      { warmPool: { minSize: 2, maxGroupPreparedCapacity: 3, reuseOnScaleIn: true } },
      { MinSize: 2, MaxGroupPreparedCapacity: 3, InstanceReusePolicy: { ReuseOnScaleIn: true } },
    ],
  ])('keeps a warm pool: %s', (_, declared, props, pool) => {
    const times = { averageProcessingTime: Duration.minutes(3), acceptableLatency: Duration.minutes(10) };
    const workload = new Workload({ ...times, ...declared, warmPool: true });
    queueFleet({ workload, ...props }).template.hasResourceProperties('AWS::AutoScaling::WarmPool', pool);
  });

  test('mixes Spot and On-Demand instances', () => {
    const times = { averageProcessingTime: Duration.seconds(30), acceptableLatency: Duration.minutes(10) };
    const workload = new Workload({ ...times, spot: true });
    const { template } = queueFleet({ workload, onDemandBaseCapacity: 1, onDemandPercentage: 20 });
    template.hasResourceProperties(GROUP, {
      MixedInstancesPolicy: {
        InstancesDistribution: Match.objectLike({ OnDemandBaseCapacity: 1, OnDemandPercentageAboveBaseCapacity: 20 }),
      },
    });
  });

  test('takes every option of its instances', () => {
    const stack = testStack();
    new QueueFleet(stack, 'Videos', {
      workload,
      code: WorkerCode.command(['true']),
      allowAllOutbound: false,
      bootCommands: ['dnf install -y own-agent'],
      logRetention: logs.RetentionDays.ONE_WEEK,
      maxInstanceLifetime: Duration.days(2),
      notificationsTopic: new sns.Topic(stack, 'Topic'),
      role: iam.Role.fromRoleName(stack, 'Workers', 'workers'),
      volumeSize: Size.gibibytes(100),
      volumeEncryptionKey: kms.Key.fromKeyArn(stack, 'Key', KEY_ARN),
    });
    const template = Template.fromStack(stack);
    template.hasResourceProperties(GROUP, {
      MaxInstanceLifetime: 172_800,
      NotificationConfigurations: [Match.anyValue()],
    });
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: Match.objectLike({
        BlockDeviceMappings: [
          Match.objectLike({ Ebs: Match.objectLike({ VolumeSize: 100, Encrypted: true, KmsKeyId: KEY_ARN }) }),
        ],
      }),
    });
    template.hasResourceProperties('AWS::IAM::InstanceProfile', { Roles: ['workers'] });
    expect(JSON.stringify(template.findResources('AWS::EC2::LaunchTemplate'))).toContain('dnf install -y own-agent');
    template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
  });

  test('opens the way out only where it is allowed to', () => {
    const stack = testStack();
    const videos = new QueueFleet(stack, 'Videos', {
      workload,
      code: WorkerCode.command(['true']),
      allowAllOutbound: false,
    });
    const database = new ec2.SecurityGroup(stack, 'Database', { vpc: videos.fleet.vpc });
    new ec2.Connections({ securityGroups: [database], defaultPort: ec2.Port.tcp(5432) }).allowDefaultPortFrom(videos);
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: 'Queue workers: nothing comes in',
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443 })],
    });
    const egress = Object.values(template.findResources('AWS::EC2::SecurityGroupEgress')).map(
      ({ Properties }) => Properties.ToPort as number,
    );
    expect(egress.sort()).toEqual([443, 5432]);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 5432 });
  });

  test('lets the workers publish as often as the policy reads', () => {
    const interval = (props: Partial<QueueFleetProps>) =>
      workerEnvironment(queueFleet(props).template)['QUEUE_FLEET_METRICS_INTERVAL_SECONDS'];
    expect(interval({})).toBe('60');
    expect(interval({ policy: ScalingPolicy.highResolution() })).toBe('10');
  });

  test('works on a given queue', () => {
    const stack = testStack();
    const queue = new FifoWorkQueue(stack, 'Orders');
    const props = { workload, code: WorkerCode.command(['true']), queue, messageGroups: 4 };
    const orders = new QueueFleet(stack, 'Videos', props);
    expect(orders.workQueue).toBe(queue);
    expect(orders.node.tryFindChild('Queue')).toBeUndefined();
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
      Metrics: Match.arrayWith([Match.objectLike({ Expression: 'IF(larger>4,4,larger)' })]),
    });
  });

  test('fails when a given queue is to be encrypted', () => {
    const stack = testStack();
    const queue = new FifoWorkQueue(stack, 'Orders');
    const props = { workload, code: WorkerCode.command(['true']), queue, encryption: Encryption.sqsManaged() };
    expect(() => new QueueFleet(stack, 'Videos', props)).toThrow('EncryptionOfGivenQueue');
  });

  test('can be granted what its handler needs', () => {
    const stack = testStack();
    const videos = new QueueFleet(stack, 'Videos', { workload, code: WorkerCode.command(['true']) });
    new s3.Bucket(stack, 'Bucket').grantRead(videos);
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Action: Match.arrayWith(['s3:GetObject*']) })]),
      },
    });
  });
});
