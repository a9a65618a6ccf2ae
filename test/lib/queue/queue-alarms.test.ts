import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { FifoWorkQueue, QueueAlarms, QueueDashboard, WorkQueue } from '../../../lib';
import { evaluateMetricMath } from '../../../sim/metric-math';
import { parseMetricMath } from '../../../sim/metric-math-parser';
import { findingsOf } from '../../support/validators';

let stack: Stack;
beforeEach(() => {
  stack = new Stack(new App(), 'Test');
});

/** Evaluates an expression as CloudWatch does; a value that is not given is a missing datapoint. */
function evaluate(expression: string, values: Readonly<Record<string, number>>): unknown {
  const metrics = new Map(['age', 'visible', 'sent', 'deleted'].map((id) => [id, [values[id] ?? NaN]]));
  const input = { metrics, expressions: new Map(), length: 1, periodSeconds: 300, newestSeconds: 0 };
  const result = evaluateMetricMath(parseMetricMath(expression), input);
  return Array.isArray(result) ? result[0] : result;
}

function expressionOf(alarms: QueueAlarms, id: string): string {
  const alarm = alarms.node.findChild(id) as cloudwatch.Alarm;
  return (alarm.metric as cloudwatch.MathExpression).expression;
}

describe('QueueAlarms', () => {
  test('keeps the ids of its alarms, all of them sent to one encrypted topic', () => {
    const alarms = new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs'), maxNoisyGroups: 0 });
    expect(alarms.alarms.map((alarm) => alarm.node.id)).toEqual([
      'DeadLetters',
      'OldestMessage',
      'Stalled',
      'InFlight',
      'DrainTime',
      'NoisyGroups',
    ]);
    const template = Template.fromStack(stack);
    const topic = stack.resolve(alarms.alarmTopic.topicArn);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmActions: [topic],
      OKActions: [topic],
    });
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
  });

  test('a queue that publishes nothing wakes nobody, but its dead letters are not over', () => {
    const { alarms } = new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs'), maxNoisyGroups: 0 });
    const missing = alarms.map(({ node }) => [node.id, (node.defaultChild as cloudwatch.CfnAlarm).treatMissingData]);
    expect(Object.fromEntries(missing)).toEqual({
      DeadLetters: 'ignore',
      OldestMessage: 'notBreaching',
      Stalled: 'notBreaching',
      InFlight: 'notBreaching',
      DrainTime: 'notBreaching',
      NoisyGroups: 'notBreaching',
    });
  });

  test('a single dead letter is enough, and gauges are read as Maximum', () => {
    new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs') });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['JobsDeadLetterQueue8CC426EE', 'QueueName'] } }],
      Statistic: 'Maximum',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 1,
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesNotVisible',
      Statistic: 'Maximum',
      Threshold: 96_000,
    });
  });

  test('an imported queue without dead-letter queue, a FIFO queue and a given topic work', () => {
    const alarmTopic = new sns.Topic(stack, 'Topic');
    const imported = WorkQueue.fromQueue(stack, 'Theirs', {
      queue: sqs.Queue.fromQueueArn(stack, 'Queue', 'arn:aws:sqs:eu-west-1:111111111111:theirs'),
    });
    const one = new QueueAlarms(stack, 'One', { queue: imported, alarmTopic });
    const two = new QueueAlarms(stack, 'Two', { queue: new FifoWorkQueue(stack, 'Orders'), alarmTopic });
    expect([one.alarms.length, two.alarms.length]).toEqual([4, 5]);
    expect(two.alarmTopic).toBe(alarmTopic);
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::SNS::Topic', 1);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [stack.resolve(alarmTopic.topicArn)] });
  });

  test.each([
    ['6,000 wait, 500 fewer each 5 minutes', { visible: 6_000, sent: 2_500, deleted: 3_000 }, 60],
    ['it grows', { visible: 6_000, sent: 3_001, deleted: 3_000 }, 10_000],
    ['it stands still with a backlog', { visible: 6_000, sent: 3_000, deleted: 3_000 }, 10_000],
    ['nobody works', { visible: 1, sent: 0, deleted: 0 }, 10_000],
    ['steady, a few wait', { visible: 30, sent: 3_000, deleted: 3_000 }, 0],
    ['empty', { visible: 0, sent: 0, deleted: 0 }, 0],
    ['last seen: nothing was sent', { visible: 400, sent: 0, deleted: 100 }, 20],
    // SQS publishes what was sent or deleted only while something is.
    ['nobody works, and nothing is published of it', { visible: 1 }, 10_000],
    ['nobody works, and somebody sends', { visible: 6_000, sent: 10 }, 10_000],
    ['nothing is sent, and nothing is published of it', { visible: 400, deleted: 100 }, 20],
    ['empty, and nothing else is published', { visible: 0 }, 0],
  ])('minutes to drain when %s', (_, values, minutes) => {
    const alarms = new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs') });
    expect(evaluate(expressionOf(alarms, 'DrainTime'), values)).toBe(minutes);
  });

  test.each([
    [{ age: 601, deleted: 0 }, 1],
    [{ age: 601, deleted: 1 }, 0],
    [{ age: 600, deleted: 0 }, 0],
    // SQS publishes the deletes only while there are some.
    [{ age: 601 }, 1],
    [{ age: 600 }, 0],
  ])('stalled with %j: %d', (values, stalled) => {
    const queue = new WorkQueue(stack, 'Jobs');
    const alarms = new QueueAlarms(stack, 'Alarms', { queue, maxAge: Duration.minutes(10) });
    expect(evaluate(expressionOf(alarms, 'Stalled'), values)).toBe(stalled);
  });

  test.each([
    [undefined, 5, 300],
    [Duration.seconds(40), 5, 300],
    [Duration.seconds(301), 6, 360],
    [Duration.minutes(20), 20, 1_200],
    [Duration.hours(12), 720, 43_200],
  ])(
    'work of %s is not stalled for %i minutes, and is counted over %i seconds',
    (p99ProcessingTime, minutes, seconds) => {
      const queue = new WorkQueue(stack, 'Jobs');
      const alarms = new QueueAlarms(stack, 'Alarms', { queue, ...(p99ProcessingTime && { p99ProcessingTime }) });
      Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
        EvaluationPeriods: minutes,
        Metrics: Match.arrayWith([Match.objectLike({ Label: 'Stalled' })]),
      });
      const drain = alarms.node.findChild('DrainTime') as cloudwatch.Alarm;
      expect((drain.metric as cloudwatch.MathExpression).period.toSeconds()).toBe(seconds);
      const values = { visible: 6_000, sent: 2_500, deleted: 3_000 };
      expect(evaluate(expressionOf(alarms, 'DrainTime'), values)).toBe((12 * seconds) / 60);
    },
  );

  test('has no finding of the validators', () => {
    const findings = findingsOf(
      (scope) => {
        const queue = new WorkQueue(scope, 'Jobs');
        new QueueAlarms(scope, 'Alarms', { queue, maxNoisyGroups: 0 });
        new QueueDashboard(scope, 'Dashboard', { queues: [queue] });
      },
      {},
      { cfnLint: false },
    );
    expect(findings).toEqual([]);
  }, 60_000);
});

describe('QueueDashboard', () => {
  test('shows a row for each queue', () => {
    const queues = ['One', 'Two'].map((id) => new WorkQueue(stack, id));
    new QueueDashboard(stack, 'Queues', { queues });
    const [dashboard] = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Dashboard'));
    const body = JSON.stringify(dashboard);
    for (const title of ['## Test/One', '## Test/Two', 'Oldest message', 'Dead letters']) expect(body).toContain(title);
    expect(body.match(/ApproximateAgeOfOldestMessage/g)).toHaveLength(2);
  });
});
