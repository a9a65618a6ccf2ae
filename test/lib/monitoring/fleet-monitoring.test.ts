import { existsSync, readFileSync } from 'node:fs';
import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { FleetMonitoring, QueueAlarms, WorkQueue } from '../../../lib';
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
    expect(monitoring.alarms).toHaveLength(3);
  });

  test('alarms when the maximum is not enough for long, and when nobody works', () => {
    const { template } = monitored();
    const expressions = Object.values(template.findResources('AWS::CloudWatch::Alarm')).flatMap(({ Properties }) =>
      (Properties.Metrics ?? [])
        .filter((m: object) => 'Expression' in m)
        .map((m: { Expression: string }) => [m.Expression, Properties.EvaluationPeriods]),
    );
    expect(expressions).toEqual([
      ['IF(v>0,IF(d>=10,1,0),0)', 6],
      ['IF(v>0,IF((f+0*v)<1,1,0),0)', 10],
    ]);
  });

  test('tells the topic at the beginning and at the end', () => {
    const { stack, autoScalingGroup, queue } = plainGroup(1, 10);
    const alarmTopic = new sns.Topic(stack, 'Topic');
    new FleetMonitoring(stack, 'Monitoring', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD, alarmTopic });
    const alarms = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
    expect(alarms).toHaveLength(4);
    for (const { Properties } of alarms) {
      expect(Properties.AlarmActions).toHaveLength(1);
      expect(Properties.OKActions).toEqual(Properties.AlarmActions);
    }
  });

  test('creates a dashboard only when asked', () => {
    monitored().template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    monitored({ dashboard: true }).template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  });

  test('sends the operator to a heading that exists', () => {
    expect(existsSync('docs/fleet-monitoring.md')).toBe(true);
    const anchors = readFileSync('docs/fleet-monitoring.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('#'))
      .map((line) =>
        line
          .replace(/^#+ /, '')
          .toLowerCase()
          .replace(/[^a-z0-9 -]/g, '')
          .replace(/ /g, '-'),
      );
    const alarms = Object.values(monitored().template.findResources('AWS::CloudWatch::Alarm'));
    for (const { Properties } of alarms) {
      const [, anchor] = /docs\/fleet-monitoring\.md#(\S+)$/.exec(Properties.AlarmDescription) ?? [];
      expect(anchors).toContain(anchor);
    }
  });
});
