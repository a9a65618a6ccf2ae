import { Duration } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { FleetMonitoring, QueueAlarms, Workload, WorkQueue } from '../../../lib';
import type { FleetMonitoringProps } from '../../../lib';
import { plainGroup, VIDEO_WORKLOAD } from '../../support/scaled-group';

function monitored(props: Partial<FleetMonitoringProps> = {}) {
  const { stack, autoScalingGroup, queue } = plainGroup(1, 10);
  const monitoring = new FleetMonitoring(stack, 'Monitoring', {
    queue,
    autoScalingGroup,
    workload: VIDEO_WORKLOAD,
    ...props,
  });
  return { stack, monitoring, template: Template.fromStack(stack) };
}

/** What an alarm watches. */
const WATCHED = [
  'Namespace',
  'MetricName',
  'Dimensions',
  'Statistic',
  'Period',
  'Threshold',
  'ComparisonOperator',
  'TreatMissingData',
];

describe('FleetMonitoring', () => {
  test('keeps its logical ids', () => {
    const { template } = monitored({ dashboard: true });
    const ids = Object.keys(template.findResources('AWS::CloudWatch::Alarm'));
    expect([...ids, ...Object.keys(template.findResources('AWS::CloudWatch::Dashboard'))]).toMatchInlineSnapshot(`
     [
       "MonitoringOldestMessage183C4171",
       "MonitoringDeadLettersD99D287D",
       "MonitoringAtMaximum856B202D",
       "MonitoringNoWorker279EFA2E",
       "MonitoringTooFewInService4CFC899D",
       "MonitoringDashboard0C3675C6",
     ]
    `);
  });

  test('alarms when the oldest message is older than the goal and its own work', () => {
    monitored().template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateAgeOfOldestMessage',
      Statistic: 'Maximum',
      Threshold: 1320,
      EvaluationPeriods: 5,
      DatapointsToAlarm: 3,
      TreatMissingData: 'notBreaching',
    });
  });

  test('lets a delayed message be older by its delay', () => {
    const { stack, autoScalingGroup } = plainGroup(1, 10);
    const queue = new WorkQueue(stack, 'Later', { deliveryDelay: Duration.minutes(15) });
    new FleetMonitoring(stack, 'Monitoring', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD });
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateAgeOfOldestMessage',
      Threshold: 1320 + 900,
    });
  });

  test('alarms on the first dead letter, and stays so while the queue publishes nothing', () => {
    monitored().template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Statistic: 'Maximum',
      Period: 60,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 1,
      TreatMissingData: 'ignore',
    });
  });

  test('watches the oldest message and the dead letters exactly as QueueAlarms does, but for its own patience', () => {
    const { stack, autoScalingGroup, queue } = plainGroup(1, 10);
    new FleetMonitoring(stack, 'Fleet', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD });
    new QueueAlarms(stack, 'Alarms', { queue, maxAge: Duration.seconds(1320) });
    const alarms = Object.entries(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
    const watched = (id: string): unknown => {
      const found = alarms.find(([logicalId]) => logicalId.startsWith(id))?.[1].Properties;
      return WATCHED.map((property) => found[property]);
    };
    for (const id of ['OldestMessage', 'DeadLetters']) {
      expect(watched(`Fleet${id}`)).not.toContain(undefined);
      expect(watched(`Fleet${id}`)).toEqual(watched(`Alarms${id}`));
    }
  });

  test('has no alarm on dead letters that it does not know', () => {
    const { stack, autoScalingGroup } = plainGroup(1, 10);
    const queue = WorkQueue.fromQueue(stack, 'Imported', {
      queue: sqs.Queue.fromQueueArn(stack, 'Arn', 'arn:aws:sqs:eu-west-1:123456789012:jobs'),
    });
    const monitoring = new FleetMonitoring(stack, 'Monitoring', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD });
    expect(monitoring.deadLettersAlarm).toBeUndefined();
    expect(monitoring.alarms).toHaveLength(4);
  });

  test('alarms when the maximum is not enough for long, when nobody works, and when instances do not come', () => {
    const { template } = monitored();
    const expressions = Object.values(template.findResources('AWS::CloudWatch::Alarm')).flatMap(({ Properties }) =>
      (Properties.Metrics ?? [])
        .filter((m: object) => 'Expression' in m)
        .map((m: { Expression: string }) => [m.Expression, Properties.EvaluationPeriods]),
    );
    expect(expressions).toEqual([
      ['IF(v>0,IF(d>=10,1,0),0)', 6],
      ['IF(v>0,IF((f+0*v)<1,1,0),0)', 10],
      ['IF(d>i,1,0)', 6],
    ]);
  });

  test('a group of a fixed size is at its maximum when it cannot do in time what waits', () => {
    const { stack, autoScalingGroup, queue } = plainGroup(10, 10);
    new FleetMonitoring(stack, 'Monitoring', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD });
    // 10 instances, one message at a time, 180 s each: 33 in 600 s.
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
      Metrics: Match.arrayWith([Match.objectLike({ Expression: 'IF(v>33,IF(d>=10,1,0),0)' })]),
    });
  });

  test.each([
    ['the default boot', 150, 6],
    ['a slow boot: four launch hooks of three boots', 600, 24],
    ['the longest launch hook', 2_400, 96],
  ])('gives instances the time to start: %s', (_, bootSeconds, evaluationPeriods) => {
    const workload = new Workload({
      averageProcessingTime: Duration.minutes(3),
      acceptableLatency: Duration.minutes(10),
      bootTime: Duration.seconds(bootSeconds),
    });
    monitored({ workload }).template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp('^Instances that the group wants'),
      EvaluationPeriods: evaluationPeriods,
      DatapointsToAlarm: Match.absent(),
      TreatMissingData: 'notBreaching',
    });
  });

  test('compares the least that was wanted with the most that was there, so a fleet that grows is not one that fails', () => {
    const { template } = monitored();
    const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'));
    const [, alarm] = alarms.find(([id]) => id.startsWith('MonitoringTooFewInService')) ?? [];
    const metrics = (alarm?.['Properties'].Metrics as Array<{ MetricStat?: { Metric: object; Stat: string } }>).flatMap(
      ({ MetricStat }) => MetricStat ?? [],
    );
    expect(metrics).toEqual([
      expect.objectContaining({
        Metric: expect.objectContaining({ MetricName: 'GroupDesiredCapacity' }),
        Stat: 'Minimum',
      }),
      expect.objectContaining({
        Metric: expect.objectContaining({ MetricName: 'GroupInServiceInstances' }),
        Stat: 'Maximum',
      }),
    ]);
  });

  test('tells the topic at the beginning and at the end', () => {
    const { stack, autoScalingGroup, queue } = plainGroup(1, 10);
    const alarmTopic = new sns.Topic(stack, 'Topic');
    new FleetMonitoring(stack, 'Monitoring', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD, alarmTopic });
    const alarms = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
    expect(alarms).toHaveLength(5);
    for (const { Properties } of alarms) {
      expect(Properties.AlarmActions).toHaveLength(1);
      expect(Properties.OKActions).toEqual(Properties.AlarmActions);
    }
  });

  test('creates a dashboard only when asked', () => {
    monitored().template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    monitored({ dashboard: true }).template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  });
});
