import { App, Duration, Lazy, NestedStack, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Encryption, Producer, WorkQueue, type WorkQueueProps } from '../../../lib';
import { refusalOf } from '../../support/refusals';

let stack: Stack;
beforeEach(() => {
  stack = new Stack(new App(), 'Test');
});

function templateOf(props?: WorkQueueProps): Template {
  new WorkQueue(stack, 'Jobs', props);
  return Template.fromStack(stack);
}

describe('WorkQueue', () => {
  test('is encrypted, long-polled and has its dead-letter queue by default', () => {
    const template = templateOf();
    template.hasResource('AWS::KMS::Key', { Properties: { EnableKeyRotation: true }, DeletionPolicy: 'Delete' });
    template.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 60,
      MessageRetentionPeriod: 345_600,
      ReceiveMessageWaitTimeSeconds: 20,
      RedrivePolicy: { maxReceiveCount: 3 },
      KmsDataKeyReusePeriodSeconds: 300,
      FifoQueue: Match.absent(),
    });
    template.hasResourceProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 1_209_600 });
    template.resourceCountIs('AWS::SQS::Queue', 2);
    template.resourceCountIs('AWS::SQS::QueuePolicy', 2);
    template.resourceCountIs('AWS::KMS::Key', 1);
  });

  test('keeps its logical ids: a change replaces the queues of everyone', () => {
    const ids = Object.entries(templateOf().toJSON().Resources as Record<string, { Type: string }>);
    expect(Object.fromEntries(ids.map(([id, resource]) => [id, resource.Type]))).toEqual({
      JobsDeadLetterQueue8CC426EE: 'AWS::SQS::Queue',
      JobsDeadLetterQueuePolicy473FEB30: 'AWS::SQS::QueuePolicy',
      JobsKeyB64EAF8C: 'AWS::KMS::Key',
      JobsQueue24944186: 'AWS::SQS::Queue',
      JobsQueuePolicyDAC7BEBF: 'AWS::SQS::QueuePolicy',
    });
  });

  test('renders every setting', () => {
    const template = templateOf({
      visibilityTimeout: Duration.minutes(2),
      retentionPeriod: Duration.days(2),
      deliveryDelay: Duration.seconds(30),
      maxMessageSize: Size.kibibytes(256),
      receiveMessageWaitTime: Duration.seconds(5),
      maxReceiveCount: 7,
      deadLetterRetentionPeriod: Duration.days(10),
      queueName: 'my-jobs',
      removalPolicy: RemovalPolicy.RETAIN,
      encryption: Encryption.customerManaged(undefined, { dataKeyReuse: Duration.hours(1) }),
    });
    template.hasResource('AWS::SQS::Queue', {
      DeletionPolicy: 'Retain',
      Properties: {
        QueueName: 'my-jobs',
        VisibilityTimeout: 120,
        MessageRetentionPeriod: 172_800,
        DelaySeconds: 30,
        MaximumMessageSize: 262_144,
        ReceiveMessageWaitTimeSeconds: 5,
        RedrivePolicy: { maxReceiveCount: 7 },
        KmsDataKeyReusePeriodSeconds: 3_600,
      },
    });
    template.hasResourceProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 864_000, MaximumMessageSize: 262_144 });
  });

  test('SSE-SQS needs no key', () => {
    const template = templateOf({ encryption: Encryption.sqsManaged() });
    template.resourceCountIs('AWS::KMS::Key', 0);
    template.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true, KmsMasterKeyId: Match.absent() });
  });

  test('a given key encrypts both queues', () => {
    const key = new kms.Key(stack, 'Key');
    const template = templateOf({ encryption: Encryption.customerManaged(key) });
    template.resourceCountIs('AWS::KMS::Key', 1);
    template.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: stack.resolve(key.keyArn) });
  });
});

