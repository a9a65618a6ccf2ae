import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { IWorkQueue } from '../../queue/work-queue-interface';
import { groupMetric } from './queue-metrics';

/** What the dashboard shows. */
export interface FleetDashboardOptions {
  readonly queue: IWorkQueue;
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  readonly max: number;
  readonly ageLimitSeconds: number;
  readonly alarms: readonly cloudwatch.Alarm[];
}

/** Rows of widgets: the alarms, then what waits and how long, then who works and what failed. */
export function fleetDashboard(options: FleetDashboardOptions): cloudwatch.IWidget[][] {
  const { queue, deadLetterQueue } = options.queue;
  const period = Duration.minutes(1);
  const gauge = { statistic: 'Maximum', period };
  const half = { width: 12, height: 6 };
  const fromZero = { leftYAxis: { min: 0 } };
  const group = (metricName: string, label: string) =>
    groupMetric(options.autoScalingGroup, metricName, period, 'Maximum').with({ label });

  return [
    [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', width: 24, height: 2, alarms: [...options.alarms] })],
    [
      new cloudwatch.GraphWidget({
        ...half,
        ...fromZero,
        title: 'Messages',
        left: [
          queue.metricApproximateNumberOfMessagesVisible({ ...gauge, label: 'waiting' }),
          queue.metricApproximateNumberOfMessagesNotVisible({ ...gauge, label: 'in flight' }),
        ],
      }),
      new cloudwatch.GraphWidget({
        ...half,
        ...fromZero,
        title: 'Age of the oldest message',
        left: [queue.metricApproximateAgeOfOldestMessage({ ...gauge, label: 'age' })],
        leftAnnotations: [{ value: options.ageLimitSeconds, label: 'goal + work (p99)', color: cloudwatch.Color.RED }],
      }),
    ],
    [
      new cloudwatch.GraphWidget({
        ...half,
        ...fromZero,
        title: 'Instances',
        left: [group('GroupDesiredCapacity', 'desired'), group('GroupInServiceInstances', 'in service')],
        leftAnnotations: [{ value: options.max, label: 'maximum', color: cloudwatch.Color.GREY }],
      }),
      new cloudwatch.GraphWidget({
        ...half,
        ...fromZero,
        title: 'Messages per minute',
        left: [
          queue.metricNumberOfMessagesSent({ statistic: 'Sum', period, label: 'sent' }),
          queue.metricNumberOfMessagesDeleted({ statistic: 'Sum', period, label: 'done' }),
        ],
        right: deadLetterQueue
          ? [deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...gauge, label: 'dead letters' })]
          : [],
      }),
    ],
  ];
}
