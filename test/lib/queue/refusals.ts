import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import {
  Encryption,
  type FifoProducer,
  FifoThroughput,
  FifoWorkQueue,
  Producer,
  QueueAlarms,
  QueueDashboard,
  WorkQueue,
  type WorkQueueProps,
} from '../../../lib';
import type { Refusal } from '../../support/refusals';

const jobs = (props: WorkQueueProps) => (stack: Stack) => void new WorkQueue(stack, 'Jobs', props);
const imported = (stack: Stack, name: string, place = 'eu-west-1:111111111111'): sqs.IQueue =>
  sqs.Queue.fromQueueArn(stack, `Imported${name}`, `arn:aws:sqs:${place}:${name}`);
const rule = (stack: Stack): events.Rule =>
  new events.Rule(stack, 'Rule', { schedule: events.Schedule.rate(Duration.hours(1)) });

/** Adds a statement to the queue's policy behind our back, as users of the L2 can. */
const withStatements = (statements: (queue: sqs.IQueue) => iam.PolicyStatementProps[]) => (stack: Stack) => {
  const { queue } = new WorkQueue(stack, 'Jobs');
  for (const props of statements(queue)) {
    queue.addToResourcePolicy(new iam.PolicyStatement({ resources: [queue.queueArn], ...props }));
  }
};
const account = (n: number): iam.AccountPrincipal => new iam.AccountPrincipal(String(100_000_000_000 + n));
const numbers = (count: number): number[] => [...Array(count).keys()];