describe('redrive allow', () => {
  const sourceArns = (template: Template): unknown[] =>
    Object.values(template.findResources('AWS::SQS::Queue')).flatMap(
      (queue) =>
        (queue as { Properties: { RedriveAllowPolicy?: { sourceQueueArns: unknown[] } } }).Properties.RedriveAllowPolicy
          ?.sourceQueueArns ?? [],
    );

  test('names the source by the name that it gets, without a reference', () => {
    const template = templateOf();
    template.hasResourceProperties('AWS::SQS::Queue', { QueueName: 'Test-Jobs-5d629d7f' });
    expect(JSON.stringify(sourceArns(template))).toContain(':Test-Jobs-5d629d7f"');
    expect(JSON.stringify(sourceArns(template))).not.toContain('JobsQueue');
  });

  test('follows a given name', () => {
    expect(JSON.stringify(sourceArns(templateOf({ queueName: 'mine' })))).toContain(':mine"');
  });

  test('can be left out, and then CloudFormation names the queue', () => {
    const template = templateOf({ restrictRedrive: false });
    expect(sourceArns(template)).toEqual([]);
    template.allResourcesProperties('AWS::SQS::Queue', { QueueName: Match.absent() });
  });

  test('leaves a given dead-letter queue as it is', () => {
    const deadLetterQueue = new sqs.Queue(stack, 'Dead', { retentionPeriod: Duration.days(14) });
    const template = templateOf({ deadLetterQueue });
    expect(sourceArns(template)).toEqual([]);
    template.resourceCountIs('AWS::SQS::Queue', 2);
  });

  test('works in a nested stack', () => {
    const nested = new NestedStack(stack, 'Nested');
    new WorkQueue(nested, 'Jobs');
    Template.fromStack(nested).hasResourceProperties('AWS::SQS::Queue', {
      QueueName: Match.stringLikeRegexp('^Test-Nested-Jobs-[0-9a-f]{8}$'),
    });
  });
});

describe('limits', () => {
  const seconds = Duration.seconds;
  const wide = { visibilityTimeout: seconds(1), maxReceiveCount: 1 };
  const token = Lazy.number({ produce: () => 60 });

  test.each<[string, WorkQueueProps, boolean]>([
    ['visibilityTimeout 0 s', { visibilityTimeout: seconds(0) }, false],
    ['visibilityTimeout 1 s', { visibilityTimeout: seconds(1) }, true],
    ['visibilityTimeout 12 h', { visibilityTimeout: seconds(43_200) }, true],
    ['visibilityTimeout 12 h and 1 s', { visibilityTimeout: seconds(43_201) }, false],
    ['visibilityTimeout 1.5 s', { visibilityTimeout: Duration.millis(1_500) }, false],
    ['visibilityTimeout token', { visibilityTimeout: seconds(token) }, true],
    ['retentionPeriod 59 s', { ...wide, retentionPeriod: seconds(59) }, false],
    ['retentionPeriod 60 s', { ...wide, retentionPeriod: seconds(60) }, true],
    ['retentionPeriod 14 d', { retentionPeriod: Duration.days(14) }, true],
    ['retentionPeriod 14 d and 1 s', { retentionPeriod: seconds(1_209_601) }, false],
    ['retentionPeriod token', { retentionPeriod: seconds(token) }, true],
    ['deliveryDelay 0 s', { deliveryDelay: seconds(0) }, true],
    ['deliveryDelay 900 s', { deliveryDelay: seconds(900) }, true],
    ['deliveryDelay 901 s', { deliveryDelay: seconds(901) }, false],
    ['deliveryDelay token', { deliveryDelay: seconds(token) }, true],
    ['receiveMessageWaitTime 0 s', { receiveMessageWaitTime: seconds(0) }, false],
    ['receiveMessageWaitTime 1 s', { receiveMessageWaitTime: seconds(1) }, true],
    ['receiveMessageWaitTime 20 s', { receiveMessageWaitTime: seconds(20) }, true],
    ['receiveMessageWaitTime 21 s', { receiveMessageWaitTime: seconds(21) }, false],
    ['maxMessageSize 1,023 bytes', { maxMessageSize: Size.bytes(1_023) }, false],
    ['maxMessageSize 1,024 bytes', { maxMessageSize: Size.bytes(1_024) }, true],
    ['maxMessageSize 1 MiB', { maxMessageSize: Size.bytes(1_048_576) }, true],
    ['maxMessageSize 1 MiB and 1 byte', { maxMessageSize: Size.bytes(1_048_577) }, false],
    ['maxReceiveCount 0', { maxReceiveCount: 0 }, false],
    ['maxReceiveCount 1', { maxReceiveCount: 1 }, true],
    ['maxReceiveCount 1,000', { maxReceiveCount: 1_000 }, true],
    ['maxReceiveCount 1,001', { maxReceiveCount: 1_001 }, false],
    ['maxReceiveCount 2.5', { maxReceiveCount: 2.5 }, false],
    ['maxReceiveCount token', { maxReceiveCount: token }, true],
    [
      'dead letters as long as the source',
      { retentionPeriod: Duration.days(5), deadLetterRetentionPeriod: Duration.days(5) },
      false,
    ],
    [
      'dead letters a second longer',
      { retentionPeriod: Duration.days(5), deadLetterRetentionPeriod: seconds(432_001) },
      true,
    ],
    [
      'both 14 days, the longest there is',
      { retentionPeriod: Duration.days(14), deadLetterRetentionPeriod: Duration.days(14) },
      true,
    ],
    [
      'all receives just fit',
      { visibilityTimeout: seconds(100), maxReceiveCount: 3, retentionPeriod: seconds(300) },
      true,
    ],
    [
      'all receives do not fit',
      { visibilityTimeout: seconds(100), maxReceiveCount: 3, retentionPeriod: seconds(299) },
      false,
    ],
    ['everything undefined', { visibilityTimeout: undefined, maxReceiveCount: undefined, queueName: undefined }, true],
  ])('%s', (_, props, accepted) => {
    const build = () => new WorkQueue(stack, 'Jobs', props);
    if (accepted) expect(build).not.toThrow();
    else expect(build).toThrow(/must/);
  });

  test('all violations are reported at once, and nothing was created', () => {
    const error = refusalOf({
      attempt: (scope) =>
        void new WorkQueue(scope, 'Jobs', { maxReceiveCount: 5_000, deliveryDelay: seconds(901), queueName: 'a b' }),
    });
    expect(error.message).toBe(
      [
        '3 settings are not valid:',
        "  - DeliveryDelayOutOfRange: 'deliveryDelay' (901 seconds) must be a whole number from 0 to 900 seconds: use a schedule for anything later",
        "  - MaxReceiveCountOutOfRange: 'maxReceiveCount' (5000 receives) must be a whole number from 1 to 1000 receives: choose 3 to 5 for most work",
        "  - QueueNameNotValid: 'queueName' (a b) must hold only letters, digits, hyphens and underscores: rename it",
        "  at construct 'Test/Jobs'",
      ].join('\n'),
    );
    expect(() => new WorkQueue(stack, 'Jobs', { maxReceiveCount: 0 })).toThrow();
    expect(stack.node.findChild('Jobs').node.children).toEqual([]);
  });
});

