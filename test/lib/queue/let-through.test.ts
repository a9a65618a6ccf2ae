import { Duration, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as notifications from 'aws-cdk-lib/aws-s3-notifications';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { App } from 'aws-cdk-lib';
import { Encryption, type FifoProducer, FifoWorkQueue, Producer, WorkQueue } from '../../../lib';
import type { ErrorCode } from '../../../lib/private/error-codes';
import type { Principal } from '../../../local/policy-evaluator';
import { ACCOUNT, DeployedStack } from '../../support/deployed-stack';
import { ENVIRONMENT, refusalOf } from '../../support/refusals';

/**
 * What aws-cdk-lib synthesizes although SQS refuses it, never delivers to it, or loses messages with it. Each row shows
 * both: the plain constructs let it through, ours do not. A row that starts to fail in its first half can be dropped,
 * because aws-cdk-lib checks it itself by then.
 */
interface LetThrough {
  readonly what: string;
  readonly plain: (stack: Stack) => unknown;
  readonly ours: (stack: Stack) => unknown;
  readonly code: ErrorCode;
}

const imported = (stack: Stack, name: string, place = 'eu-west-1:111111111111'): sqs.IQueue =>
  sqs.Queue.fromQueueArn(stack, `Imported${name}`, `arn:aws:sqs:${place}:${name}`);
const deadLetters = (queue: sqs.IQueue, maxReceiveCount = 3): sqs.QueueProps => ({
  deadLetterQueue: { queue, maxReceiveCount },
});
const rule = (stack: Stack): events.Rule =>
  new events.Rule(stack, 'Rule', { schedule: events.Schedule.rate(Duration.hours(1)) });
const statements = (queue: sqs.IQueue, count: number, more: (n: number) => iam.PolicyStatementProps): void => {
  for (let n = 0; n < count; n += 1) {
    queue.addToResourcePolicy(
      new iam.PolicyStatement({ resources: [queue.queueArn], principals: [new iam.AnyPrincipal()], ...more(n) }),
    );
  }
};
const manyActions = (n: number): iam.PolicyStatementProps => ({
  actions: [`sqs:Action${n}`],
  principals: [new iam.AccountPrincipal(String(100_000_000_000 + n))],
});
const longCondition = (): iam.PolicyStatementProps => ({
  actions: ['sqs:SendMessage'],
  conditions: { ArnLike: { 'aws:SourceArn': [...Array(120).keys()].map((n) => `arn:aws:s3:::${'b'.repeat(60)}${n}`) } },
});

const ROWS: readonly LetThrough[] = [
  {
    what: 'half of FIFO high throughput',
    plain: (stack) =>
      new sqs.Queue(stack, 'Q', {
        fifo: true,
        fifoThroughputLimit: sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
        deduplicationScope: sqs.DeduplicationScope.QUEUE,
      }),
    // `throughput` cannot say it; only an override can.
    ours: (stack) => {
      const { queue } = new FifoWorkQueue(stack, 'Q');
      (queue.node.defaultChild as sqs.CfnQueue).fifoThroughputLimit = 'perMessageGroupId';
    },
    code: 'FifoThroughputHalfSet',
  },
  {
    what: 'a maxReceiveCount of 5,000',
    plain: (stack) => new sqs.Queue(stack, 'Q', deadLetters(new sqs.Queue(stack, 'Dead'), 5_000)),
    ours: (stack) => new WorkQueue(stack, 'Q', { maxReceiveCount: 5_000 }),
    code: 'MaxReceiveCountOutOfRange',
  },
  {
    what: 'an illegal queue name',
    plain: (stack) => new sqs.Queue(stack, 'Q', { queueName: 'my jobs!' }),
    ours: (stack) => new WorkQueue(stack, 'Q', { queueName: 'my jobs!' }),
    code: 'QueueNameNotValid',
  },
  {
    what: 'a dead-letter queue in another account',
    plain: (stack) => new sqs.Queue(stack, 'Q', deadLetters(imported(stack, 'dead', 'eu-west-1:222222222222'))),
    ours: (stack) => new WorkQueue(stack, 'Q', { deadLetterQueue: imported(stack, 'dead', 'eu-west-1:222222222222') }),
    code: 'DeadLetterQueueInAnotherEnvironment',
  },
  {
    what: 'a dead-letter queue in another region',
    plain: (stack) => new sqs.Queue(stack, 'Q', deadLetters(imported(stack, 'dead', 'us-east-1:111111111111'))),
    ours: (stack) => new WorkQueue(stack, 'Q', { deadLetterQueue: imported(stack, 'dead', 'us-east-1:111111111111') }),
    code: 'DeadLetterQueueInAnotherEnvironment',
  },
  {
    what: 'a FIFO queue with an imported standard dead-letter queue',
    plain: (stack) => new sqs.Queue(stack, 'Q', { fifo: true, ...deadLetters(imported(stack, 'dead')) }),
    ours: (stack) => new FifoWorkQueue(stack, 'Q', { deadLetterQueue: imported(stack, 'dead') }),
    code: 'DeadLetterQueueTypeMismatch',
  },
  {
    what: 'a dead-letter queue that keeps messages shorter than its source',
    plain: (stack) =>
      new sqs.Queue(stack, 'Q', {
        retentionPeriod: Duration.days(7),
        ...deadLetters(new sqs.Queue(stack, 'Dead', { retentionPeriod: Duration.days(1) })),
      }),
    ours: (stack) =>
      new WorkQueue(stack, 'Q', { retentionPeriod: Duration.days(7), deadLetterRetentionPeriod: Duration.days(1) }),
    code: 'DeadLetterRetentionNotLonger',
  },
  {
    what: 'a visibility timeout longer than the retention',
    plain: (stack) =>
      new sqs.Queue(stack, 'Q', { visibilityTimeout: Duration.hours(2), retentionPeriod: Duration.hours(1) }),
    ours: (stack) =>
      new WorkQueue(stack, 'Q', { visibilityTimeout: Duration.hours(2), retentionPeriod: Duration.hours(1) }),
    code: 'VisibilityTimeoutLongerThanRetention',
  },
  {
    what: 'S3 events to a FIFO queue',
    plain: (stack) =>
      new s3.Bucket(stack, 'B').addObjectCreatedNotification(
        new notifications.SqsDestination(new sqs.Queue(stack, 'Q', { fifo: true })),
      ),
    ours: (stack) =>
      new FifoWorkQueue(stack, 'Q').addProducer(Producer.bucket(new s3.Bucket(stack, 'B')) as FifoProducer),
    code: 'BucketProducerOnFifoQueue',
  },
  {
    what: 'alias/aws/sqs with an S3 producer',
    plain: (stack) =>
      new s3.Bucket(stack, 'B').addObjectCreatedNotification(
        new notifications.SqsDestination(new sqs.Queue(stack, 'Q', { encryption: sqs.QueueEncryption.KMS_MANAGED })),
      ),
    ours: (stack) =>
      new WorkQueue(stack, 'Q', {
        encryption: Encryption.customerManaged(kms.Alias.fromAliasName(stack, 'Alias', 'alias/aws/sqs')),
      }).addProducer(Producer.bucket(new s3.Bucket(stack, 'B'))),
    code: 'AwsManagedKeyNotAllowed',
  },
  {
    what: 'alias/aws/sqs with an EventBridge producer',
    plain: (stack) =>
      rule(stack).addTarget(
        new targets.SqsQueue(new sqs.Queue(stack, 'Q', { encryption: sqs.QueueEncryption.KMS_MANAGED })),
      ),
    ours: (stack) =>
      new WorkQueue(stack, 'Q', {
        encryption: Encryption.customerManaged(kms.Alias.fromAliasName(stack, 'Alias', 'alias/aws/sqs')),
      }).addProducer(Producer.rule(rule(stack))),
    code: 'AwsManagedKeyNotAllowed',
  },
  {
    what: 'a queue policy of more than 20 statements',
    plain: (stack) => statements(new sqs.Queue(stack, 'Q'), 21, manyActions),
    ours: (stack) => statements(new WorkQueue(stack, 'Q').queue, 21, manyActions),
    code: 'PolicyTooManyStatements',
  },
  {
    what: 'a queue policy of more than 8,192 bytes',
    plain: (stack) => statements(new sqs.Queue(stack, 'Q'), 1, longCondition),
    ours: (stack) => statements(new WorkQueue(stack, 'Q').queue, 1, longCondition),
    code: 'PolicyTooLarge',
  },
];

describe('what aws-cdk-lib lets through', () => {
  test.each(ROWS.map((row) => [row.what, row] as const))('%s', (_, row) => {
    const app = new App();
    row.plain(new Stack(app, 'Plain', { env: ENVIRONMENT }));
    expect(() => app.synth()).not.toThrow();
    expect(refusalOf({ attempt: (stack) => void row.ours(stack) }).code).toBe(row.code);
  });
});

describe('what aws-cdk-lib leaves out or gets wrong', () => {
  const service = (name: string): Principal => ({ kind: 'service', service: `${name}.amazonaws.com` });
  const foreign = { 'aws:SourceAccount': '222222222222' };
  let stack: Stack;
  beforeEach(() => {
    stack = new Stack(new App(), 'Test');
  });

  test('byQueue redrive-allow is a dependency cycle', () => {
    const dead = new sqs.Queue(stack, 'Dead');
    const source = new sqs.Queue(stack, 'Source', deadLetters(dead));
    (dead.node.defaultChild as sqs.CfnQueue).redriveAllowPolicy = {
      redrivePermission: 'byQueue',
      sourceQueueArns: [source.queueArn],
    };
    expect(() => new DeployedStack(stack)).toThrow(/cycle|circular/i);

    const own = new Stack(new App(), 'Own');
    new WorkQueue(own, 'Jobs');
    expect(() => new DeployedStack(own)).not.toThrow();
  });

  test('the key lets S3 act for anyone', () => {
    const key = new kms.Key(stack, 'Key');
    const plain = new sqs.Queue(stack, 'Plain', { encryptionMasterKey: key });
    new s3.Bucket(stack, 'One').addObjectCreatedNotification(new notifications.SqsDestination(plain));
    const jobs = new WorkQueue(stack, 'Jobs');
    jobs.addProducer(Producer.bucket(new s3.Bucket(stack, 'Two')));
    const deployed = new DeployedStack(stack);
    expect(deployed.askKey(key, service('s3'), 'kms:Decrypt', foreign)).toBe('allow');
    expect(deployed.askKey(jobs.encryptionKey ?? key, service('s3'), 'kms:Decrypt', foreign)).toBe('implicitDeny');
  });

  test('EventBridge cannot use the key of its dead-letter queue', () => {
    const context = { 'aws:SourceAccount': ACCOUNT };
    const keys = ['PlainKey', 'OurKey'].map((id) => new kms.Key(stack, id));
    const [plain, ours] = keys.map((key, n) => new sqs.Queue(stack, `Dead${n}`, { encryptionMasterKey: key }));
    const hourly = rule(stack);
    hourly.addTarget(new targets.SqsQueue(new sqs.Queue(stack, 'Q'), { deadLetterQueue: plain }));
    new WorkQueue(stack, 'Jobs').addProducer(Producer.rule(hourly, { deadLetterQueue: ours }));
    const deployed = new DeployedStack(stack);
    const answers = keys.map((key) => deployed.askKey(key, service('events'), 'kms:GenerateDataKey', context));
    expect(answers).toEqual(['implicitDeny', 'allow']);
  });

  test('a consumer of the dead-letter queue cannot decrypt what came from the source', () => {
    const role = new iam.Role(stack, 'Analyst', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });
    const [sourceKey, deadKey] = ['SourceKey', 'DeadKey'].map((id) => new kms.Key(stack, id));
    const dead = new sqs.Queue(stack, 'Dead', { encryptionMasterKey: deadKey, retentionPeriod: Duration.days(14) });
    new sqs.Queue(stack, 'Source', { encryptionMasterKey: sourceKey, ...deadLetters(dead) });
    sqs.QueueGrants.fromQueue(dead).consumeMessages(role);
    const jobs = new WorkQueue(stack, 'Jobs', { deadLetterQueue: dead });
    jobs.addDeadLetterConsumer(role);
    const deployed = new DeployedStack(stack);
    const analyst = deployed.principalOf(role);
    expect(deployed.askKey(sourceKey ?? stack, analyst, 'kms:Decrypt')).toBe('implicitDeny');
    expect(deployed.askKey(jobs.encryptionKey ?? stack, analyst, 'kms:Decrypt')).toBe('allow');
  });

  test('grant.success is true on an imported queue although nothing was added', () => {
    const queue = imported(stack, 'theirs');
    const principal = new iam.ServicePrincipal('s3.amazonaws.com');
    expect(sqs.QueueGrants.fromQueue(queue).sendMessages(principal).success).toBe(true);
    const theirs = WorkQueue.fromQueue(stack, 'Theirs', { queue });
    expect(theirs.addProducer(Producer.organization('o-a1b2c3d4e5')).success).toBe(false);
    Annotations.fromStack(stack).hasWarning('/Test/Theirs', Match.stringLikeRegexp('o-a1b2c3d4e5'));
  });
});