/** Every code of lib/queue; the entries with `lets` are what aws-cdk-lib 2.276 lets through. */
export const REFUSALS: readonly Refusal[] = [
  {
    code: 'AccountIdNotValid',
    when: 'an account id has 11 digits',
    attempt: (stack) => new WorkQueue(stack, 'Jobs').addProducer(Producer.account('12345678901')),
  },
  {
    code: 'AlarmAgeOutOfRange',
    when: 'a message may be 59 seconds old',
    attempt: (stack) =>
      void new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs'), maxAge: Duration.seconds(59) }),
  },
  {
    code: 'AlarmDrainTimeOutOfRange',
    when: 'a backlog may take 25 hours',
    attempt: (stack) =>
      void new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs'), maxDrainTime: Duration.hours(25) }),
  },
  {
    code: 'AlarmProcessingTimeOutOfRange',
    when: 'work takes longer than SQS hides a message',
    attempt: (stack) => {
      const queue = new WorkQueue(stack, 'Jobs');
      void new QueueAlarms(stack, 'Alarms', { queue, p99ProcessingTime: Duration.hours(13) });
    },
  },
  {
    code: 'AlarmTopicKeyNotAllowed',
    when: 'alarms tell a topic under alias/aws/sns',
    attempt: (stack) => {
      const masterKey = kms.Alias.fromAliasName(stack, 'Managed', 'alias/aws/sns');
      const alarmTopic = new sns.Topic(stack, 'Topic', { masterKey });
      void new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs'), alarmTopic });
    },
  },
  {
    code: 'DashboardQueuesOutOfRange',
    when: 'a dashboard shows no queue',
    attempt: (stack) => void new QueueDashboard(stack, 'Queues', { queues: [] }),
  },
  {
    code: 'NoisyGroupsOnFifoQueue',
    when: 'a FIFO queue is watched for noisy tenants',
    attempt: (stack) =>
      void new QueueAlarms(stack, 'Alarms', { queue: new FifoWorkQueue(stack, 'Jobs'), maxNoisyGroups: 0 }),
  },
  {
    code: 'NoisyGroupsOutOfRange',
    when: 'a negative number of noisy tenants is fine',
    attempt: (stack) =>
      void new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs'), maxNoisyGroups: -1 }),
  },
  {
    code: 'AwsManagedKeyNotAllowed',
    when: 'alias/aws/sqs encrypts, which no service producer can use',
    attempt: (stack) =>
      jobs({ encryption: Encryption.customerManaged(kms.Alias.fromAliasName(stack, 'Alias', 'alias/aws/sqs')) })(stack),
  },
  {
    code: 'BucketProducerOnFifoQueue',
    when: 'a bucket is forced upon a FIFO queue',
    attempt: (stack) => {
      const producer = Producer.bucket(new s3.Bucket(stack, 'Uploads'));
      new FifoWorkQueue(stack, 'Jobs').addProducer(producer as FifoProducer);
    },
  },
  {
    code: 'ContentBasedDeduplicationRequired',
    when: 'a rule sends to a FIFO queue that does not deduplicate by content',
    attempt: (stack) =>
      new FifoWorkQueue(stack, 'Jobs').addProducer(Producer.rule(rule(stack), { messageGroupId: 'all' })),
  },
  {
    code: 'DataKeyReuseOutOfRange',
    when: 'a data key is reused for 59 seconds',
    attempt: jobs({ encryption: Encryption.customerManaged(undefined, { dataKeyReuse: Duration.seconds(59) }) }),
  },
  {
    code: 'DeadLetterQueueInAnotherEnvironment',
    when: 'the dead-letter queue is in another account',
    attempt: (stack) => jobs({ deadLetterQueue: imported(stack, 'dead', 'eu-west-1:222222222222') })(stack),
  },
  {
    code: 'DeadLetterQueueInAnotherEnvironment',
    when: 'the dead-letter queue is in another region',
    attempt: (stack) => {
      const other = new Stack(stack.node.root as App, 'Other', {
        env: { account: '111111111111', region: 'us-east-1' },
      });
      jobs({ deadLetterQueue: new sqs.Queue(other, 'Dead', { retentionPeriod: Duration.days(14) }) })(stack);
    },
  },
  {
    code: 'DeadLetterQueueTypeMismatch',
    when: 'a FIFO queue gets an imported standard dead-letter queue',
    attempt: (stack) => void new FifoWorkQueue(stack, 'Jobs', { deadLetterQueue: imported(stack, 'dead') }),
  },
  {
    code: 'DeadLetterQueueTypeMismatch',
    when: 'a standard queue is imported with a FIFO dead-letter queue',
    attempt: (stack) =>
      void WorkQueue.fromQueue(stack, 'Jobs', {
        queue: imported(stack, 'jobs'),
        deadLetterQueue: imported(stack, 'd.fifo'),
      }),
  },
  {
    code: 'DeadLetterQueueUnknown',
    when: 'quarantine is granted on a queue that was imported without its dead-letter queue',
    attempt: (stack) =>
      WorkQueue.fromQueue(stack, 'Jobs', { queue: imported(stack, 'jobs') }).grantQuarantine(
        new iam.User(stack, 'User'),
      ),
  },
  {
    code: 'DeadLetterRetentionNotLonger',
    when: 'the dead-letter queue keeps messages shorter than its source',
    attempt: jobs({ retentionPeriod: Duration.days(4), deadLetterRetentionPeriod: Duration.days(3) }),
  },
  {
    code: 'DeadLetterRetentionNotLonger',
    when: 'a given dead-letter queue has the default retention of its source',
    attempt: (stack) => jobs({ deadLetterQueue: new sqs.Queue(stack, 'Dead') })(stack),
  },
  {
    code: 'DeadLetterRetentionOutOfRange',
    when: 'the dead-letter queue keeps messages for 15 days',
    attempt: jobs({ deadLetterRetentionPeriod: Duration.days(15) }),
  },
  {
    code: 'DeliveryDelayNotShorterThanRetention',
    when: 'messages expire before they become visible',
    attempt: jobs({
      deliveryDelay: Duration.minutes(5),
      retentionPeriod: Duration.minutes(5),
      visibilityTimeout: Duration.seconds(1),
    }),
  },
  {
    code: 'DeliveryDelayOutOfRange',
    when: 'messages are delayed by 901 seconds',
    attempt: jobs({ deliveryDelay: Duration.seconds(901) }),
  },
  {
    code: 'EventAgeOutOfRange',
    when: 'EventBridge tries for 59 seconds',
    attempt: (stack) =>
      new WorkQueue(stack, 'Jobs').addProducer(Producer.rule(rule(stack), { maxEventAge: Duration.seconds(59) })),
  },
  {
    code: 'FifoThroughputHalfSet',
    when: 'an override sets one of the two attributes of high throughput',
    attempt: (stack) => {
      const { queue } = new FifoWorkQueue(stack, 'Jobs');
      (queue.node.defaultChild as sqs.CfnQueue).fifoThroughputLimit = 'perMessageGroupId';
    },
  },
  {
    code: 'FifoThroughputHalfSet',
    when: 'an override takes one of the two attributes away',
    attempt: (stack) => {
      const { queue } = new FifoWorkQueue(stack, 'Jobs', { throughput: FifoThroughput.high() });
      (queue.node.defaultChild as sqs.CfnQueue).deduplicationScope = undefined;
    },
  },
  {
    code: 'MaxReceiveCountOutOfRange',
    when: 'a message may be received 5,000 times',
    attempt: jobs({ maxReceiveCount: 5_000 }),
  },
  {
    code: 'MessageGroupIdMissing',
    when: 'a rule sends to a FIFO queue without a group',
    attempt: (stack) =>
      new FifoWorkQueue(stack, 'Jobs', { contentBasedDeduplication: true }).addProducer(Producer.rule(rule(stack))),
  },
  {
    code: 'MessageGroupIdTooLong',
    when: 'a group id has 129 characters',
    attempt: (stack) =>
      new WorkQueue(stack, 'Jobs').addProducer(Producer.rule(rule(stack), { messageGroupId: 'g'.repeat(129) })),
  },
  {
    code: 'MessageSizeOutOfRange',
    when: 'messages of 2 MiB are to be taken',
    attempt: jobs({ maxMessageSize: Size.mebibytes(2) }),
  },
  {
    code: 'OrganizationIdNotValid',
    when: 'an account id stands for an organization',
    attempt: (stack) => new WorkQueue(stack, 'Jobs').addProducer(Producer.organization('123456789012')),
  },
  {
    code: 'PolicyTooLarge',
    when: 'the policy has more than 8,192 bytes',
    attempt: withStatements(() => [
      {
        principals: [account(0)],
        actions: ['sqs:SendMessage'],
        conditions: {
          ArnLike: { 'aws:SourceArn': numbers(100).map((n) => `arn:aws:s3:::${'b'.repeat(60)}${1000 + n}`) },
        },
      },
    ]),
  },
  {
    code: 'PolicyTooManyActions',
    when: 'one statement has eight actions',
    attempt: withStatements(() => [{ principals: [account(0)], actions: numbers(8).map((n) => `sqs:Action${n}`) }]),
  },
  {
    code: 'PolicyTooManyConditions',
    when: 'the policy has more than ten conditions',
    attempt: withStatements(() =>
      numbers(10).map((n) => ({
        principals: [account(n)],
        actions: [`sqs:Action${n}`],
        conditions: { StringEquals: { [`aws:RequestTag/${n}`]: 'x' } },
      })),
    ),
  },
  {
    code: 'PolicyTooManyPrincipals',
    when: 'the policy names more than 50 principals',
    attempt: (stack) => {
      const queue = new WorkQueue(stack, 'Jobs');
      for (const n of numbers(50)) queue.addProducer(Producer.account(String(100_000_000_000 + n)));
    },
  },
  {
    code: 'PolicyTooManyStatements',
    when: 'the policy has more than 20 statements',
    attempt: withStatements(() => numbers(20).map((n) => ({ principals: [account(n)], actions: [`sqs:Action${n}`] }))),
  },
  { code: 'QueueNameNotValid', when: 'a queue name holds a dot', attempt: jobs({ queueName: 'my.jobs' }) },
  { code: 'QueueNameNotValid', when: 'a queue name has 81 characters', attempt: jobs({ queueName: 'q'.repeat(81) }) },
  {
    code: 'QueueNameNotValid',
    when: 'a standard queue is named like a FIFO queue',
    attempt: jobs({ queueName: 'jobs.fifo' }),
  },
  { code: 'QueueNameNotValid', when: 'a queue name is empty', attempt: jobs({ queueName: '' }) },
  {
    code: 'QueueNameNotValid',
    when: 'a FIFO queue name has no room for its suffix',
    attempt: (stack) => void new FifoWorkQueue(stack, 'Jobs', { queueName: 'q'.repeat(76) }),
  },
  {
    code: 'QueueTypeMismatch',
    when: 'a FIFO queue is imported as a standard queue',
    attempt: (stack) => void WorkQueue.fromQueue(stack, 'Jobs', { queue: imported(stack, 'jobs.fifo') }),
  },
  {
    code: 'QueueTypeMismatch',
    when: 'a standard queue is imported as a FIFO queue',
    attempt: (stack) => void FifoWorkQueue.fromQueue(stack, 'Jobs', { queue: imported(stack, 'jobs') }),
  },
  {
    code: 'ReceiveWaitTimeOutOfRange',
    when: 'a receive does not wait',
    attempt: jobs({ receiveMessageWaitTime: Duration.seconds(0) }),
  },
  {
    code: 'RetentionOutOfRange',
    when: 'messages are kept for 59 seconds',
    attempt: jobs({ retentionPeriod: Duration.seconds(59) }),
  },
  {
    code: 'RetentionShorterThanAllReceives',
    when: 'a failing message expires before its last receive',
    attempt: jobs({ visibilityTimeout: Duration.hours(12), maxReceiveCount: 9 }),
  },
  {
    code: 'RetryAttemptsOutOfRange',
    when: 'EventBridge is to retry 186 times',
    attempt: (stack) => new WorkQueue(stack, 'Jobs').addProducer(Producer.rule(rule(stack), { retryAttempts: 186 })),
  },
  {
    code: 'RuleDeadLetterQueueIsFifo',
    when: 'a rule gets a FIFO dead-letter queue',
    attempt: (stack) =>
      new WorkQueue(stack, 'Jobs').addProducer(
        Producer.rule(rule(stack), { deadLetterQueue: new sqs.Queue(stack, 'Dead', { fifo: true }) }),
      ),
  },
  {
    code: 'StandardTopicOnFifoQueue',
    when: 'a standard topic sends to a FIFO queue',
    attempt: (stack) => new FifoWorkQueue(stack, 'Jobs').addProducer(Producer.topic(new sns.Topic(stack, 'Topic'))),
  },
  {
    code: 'VisibilityTimeoutLongerThanRetention',
    when: 'messages expire before they become visible again',
    attempt: jobs({ visibilityTimeout: Duration.hours(2), retentionPeriod: Duration.hours(1) }),
  },
  {
    code: 'VisibilityTimeoutOutOfRange',
    when: 'a message is hidden for 12 hours and a second',
    attempt: jobs({ visibilityTimeout: Duration.seconds(43_201) }),
  },
];
