import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { Violations } from '../private/violations';
import type { IWorkQueue } from './work-queue-interface';

/** Properties of a {@link QueueDashboard}. */
export interface QueueDashboardProps {
  /** The queues to show, one row each, 1 to 50. */
  readonly queues: IWorkQueue[];

  /**
   * How far back the dashboard looks when it is opened.
   *
   * @default Duration.hours(3)
   */
  readonly interval?: Duration;
}

/**
 * One dashboard for several queues: messages, age, throughput and dead letters of each in a row.
 *
 * @example
 * declare const jobs: IWorkQueue;
 * declare const orders: IWorkQueue;
 * new QueueDashboard(this, 'Queues', { queues: [jobs, orders] });
 */
export class QueueDashboard extends Construct {
  /** The dashboard, for widgets of your own. */
  public readonly dashboard: cloudwatch.Dashboard;

  /**
   * @throws DashboardQueuesOutOfRange
   */
  constructor(scope: Construct, id: string, props: QueueDashboardProps) {
    super(scope, id);
    const violations = new Violations(this);
    violations.requireNumber(
      'DashboardQueuesOutOfRange',
      'queues',
      props.queues.length,
      // Four widgets a queue and one title; a dashboard has at most 500 widgets and 2,500 metrics.
      { min: 1, max: 50, unit: 'queues' },
      'make a second dashboard',
    );
    violations.throwIfAny();
    this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
      defaultInterval: props.interval ?? Duration.hours(3),
      widgets: props.queues.flatMap((queue) => rowOf(queue)),
    });
  }
}

const WIDTH = 6;

function rowOf({ queue, deadLetterQueue, node }: IWorkQueue): cloudwatch.IWidget[][] {
  const period = Duration.minutes(1);
  const gauge = { statistic: cloudwatch.Stats.MAXIMUM, period };
  const sum = { statistic: cloudwatch.Stats.SUM, period };
  const graph = (title: string, left: cloudwatch.IMetric[], unit: string): cloudwatch.GraphWidget =>
    new cloudwatch.GraphWidget({ title, left, width: WIDTH, leftYAxis: { min: 0, label: unit, showUnits: false } });
  return [
    [new cloudwatch.TextWidget({ markdown: `## ${node.path}`, width: 24, height: 1 })],
    [
      graph(
        'Messages',
        [
          queue.metricApproximateNumberOfMessagesVisible({ ...gauge, label: 'waiting' }),
          queue.metricApproximateNumberOfMessagesNotVisible({ ...gauge, label: 'in flight' }),
          queue.metricApproximateNumberOfMessagesDelayed({ ...gauge, label: 'delayed' }),
        ],
        'messages',
      ),
      graph('Oldest message', [queue.metricApproximateAgeOfOldestMessage({ ...gauge, label: 'age' })], 'seconds'),
      graph(
        'Throughput',
        [
          queue.metricNumberOfMessagesSent({ ...sum, label: 'sent' }),
          queue.metricNumberOfMessagesReceived({ ...sum, label: 'received' }),
          queue.metricNumberOfMessagesDeleted({ ...sum, label: 'deleted' }),
        ],
        'messages a minute',
      ),
      graph(
        'Dead letters',
        deadLetterQueue === undefined
          ? []
          : [deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...gauge, label: 'dead letters' })],
        'messages',
      ),
    ],
  ];
}
