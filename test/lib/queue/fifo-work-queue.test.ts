import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as events from 'aws-cdk-lib/aws-events';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { FifoThroughput, FifoWorkQueue, Producer, WorkQueue } from '../../../lib';

let stack: Stack;
beforeEach(() => {
  stack = new Stack(new App(), 'Test');
});

describe('FifoWorkQueue', () => {
  test('makes two FIFO queues with the suffix that SQS demands', () => {
    new FifoWorkQueue(stack, 'Orders');
    const template = Template.fromStack(stack);
    template.allResourcesProperties('AWS::SQS::Queue', { FifoQueue: true });
    template.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: Match.stringLikeRegexp('^Test-Orders-[0-9a-f]{8}\\.fifo$'),
      DeduplicationScope: 'queue',
      FifoThroughputLimit: 'perQueue',
      ContentBasedDeduplication: Match.absent(),
    });
  });

  test('adds the suffix to a given name', () => {
    new FifoWorkQueue(stack, 'Orders', { queueName: 'orders' });
    Template.fromStack(stack).hasResourceProperties('AWS::SQS::Queue', { QueueName: 'orders.fifo' });
  });

  test('sets both attributes of high throughput', () => {
    new FifoWorkQueue(stack, 'Orders', { throughput: FifoThroughput.high(), contentBasedDeduplication: true });
    Template.fromStack(stack).hasResourceProperties('AWS::SQS::Queue', {
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      ContentBasedDeduplication: true,
    });
  });

  test('may keep dead letters as long as messages, whose time begins anew when they are moved', () => {
    const fourDays = { retentionPeriod: Duration.days(4), deadLetterRetentionPeriod: Duration.days(4) };
    expect(() => new FifoWorkQueue(stack, 'Orders', fourDays)).not.toThrow();
    expect(() => new WorkQueue(stack, 'Jobs', fourDays)).toThrow(
      /\(345600 seconds\), or both 1209600 seconds, because/,
    );
  });

  test('keeps its logical ids', () => {
    new FifoWorkQueue(stack, 'Orders');
    expect(Object.keys(Template.fromStack(stack).toJSON().Resources as object).sort()).toEqual([
      'OrdersDeadLetterQueueA73944CE',
      'OrdersDeadLetterQueuePolicyBDB38C9A',
      'OrdersKey6C690DD2',
      'OrdersQueueC538DD4C',
      'OrdersQueuePolicy969D31B6',
    ]);
  });

  test('takes a FIFO topic and a rule with a group', () => {
    const queue = new FifoWorkQueue(stack, 'Orders', { contentBasedDeduplication: true });
    const rule = new events.Rule(stack, 'Rule', { eventPattern: { source: ['shop'] } });
    expect(queue.addProducer(Producer.topic(new sns.Topic(stack, 'Topic', { fifo: true }))).success).toBe(true);
    expect(queue.addProducer(Producer.rule(rule, { messageGroupId: 'orders' })).success).toBe(true);
    Template.fromStack(stack).hasResourceProperties('AWS::Events::Rule', {
      Targets: [Match.objectLike({ SqsParameters: { MessageGroupId: 'orders' } })],
    });
  });
});

describe('does not compile', () => {
  test('what only one of the two types can do', () => {
    const fifo = new FifoWorkQueue(stack, 'Orders');
    const bucket = new s3.Bucket(stack, 'Uploads');
    // @ts-expect-error S3 refuses FIFO queues
    expect(() => fifo.addProducer(Producer.bucket(bucket))).toThrow(/BucketProducerOnFifoQueue/);
    // @ts-expect-error a standard queue does not deduplicate
    new WorkQueue(stack, 'Deduplicating', { contentBasedDeduplication: true });
    // @ts-expect-error a standard queue has no throughput to choose
    new WorkQueue(stack, 'High', { throughput: FifoThroughput.high() });
    // @ts-expect-error half of high throughput cannot be said
    expect(() => new FifoThroughput('messageGroup', 'perQueue')).not.toThrow();
  });
});
