import { App, CfnParameter, Duration, Size, Stack, Token } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import type { CfnAutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { WORKER_ENV, WORKER_METADATA_KEY, type WorkerMetadata } from '../../../worker/contract';
import { FleetEgress, WorkerCode, WorkerFleet, type WorkerFleetProps, WorkerSecret, WorkQueue } from '../../../lib';
import { FLEET_TAG } from '../../../lib/private/fleet-role';
import { parseEnvironmentFile } from '../../../lib/private/environment-file';

const HANDLER = `${__dirname}/fixtures/handler.ts`;
type Resource = { Properties: Record<string, unknown>; Metadata: Record<string, unknown>; DependsOn?: string[] };

function synth(props: Partial<WorkerFleetProps> = {}) {
  const stack = new Stack(new App(), 'App');
  const queue = new WorkQueue(stack, 'Videos');
  const fleet = new WorkerFleet(stack, 'Fleet', { queue, code: WorkerCode.fromModule(HANDLER), ...props });
  const template = Template.fromStack(stack);
  const [group] = Object.values(template.findResources('AWS::AutoScaling::AutoScalingGroup')) as Resource[];
  const [launchTemplate] = Object.values(template.findResources('AWS::EC2::LaunchTemplate')) as Resource[];
  if (!group || !launchTemplate) throw new Error('no group');
  return { stack, fleet, template, group, launchTemplate };
}

/** Text of the boot script with every intrinsic written as `<JSON>`. */
function bootScriptOf(launchTemplate: Resource): string {
  const data = launchTemplate.Properties['LaunchTemplateData'] as { UserData: { 'Fn::Base64': unknown } };
  return flatten(data.UserData['Fn::Base64']);
}

function flatten(value: unknown): string {
  if (typeof value === 'string') return value;
  const join = (value as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join'];
  return join ? join[1].map(flatten).join(join[0]) : `<${JSON.stringify(value)}>`;
}

describe('WorkerFleet', () => {
  test('reads a secret under a customer key and a queue of another account', () => {
    const stack = new Stack(new App(), 'App', { env: { account: '111111111111', region: 'eu-west-1' } });
    const secret = new secretsmanager.Secret(stack, 'Secret', { encryptionKey: new kms.Key(stack, 'Key') });
    const queue = WorkQueue.fromQueue(stack, 'Jobs', {
      queue: sqs.Queue.fromQueueArn(stack, 'Imported', 'arn:aws:sqs:eu-west-1:222222222222:jobs'),
    });
    const fleet = new WorkerFleet(stack, 'Fleet', {
      queue,
      code: WorkerCode.fromModule(HANDLER),
      secrets: { A: WorkerSecret.fromSecretsManager(secret) },
    });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({ Principal: { AWS: stack.resolve(fleet.role.roleArn) as unknown } }),
        ]),
      }),
    });
    // What the role may do stays in its managed policy.
    template.resourceCountIs('AWS::IAM::Policy', 0);
  });

  test('passes a memory limit that is a token', () => {
    expect(() => synth({ memoryMax: Token.asString({ Ref: 'Memory' }) })).not.toThrow();
  });

  test('keeps the default type beside alternatives', () => {
    const { template } = synth({ alternativeInstanceTypes: [new ec2.InstanceType('c6g.large')] });
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      MixedInstancesPolicy: {
        LaunchTemplate: { Overrides: [{ InstanceType: 't4g.small' }, { InstanceType: 'c6g.large' }] },
      },
    });
  });

  test('is secure by default', () => {
    const { template } = synth();
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: Match.objectLike({
        MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1, InstanceMetadataTags: 'enabled' },
        BlockDeviceMappings: [
          { DeviceName: '/dev/xvda', Ebs: Match.objectLike({ Encrypted: true, VolumeType: 'gp3' }) },
        ],
        KeyName: Match.absent(),
      }),
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: 'Queue workers: nothing comes in',
      SecurityGroupIngress: Match.absent(),
    });
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::InternetGateway', 0);
  });

  test('goes out through one NAT gateway when asked to, from subnets that nothing reaches', () => {
    const { template, group } = synth({ egress: FleetEgress.NAT_GATEWAY });
    template.resourceCountIs('AWS::EC2::NatGateway', 1);
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
    const workers = (group.Properties['VPCZoneIdentifier'] as { Ref: string }[]).map(({ Ref }) => Ref);
    expect(workers).toHaveLength(2);
    const routes = template.findResources('AWS::EC2::Route');
    const tables = template.findResources('AWS::EC2::SubnetRouteTableAssociation');
    for (const subnet of workers) {
      expect(template.findResources('AWS::EC2::Subnet')[subnet]?.['Properties'].MapPublicIpOnLaunch).toBe(false);
      const table = Object.values(tables).find(({ Properties }) => Properties.SubnetId.Ref === subnet);
      const ways = Object.values(routes).filter(
        ({ Properties }) => Properties.RouteTableId.Ref === table?.['Properties'].RouteTableId.Ref,
      );
      expect(ways.map(({ Properties }) => Object.keys(Properties).sort())).toEqual([
        ['DestinationCidrBlock', 'NatGatewayId', 'RouteTableId'],
      ]);
    }
    template.hasResourceProperties('AWS::EC2::SecurityGroup', { SecurityGroupIngress: Match.absent() });
    const exits = Object.keys(routes).filter((id) => routes[id]?.['Properties'].NatGatewayId !== undefined);
    expect(group.DependsOn).toEqual(expect.arrayContaining(exits));
    // What the network says is kept, whichever way out it has.
    template.resourceCountIs('AWS::EC2::FlowLog', 1);
  });

  test('holds every instance at both ends of its life, from the first one on', () => {
    const { template } = synth({ bootTime: Duration.seconds(100), drainTimeout: Duration.minutes(10) });
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      DefaultInstanceWarmup: 60,
      LifecycleHookSpecificationList: [
        {
          LifecycleHookName: 'WorkerReady',
          LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
          HeartbeatTimeout: 300,
          DefaultResult: 'ABANDON',
        },
        {
          LifecycleHookName: 'WorkerDrained',
          LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
          HeartbeatTimeout: 660,
          DefaultResult: 'CONTINUE',
        },
      ],
      MetricsCollection: [{ Granularity: '1Minute' }],
    });
    template.resourceCountIs('AWS::AutoScaling::LifecycleHook', 0);
  });

  test('replaces instances only as their work allows', () => {
    const { template } = synth();
    template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
      UpdatePolicy: {
        AutoScalingInstanceRefresh: Match.objectLike({
          Strategy: 'Rolling',
          Preferences: Match.objectLike({ ScaleInProtectedInstances: 'Refresh', MinHealthyPercentage: 100 }),
        }),
      },
    });
  });

  test('tells a local run exactly what the instance gets', () => {
    const { group, launchTemplate, fleet } = synth({
      environment: { GREETING: 'a "quoted" $HOME \\ `x` %h', TABLE: Token.asString({ Ref: 'AWS::StackName' }) },
    });
    const metadata = group.Metadata[WORKER_METADATA_KEY] as WorkerMetadata;
    const script = bootScriptOf(launchTemplate);
    const [, file = ''] = /worker\.env <<'QUEUE_FLEET_EOF'\n([^]*?)\nQUEUE_FLEET_EOF/.exec(script) ?? [];
    // Intrinsics hold quotes of their own, which is only so in this text.
    const readable = file.replace(/<\{[^\n]*?\}>/g, (text) => text.replaceAll('"', '\\"'));
    const expected = Object.fromEntries(Object.entries(metadata.environment).map(([k, v]) => [k, flatten(v)]));
    expect(parseEnvironmentFile(readable)).toEqual(expected);
    expect(metadata.command).toEqual(['node', 'main.js']);
    expect(script).toContain(`${metadata.assetHash}.zip`);
    expect(metadata.environment).toMatchObject({
      AWS_REGION: { Ref: 'AWS::Region' },
      [WORKER_ENV.handler]: 'module:./handler.js',
      [WORKER_ENV.autoScalingGroupName]: 'imds',
      [WORKER_ENV.launchHookName]: 'WorkerReady',
      [WORKER_ENV.terminateHookName]: 'WorkerDrained',
      [WORKER_ENV.terminateHookSeconds]: '360',
      [WORKER_ENV.drainTimeoutSeconds]: '300',
    });
    expect(fleet.autoScalingGroup.node.path).toBe('App/Fleet/Group');
  });

  test('puts several queues, their weights and dead-letter queues in one order', () => {
    const stack = new Stack(new App(), 'App');
    const [urgent, bulk] = [new WorkQueue(stack, 'Urgent'), new WorkQueue(stack, 'Bulk')];
    new WorkerFleet(stack, 'Fleet', {
      queues: [{ queue: urgent, weight: 3 }, { queue: bulk }],
      concurrency: 8,
      code: WorkerCode.fromModule(HANDLER),
    });
    const [group] = Object.values(Template.fromStack(stack).findResources('AWS::AutoScaling::AutoScalingGroup'));
    const { environment } = group?.['Metadata'][WORKER_METADATA_KEY] as WorkerMetadata;
    const ref = (queue: WorkQueue['queue'] | undefined) => stack.resolve(queue?.queueUrl) as { Ref: string };
    expect(environment[WORKER_ENV.queueUrl]).toEqual({
      'Fn::Join': ['', [ref(urgent.queue), ' ', ref(bulk.queue)]],
    });
    expect(environment[WORKER_ENV.deadLetterQueueUrl]).toEqual({
      'Fn::Join': ['', [ref(urgent.deadLetterQueue), ' ', ref(bulk.deadLetterQueue)]],
    });
    expect(environment[WORKER_ENV.queueWeights]).toBe('3 1');
  });

  test('Spot comes from several pools and is replaced ahead of an interruption', () => {
    const { template } = synth({
      onDemandPercentage: 25,
      onDemandBaseCapacity: 1,
      instanceType: new ec2.InstanceType('c7g.large'),
      alternativeInstanceTypes: [new ec2.InstanceType('c6g.large')],
    });
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      CapacityRebalance: true,
      MixedInstancesPolicy: {
        InstancesDistribution: {
          OnDemandBaseCapacity: 1,
          OnDemandPercentageAboveBaseCapacity: 25,
          SpotAllocationStrategy: 'price-capacity-optimized',
        },
        LaunchTemplate: { Overrides: [{ InstanceType: 'c7g.large' }, { InstanceType: 'c6g.large' }] },
      },
    });
  });

  test('passes numbers that are parameters of the stack wherever nothing is computed from them', () => {
    const stack = new Stack(new App(), 'App');
    const parameter = (id: string) => new CfnParameter(stack, id, { type: 'Number', default: 2 }).valueAsNumber;
    const weighted = (id: string) => ({ queue: new WorkQueue(stack, id), weight: parameter(`${id}Weight`) });
    new WorkerFleet(stack, 'Fleet', {
      queues: [weighted('Urgent'), weighted('Bulk')],
      code: WorkerCode.fromModule(HANDLER),
      concurrency: parameter('Slots'),
      minCapacity: parameter('Least'),
      maxCapacity: parameter('Most'),
      onDemandPercentage: parameter('Share'),
      onDemandBaseCapacity: parameter('Base'),
      volumeSize: Size.gibibytes(parameter('Disk')),
    });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: Match.objectLike({
        BlockDeviceMappings: [Match.objectLike({ Ebs: Match.objectLike({ VolumeSize: { Ref: 'Disk' } }) })],
      }),
    });
    template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
      Properties: {
        MinSize: { Ref: 'Least' },
        MaxSize: { Ref: 'Most' },
        CapacityRebalance: true,
        MixedInstancesPolicy: {
          InstancesDistribution: Match.objectLike({
            OnDemandBaseCapacity: { Ref: 'Base' },
            OnDemandPercentageAboveBaseCapacity: { Ref: 'Share' },
          }),
        },
      },
      Metadata: {
        [WORKER_METADATA_KEY]: {
          environment: Match.objectLike({
            [WORKER_ENV.concurrency]: { Ref: 'Slots' },
            [WORKER_ENV.queueWeights]: { 'Fn::Join': ['', [{ Ref: 'UrgentWeight' }, ' ', { Ref: 'BulkWeight' }]] },
          }),
        },
      },
    });
  });

  test('a warm pool, notifications, rollback alarms and the lifetime reach the group', () => {
    const stack = new Stack(new App(), 'App');
    new WorkerFleet(stack, 'Fleet', {
      queue: new WorkQueue(stack, 'Jobs'),
      code: WorkerCode.fromModule(HANDLER),
      warmPool: { minSize: 2 },
      notificationsTopic: new sns.Topic(stack, 'Topic'),
      rollbackAlarms: [cloudwatch.Alarm.fromAlarmName(stack, 'Alarm', 'errors')],
      maxInstanceLifetime: Duration.days(2),
    });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::AutoScaling::WarmPool', { MinSize: 2 });
    template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
      Properties: { MaxInstanceLifetime: 172_800, NotificationConfigurations: [Match.anyValue()] },
      UpdatePolicy: {
        AutoScalingInstanceRefresh: { Preferences: Match.objectLike({ AlarmSpecification: { Alarms: ['errors'] } }) },
      },
    });
  });

  test('knows its own group by a tag that fits, whatever the stack and the path are called', () => {
    const stack = new Stack(new App(), 'App', { stackName: 's'.repeat(128) });
    const queue = new WorkQueue(stack, 'Jobs');
    const deep = new Construct(new Construct(stack, 'P'.repeat(200)), 'Q'.repeat(200));
    new WorkerFleet(deep, 'Fleet', { queue, code: WorkerCode.fromModule(HANDLER) });
    const [group] = Object.values(Template.fromStack(stack).findResources('AWS::AutoScaling::AutoScalingGroup'));
    const tags = group?.['Properties'].Tags as { Key: string; Value: string; PropagateAtLaunch: boolean }[];
    const tag = tags.find(({ Key }) => Key === FLEET_TAG);
    expect(tag).toMatchObject({ PropagateAtLaunch: false });
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
    expect(tag?.Value.length).toBeLessThanOrEqual(256);
  });

  test('no instance starts before its role can do everything, and nothing waits in a circle', () => {
    const { group, template } = synth();
    const policies = Object.keys(template.findResources('AWS::IAM::ManagedPolicy'));
    expect(group.DependsOn).toEqual(expect.arrayContaining(policies.filter((id) => !id.includes('FlowLogs'))));
  });

  test('runs the commands of its user at the boot', () => {
    const { launchTemplate } = synth({ bootCommands: ['dnf install -y ffmpeg-free', 'install -d /srv/models'] });
    expect(bootScriptOf(launchTemplate)).toContain('\ndnf install -y ffmpeg-free\ninstall -d /srv/models\n');
  });

  test('names the metrics that its workers publish', () => {
    const stack = new Stack(new App(), 'App');
    const queue = new WorkQueue(stack, 'Jobs');
    const fleet = new WorkerFleet(stack, 'Fleet', {
      queue,
      code: WorkerCode.fromModule(HANDLER),
      metricsNamespace: 'Own',
    });
    const metric = fleet.metric('HandlerDuration', queue, { statistic: 'p99' });
    const published = fleet.autoScalingGroup.node.defaultChild as CfnAutoScalingGroup;
    const { environment } = published.getMetadata(WORKER_METADATA_KEY) as WorkerMetadata;
    expect(metric).toMatchObject({ namespace: 'Own', metricName: 'HandlerDuration', statistic: 'p99' });
    expect(metric.namespace).toBe(environment[WORKER_ENV.metricsNamespace]);
    expect(metric.dimensions).toEqual({ QueueName: queue.queue.queueName });
  });

  test('gets a security group of someone else beside its own', () => {
    const stack = new Stack(new App(), 'App');
    const queue = new WorkQueue(stack, 'Jobs');
    const fleet = new WorkerFleet(stack, 'Fleet', { queue, code: WorkerCode.fromModule(HANDLER) });
    fleet.launchTemplate.addSecurityGroup(
      ec2.SecurityGroup.fromSecurityGroupId(stack, 'Theirs', 'sg-0123456789abcdef0'),
    );
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: Match.objectLike({
        SecurityGroupIds: [stack.resolve(fleet.securityGroup.securityGroupId), 'sg-0123456789abcdef0'],
      }),
    });
  });

  test('a permissions boundary reaches every role', () => {
    const stack = new Stack(new App(), 'App');
    const fleet = new WorkerFleet(stack, 'Fleet', {
      queue: new WorkQueue(stack, 'Jobs'),
      code: WorkerCode.fromModule(HANDLER),
    });
    const boundary = iam.ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'team');
    iam.PermissionsBoundary.of(fleet).apply(boundary);
    for (const { Properties } of Object.values(Template.fromStack(stack).findResources('AWS::IAM::Role'))) {
      expect(Properties.PermissionsBoundary).toEqual(stack.resolve(boundary.managedPolicyArn));
    }
  });

  test('takes roles that others made beforehand, and makes none', () => {
    const stack = new Stack(new App(), 'App');
    const usePrecreatedRoles = { 'App/Fleet/Role': 'workers', 'App/Fleet/FlowLogsRole': 'flow-logs' };
    iam.Role.customizeRoles(stack, { preventSynthesis: true, usePrecreatedRoles });
    const queue = new WorkQueue(stack, 'Jobs');
    new WorkerFleet(stack, 'Fleet', { queue, code: WorkerCode.fromModule(HANDLER) });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::IAM::Role', 0);
    template.resourceCountIs('AWS::IAM::ManagedPolicy', 0);
    template.hasResourceProperties('AWS::IAM::InstanceProfile', { Roles: ['workers'] });
  });

  test('secrets are named in the boot script, never in the template’s metadata', () => {
    const stack = new Stack(new App(), 'App');
    const secret = new secretsmanager.Secret(stack, 'Secret');
    new WorkerFleet(stack, 'Fleet', {
      queue: new WorkQueue(stack, 'Jobs'),
      code: WorkerCode.fromModule(HANDLER),
      secrets: { API_KEY: WorkerSecret.fromSecretsManager(secret, 'key') },
    });
    const template = Template.fromStack(stack);
    const [group] = Object.values(template.findResources('AWS::AutoScaling::AutoScalingGroup')) as Resource[];
    const [launchTemplate] = Object.values(template.findResources('AWS::EC2::LaunchTemplate')) as Resource[];
    expect(JSON.stringify(group?.Metadata)).not.toContain('API_KEY');
    const script = launchTemplate ? bootScriptOf(launchTemplate) : '';
    expect(script).toContain('EnvironmentFile=-/run/queue-fleet/secrets.env');
    expect(script).toContain("put 'API_KEY'");
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
      ServiceName: { 'Fn::Join': ['', ['com.amazonaws.', { Ref: 'AWS::Region' }, '.secretsmanager']] },
    });
  });

  test('keeps the logical ids of what must not be replaced', () => {
    const { template } = synth();
    const idOf = (type: string) => Object.keys(template.findResources(type));
    expect(idOf('AWS::AutoScaling::AutoScalingGroup')).toEqual(['FleetGroupASGF037160E']);
    expect(idOf('AWS::EC2::LaunchTemplate')).toEqual([expect.stringMatching(/^FleetLaunchTemplate[0-9A-F]{8}$/)]);
    expect(idOf('AWS::Logs::LogGroup').sort()).toEqual([
      expect.stringMatching(/^FleetFlowLogs[0-9A-F]{8}$/),
      expect.stringMatching(/^FleetLogs[0-9A-F]{8}$/),
    ]);
  });
});