describe('with an existing key', () => {
  test('a bucket and the queue that it notifies may share a stack and the key', () => {
    const key = new kms.Key(stack, 'Key');
    const bucket = new s3.Bucket(stack, 'Uploads', { encryptionKey: key });
    const queue = new WorkQueue(stack, 'Jobs', { encryption: Encryption.customerManaged(key) });
    expect(queue.addProducer(Producer.bucket(bucket, { prefix: 'uploads/' })).success).toBe(true);
    const template = Template.fromStack(stack);
    template.hasResource('Custom::S3BucketNotifications', {
      Properties: {
        NotificationConfiguration: {
          QueueConfigurations: [
            {
              Events: ['s3:ObjectCreated:*'],
              Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'uploads/' }] } },
            },
          ],
        },
      },
      DependsOn: Match.arrayWith(['JobsQueuePolicyDAC7BEBF']),
    });
  });
});

test('what a producer grants can be depended on', () => {
  const queue = new WorkQueue(stack, 'Jobs');
  const grant = queue.addProducer(Producer.account('222222222222'));
  const role = new iam.Role(stack, 'Later', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });
  grant.applyBefore(role);
  Template.fromStack(stack).hasResource('AWS::IAM::Role', {
    DependsOn: Match.arrayWith(['JobsKeyB64EAF8C', 'JobsQueuePolicyDAC7BEBF']),
  });
});

describe('fair queues', () => {
  test.each([
    ['ApproximateNumberOfNoisyGroups', (q: WorkQueue) => q.metricApproximateNumberOfNoisyGroups()],
    [
      'ApproximateNumberOfMessagesVisibleInQuietGroups',
      (q: WorkQueue) => q.metricApproximateNumberOfMessagesVisibleInQuietGroups(),
    ],
    [
      'ApproximateAgeOfOldestMessageInQuietGroups',
      (q: WorkQueue) => q.metricApproximateAgeOfOldestMessageInQuietGroups(),
    ],
  ])('%s is a gauge', (metricName, metric) => {
    const queue = new WorkQueue(stack, 'Jobs');
    expect(metric(queue)).toMatchObject({
      namespace: 'AWS/SQS',
      metricName,
      statistic: 'Maximum',
      dimensions: { QueueName: queue.queue.queueName },
    });
    expect(metric(queue).period.toSeconds()).toBe(60);
  });
});
