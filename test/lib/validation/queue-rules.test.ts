import { readFileSync } from 'node:fs';
import { CloudFormationValidatePlugin, App, CfnResource, Stack, Validations } from 'aws-cdk-lib';
import { QueueRules } from '../../../lib';

type Resources = Readonly<Record<string, { readonly Type: string; readonly Properties: object }>>;
interface Finding {
  readonly ruleId: string;
  readonly logicalId: string;
  readonly message: string;
}
interface Engine {
  validateTemplate(
    template: unknown,
    config: object,
  ): { diagnostics: Array<{ ruleId: string; message: string; entity: { logicalId: string } }> };
  free(): void;
}

// CDK bundles the engine; loading it from there keeps the rules and CDK on one version.
const validation = jest.requireActual<{
  CompositeEngine: new (config: object) => Engine;
  TemplateContent: new (text: string) => unknown;
}>(require.resolve('@aws/cloudformation-validate', { paths: [require.resolve('aws-cdk-lib')] }));

let engine: Engine;
beforeAll(() => {
  engine = new validation.CompositeEngine({
    guardRules: [{ name: 'queue-fleet.guard', content: QueueRules.guard() }],
    regoRules: [{ name: 'queue-fleet.rego', content: QueueRules.rego() }],
  });
});
afterAll(() => engine.free());

function findings(resources: Resources): readonly Finding[] {
  const template = new validation.TemplateContent(JSON.stringify({ Resources: resources }));
  return engine
    .validateTemplate(template, { disableBuiltinRules: true, severityLevel: 'WARN' })
    .diagnostics.map((d) => ({ ruleId: d.ruleId, logicalId: d.entity.logicalId, message: d.message }));
}

const arnOf = (logicalId: string): object => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
const queue = (properties: object = {}): Resources[string] => ({ Type: 'AWS::SQS::Queue', Properties: properties });
const deadLetters = (properties: object = {}): Resources[string] =>
  queue({ MessageRetentionPeriod: 1_209_600, ...properties });
const redrive = (maxReceiveCount: number): object => ({
  RedrivePolicy: { deadLetterTargetArn: arnOf('Dlq'), maxReceiveCount },
});
const policy = (...statements: object[]): Resources[string] => ({
  Type: 'AWS::SQS::QueuePolicy',
  Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: { Version: '2012-10-17', Statement: statements } },
});
const s3Statement = {
  Effect: 'Allow',
  Principal: { Service: 's3.amazonaws.com' },
  Action: 'sqs:SendMessage',
  Resource: arnOf('Queue'),
  Condition: { ArnLike: { 'aws:SourceArn': arnOf('Bucket') } },
};
const bucket: Resources[string] = {
  Type: 'AWS::S3::Bucket',
  Properties: {
    NotificationConfiguration: { QueueConfigurations: [{ Event: 's3:ObjectCreated:*', Queue: arnOf('Queue') }] },
  },
};
const rootStatement = {
  Effect: 'Allow',
  Principal: { AWS: { 'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root' } },
  Action: 'kms:*',
  Resource: '*',
};
const s3KeyStatement = {
  Effect: 'Allow',
  Principal: { Service: 's3.amazonaws.com' },
  Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
  Resource: '*',
};
const key = (...statements: object[]): Resources[string] => ({
  Type: 'AWS::KMS::Key',
  Properties: { KeyPolicy: { Version: '2012-10-17', Statement: statements } },
});
const steps = (...bounds: Array<[number | undefined, number | undefined]>): Resources[string] => ({
  Type: 'AWS::AutoScaling::ScalingPolicy',
  Properties: {
    AutoScalingGroupName: 'group',
    PolicyType: 'StepScaling',
    AdjustmentType: 'ExactCapacity',
    StepAdjustments: bounds.map(([lower, upper], index) => ({
      MetricIntervalLowerBound: lower,
      MetricIntervalUpperBound: upper,
      ScalingAdjustment: index + 1,
    })),
  },
});
const targetTracking = (...returnData: Array<boolean | undefined>): Resources[string] => ({
  Type: 'AWS::AutoScaling::ScalingPolicy',
  Properties: {
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingConfiguration: {
      TargetValue: 1,
      CustomizedMetricSpecification: {
        Metrics: returnData.map((value, index) => ({ Id: `m${index}`, Expression: '1', ReturnData: value })),
      },
    },
  },
});

