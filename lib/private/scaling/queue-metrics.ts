import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sqs from 'aws-cdk-lib/aws-sqs';

import type { CapacityRange } from '../../scaling/need';

type Kind = 'v' | 'f' | 's';

/** How several samples of a gauge within one period become one number. */
export type GaugeStatistic = 'Average' | 'Maximum';

const KINDS = {
  v: (queue: sqs.IQueue, period: Duration, statistic: GaugeStatistic) =>
    queue.metricApproximateNumberOfMessagesVisible({ statistic, period }),
  f: (queue: sqs.IQueue, period: Duration, statistic: GaugeStatistic) =>
    queue.metricApproximateNumberOfMessagesNotVisible({ statistic, period }),
  s: (queue: sqs.IQueue, period: Duration) => queue.metricNumberOfMessagesSent({ statistic: 'Sum', period }),
} as const;

/** A decimal number as metric math takes it: no exponent. */
export function literal(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 15, useGrouping: false });
}

/** Metrics of some queues and the expression that adds them up, per id letter. */
export interface QueueTerms {
  readonly metrics: Record<string, cloudwatch.IMetric>;
  /** The metrics of `visible` alone. */
  readonly gauges: Record<string, cloudwatch.IMetric>;
  /** Sum over the queues of the waiting messages. */
  readonly visible: string;
  /** Sum of the messages in flight; missing counts as 0, because SQS reports it only while there are some. */
  readonly inFlight: string;
  /** Sum of the messages sent in the period; missing counts as 0, because SQS reports it only while some are sent. */
  readonly sent: string;
}

/**
 * The queues' numbers as terms of a metric math expression.
 *
 * The in-flight and sent terms carry `+ 0 * visible`: in arithmetic a missing datapoint counts as 0, so the term has a
 * value whenever the queue is published at all, while a bare `f > x` would drop the point of an idle queue.
 */
export function queueTerms(
  queues: readonly sqs.IQueue[],
  period: Duration,
  kinds: readonly Kind[],
  statistic: GaugeStatistic = 'Maximum',
): QueueTerms {
  const metrics: Record<string, cloudwatch.IMetric> = {};
  const ids = (kind: Kind) => queues.map((_, i) => (queues.length === 1 ? kind : `${kind}${i + 1}`));
  for (const kind of kinds) {
    ids(kind).forEach((id, i) => {
      const queue = queues[i];
      if (queue) metrics[id] = KINDS[kind](queue, period, statistic);
    });
  }
  const visible = ids('v').join('+');
  const sum = (kind: Kind) => `${ids(kind).join('+')}+0*${ids('v').join('+0*')}`;
  return {
    metrics,
    gauges: Object.fromEntries(Object.entries(metrics).filter(([id]) => id.startsWith('v'))),
    visible: queues.length === 1 ? visible : `(${visible})`,
    inFlight: `(${sum('f')})`,
    sent: `(${sum('s')})`,
  };
}

/** GroupDesiredCapacity: what the group was told, so that a decision is not repeated while instances start. */
export function desiredCapacity(
  group: autoscaling.AutoScalingGroup,
  period: Duration,
  statistic: string,
): cloudwatch.Metric {
  return groupMetric(group, 'GroupDesiredCapacity', period, statistic);
}

/** A metric of the group; group metrics have to be enabled on it. */
export function groupMetric(
  group: autoscaling.AutoScalingGroup,
  metricName: string,
  period: Duration,
  statistic: string,
): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: 'AWS/AutoScaling',
    metricName,
    dimensionsMap: { AutoScalingGroupName: group.autoScalingGroupName },
    period,
    statistic,
  });
}

/** Half an instance below a whole number is the middle of its step: rounding cannot move it to a neighbour. */
export function withinRange(whole: string, range: CapacityRange, otherwise: string): string {
  const value = `${whole}-0.5`;
  const top = literal(range.capacities[range.capacities.length - 1] ?? 0);
  const below = range.last ? value : `IF(${whole}<=${top},${value},${otherwise})`;
  return range.after === 0 ? below : `IF(${whole}>${literal(range.after)},${below},${otherwise})`;
}