/** One broken template a row: the rule, the resource to blame, the template. */
const BROKEN: ReadonlyArray<readonly [rule: string, logicalId: string, resources: Resources]> = [
  ['QF_MAX_RECEIVE_COUNT_OUT_OF_RANGE', 'Queue', { Queue: queue(redrive(0)), Dlq: deadLetters() }],
  ['QF_MAX_RECEIVE_COUNT_OUT_OF_RANGE', 'Queue', { Queue: queue(redrive(5000)), Dlq: deadLetters() }],
  ['QF_RETENTION_OUT_OF_RANGE', 'Queue', { Queue: queue({ MessageRetentionPeriod: 59 }) }],
  ['QF_VISIBILITY_OUT_OF_RANGE', 'Queue', { Queue: queue({ VisibilityTimeout: 43_201 }) }],
  [
    'QF_VISIBILITY_LONGER_THAN_RETENTION',
    'Queue',
    { Queue: queue({ VisibilityTimeout: 600, MessageRetentionPeriod: 300 }) },
  ],
  ['QF_SHORT_POLL', 'Queue', { Queue: queue({ ReceiveMessageWaitTimeSeconds: 0 }) }],
  [
    'QF_FIFO_THROUGHPUT_HALF_SET',
    'Queue',
    { Queue: queue({ FifoQueue: true, FifoThroughputLimit: 'perMessageGroupId' }) },
  ],
  ['QF_FIFO_NAME', 'Queue', { Queue: queue({ FifoQueue: true, QueueName: 'jobs' }) }],
  ['QF_UNENCRYPTED_QUEUE', 'Queue', { Queue: queue({ SqsManagedSseEnabled: false }) }],
  ['QF_DEAD_LETTER_TYPE', 'Queue', { Queue: queue({ FifoQueue: true, ...redrive(3) }), Dlq: deadLetters() }],
  ['QF_DEAD_LETTER_RETENTION', 'Dlq', { Queue: queue(redrive(3)), Dlq: queue() }],
  [
    'QF_DEAD_LETTER_DENIES',
    'Dlq',
    { Queue: queue(redrive(3)), Dlq: deadLetters({ RedriveAllowPolicy: { redrivePermission: 'denyAll' } }) },
  ],
  ['QF_S3_PRODUCER_NOT_ALLOWED', 'Queue', { Queue: queue(), Bucket: bucket }],
  ['QF_S3_TO_FIFO', 'Queue', { Queue: queue({ FifoQueue: true }), Bucket: bucket, Policy: policy(s3Statement) }],
  [
    'QF_KEY_FORGETS_S3',
    'Key',
    {
      Queue: queue({ KmsMasterKeyId: arnOf('Key') }),
      Bucket: bucket,
      Policy: policy(s3Statement),
      Key: key(rootStatement),
    },
  ],
  [
    'QF_AWS_MANAGED_KEY_WITH_SERVICE',
    'Queue',
    { Queue: queue({ KmsMasterKeyId: 'alias/aws/sqs' }), Bucket: bucket, Policy: policy(s3Statement) },
  ],
  ['QF_CONFUSED_DEPUTY', 'Policy', { Queue: queue(), Policy: policy({ ...s3Statement, Condition: undefined }) }],
  [
    'QF_CONFUSED_DEPUTY',
    'Policy',
    { Queue: queue(), Policy: policy({ ...s3Statement, Condition: { Bool: { 'aws:SecureTransport': 'true' } } }) },
  ],
  [
    'QF_PUBLIC_QUEUE',
    'Policy',
    { Queue: queue(), Policy: policy({ Effect: 'Allow', Principal: '*', Action: 'sqs:*', Resource: arnOf('Queue') }) },
  ],
  [
    'QF_QUEUE_POLICY_TOO_LONG',
    'Policy',
    { Queue: queue(), Policy: policy(...Array.from({ length: 21 }, (_, i) => ({ ...s3Statement, Sid: `S${i}` }))) },
  ],
  ['QF_KEY_LOCKOUT', 'Key', { Key: key(s3KeyStatement) }],
  ['QF_STEP_GAP', 'Steps', { Steps: steps([0, 1], [2, undefined]) }],
  ['QF_STEP_OVERLAP', 'Steps', { Steps: steps([0, 2], [1, undefined]) }],
  ['QF_TWO_RETURN_DATA', 'Tracking', { Tracking: targetTracking(undefined, true) }],
  ['QF_TWO_RETURN_DATA', 'Tracking', { Tracking: targetTracking(false, false) }],
  [
    'QF_HOOK_HEARTBEAT_OUT_OF_RANGE',
    'Hook',
    { Hook: { Type: 'AWS::AutoScaling::LifecycleHook', Properties: { HeartbeatTimeout: 7_201 } } },
  ],
  [
    'QF_SUM_OF_A_GAUGE',
    'Alarm',
    {
      Alarm: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: { Namespace: 'AWS/SQS', MetricName: 'ApproximateNumberOfMessagesVisible', Statistic: 'Sum' },
      },
    },
  ],
  [
    'QF_MIN_ABOVE_MAX',
    'Group',
    { Group: { Type: 'AWS::AutoScaling::AutoScalingGroup', Properties: { MinSize: '3', MaxSize: '2' } } },
  ],
  [
    'QF_GROUP_WITHOUT_ROOM',
    'Group',
    { Group: { Type: 'AWS::AutoScaling::AutoScalingGroup', Properties: { MinSize: 0, MaxSize: 0 } } },
  ],
  [
    'QF_GROUP_WITHOUT_ROOM',
    'Group',
    { Group: { Type: 'AWS::AutoScaling::AutoScalingGroup', Properties: { MinSize: '0', MaxSize: '0' } } },
  ],
];

describe('QueueRules', () => {
  test.each(BROKEN)('%s blames %s', (rule, logicalId, resources) => {
    expect(findings(resources)).toContainEqual(expect.objectContaining({ ruleId: rule, logicalId }));
  });

  test('every rule of both files is seen to fail in the table, and documented', () => {
    const defined = [
      ...QueueRules.guard().matchAll(/^rule (QF_\w+)/gm),
      ...QueueRules.rego().matchAll(/^\t"(QF_\w+)"/gm),
    ].map((match) => match[1]);
    expect(defined.length).toBeGreaterThan(20);
    expect([...new Set(BROKEN.map(([rule]) => rule))].sort()).toEqual(defined.sort());
    const documented = [...readFileSync('docs/queue-rules.md', 'utf8').matchAll(/^\| `(QF_\w+)`/gm)].map((m) => m[1]);
    expect(documented).toEqual(defined);
  });

  test('a queue with dead letters, an S3 producer and a shared key passes', () => {
    expect(
      findings({
        Queue: queue({
          KmsMasterKeyId: arnOf('Key'),
          VisibilityTimeout: 60,
          ReceiveMessageWaitTimeSeconds: 20,
          ...redrive(3),
        }),
        Dlq: deadLetters({
          KmsMasterKeyId: arnOf('Key'),
          RedriveAllowPolicy: {
            redrivePermission: 'byQueue',
            sourceQueueArns: ['arn:aws:sqs:eu-west-1:111122223333:queue'],
          },
        }),
        Key: key(rootStatement, s3KeyStatement),
        Bucket: bucket,
        Policy: policy(s3Statement),
        Steps: steps([0, 1], [1, 2], [2, undefined]),
        StepsDown: steps([undefined, -10], [-10, 0]),
        Tracking: targetTracking(false, undefined),
        PercentileAlarm: {
          Type: 'AWS::CloudWatch::Alarm',
          Properties: {
            Namespace: 'AWS/SQS',
            MetricName: 'ApproximateAgeOfOldestMessage',
            ExtendedStatistic: 'p99',
          },
        },
        Hook: { Type: 'AWS::AutoScaling::LifecycleHook', Properties: { HeartbeatTimeout: 30 } },
      }),
    ).toEqual([]);
  });

  test('fails at synth when the rules are added to an app as a plugin', () => {
    const before = process.env['CDK_VALIDATION'];
    delete process.env['CDK_VALIDATION'];
    try {
      const app = new App({ context: { '@aws-cdk/core:failSynthOnValidationErrors': true } });
      Validations.of(app).addPlugins(
        new CloudFormationValidatePlugin({
          guardRules: [{ name: 'queue-fleet.guard', content: QueueRules.guard() }],
          regoRules: [{ name: 'queue-fleet.rego', content: QueueRules.rego() }],
        }),
      );
      new CfnResource(new Stack(app, 'Stack'), 'Queue', {
        type: 'AWS::SQS::Queue',
        properties: { SqsManagedSseEnabled: false },
      });
      const error = jest.spyOn(console, 'error').mockImplementation(() => undefined);
      const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
      let thrown = '';
      try {
        app.synth();
      } catch (failure) {
        thrown = String(failure);
      }
      const printed = [...error.mock.calls, ...log.mock.calls].flat().join('\n');
      error.mockRestore();
      log.mockRestore();
      expect(thrown + printed).toContain('QF_UNENCRYPTED_QUEUE');
    } finally {
      process.env['CDK_VALIDATION'] = before;
    }
  });
});
