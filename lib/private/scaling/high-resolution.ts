import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { WORKER_METRICS } from '../../../worker/contract';
import { capacityRanges, capacitySteps, needFormula } from '../../scaling/need';
import type { CapacityRange, NeedFormula } from '../../scaling/need';
import { bindLatencyGoal } from './latency-goal';
import type { PolicyBinding, PolicyContext } from './policy';
import { literal, withinRange } from './queue-metrics';
import { StepAlarm } from './step-alarm';

/** Seconds between two records of a worker, and the period of the alarm. */
export const HIGH_RESOLUTION_SECONDS = 10;

/**
 * Periods that must all ask for more. The records of the newest one may still be under way, and missing workers look like
 * missing instances.
 */
const PERIODS = 2;

/** From the arrival until the alarm: the workers' periods, their publication, and the alarm's evaluation. */
const SIGNAL_SECONDS = (PERIODS + 2) * HIGH_RESOLUTION_SECONDS;

/** From the first poll of an instance until all periods of the alarm count its worker, and some more. */
const WARMUP_SECONDS = 60;

/** The latency goal, and an alarm on what the workers themselves publish every ten seconds. */
export function bindHighResolution(metricsNamespace: string): PolicyBinding {
  const goal = bindLatencyGoal();
  return {
    validate: goal.validate,
    metricsInterval: Duration.seconds(HIGH_RESOLUTION_SECONDS),
    bind: (context) => {
      const { alarms } = goal.bind(context);
      const formula = fastFormula(context);
      // The steps are instances to add: the workers that have published are fewer than the group when records are late,
      // and an exact capacity computed from them could lower it.
      const mostToAdd = Math.max(1, context.max - Math.max(1, context.min));
      const fast = capacityRanges(1, mostToAdd).map(
        (range) =>
          new StepAlarm(context.scope, `Out10s${range.after === 0 ? '' : 'Upper'}`, {
            group: context.group,
            description: "Scale out on ten seconds of the workers' own numbers",
            metric: scaleOut(context, formula, range, metricsNamespace),
            threshold: range.after,
            comparison: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            steps: capacitySteps(range, 'out'),
            addsWithWarmup: Duration.seconds(WARMUP_SECONDS),
            periods: PERIODS,
          }).alarm,
      );
      return { alarms: [...alarms, ...fast], targetTracking: [] };
    },
  };
}

/** The same formula with the shorter reaction; arrivals are not known at this resolution. */
function fastFormula({ sizing, messageGroups }: PolicyContext): NeedFormula {
  const start = sizing.startSeconds;
  const drainTargetSeconds = Math.max(sizing.acceptableLatencySeconds / 2, (SIGNAL_SECONDS + start) / 2);
  return needFormula(
    { ...sizing, drainTargetSeconds },
    { periodSeconds: HIGH_RESOLUTION_SECONDS, noise: 0 },
    messageGroups,
  );
}

function scaleOut(
  { queues, sizing }: PolicyContext,
  formula: NeedFormula,
  range: CapacityRange,
  namespace: string,
): cloudwatch.IMetric {
  const period = Duration.seconds(HIGH_RESOLUTION_SECONDS);
  const metrics: Record<string, cloudwatch.IMetric> = {};
  const own = (metricName: string, statistic: string, queueName: string) =>
    new cloudwatch.Metric({ namespace, metricName, dimensionsMap: { QueueName: queueName }, statistic, period });
  const ids = queues.map((queue, i) => {
    const suffix = queues.length === 1 ? '' : String(i + 1);
    metrics[`b${suffix}`] = own(WORKER_METRICS.backlogPerSlot, 'Maximum', queue.queueName);
    metrics[`w${suffix}`] = own(WORKER_METRICS.busySlots, 'Sum', queue.queueName);
    return suffix;
  });
  const [first] = queues;
  // Every worker publishes one record per queue and period, so the samples count the workers.
  if (first) metrics['n'] = own(WORKER_METRICS.busySlots, 'SampleCount', first.queueName);
  const sum = (letter: string) => ids.map((suffix) => letter + suffix).join('+');
  const perSlot = `(${sum('b')})`;
  // A worker divides by the slots it has for the queue: its share, taken to be equal.
  const c = literal(sizing.concurrency / queues.length);
  const math = (expression: string, usingMetrics: Record<string, cloudwatch.IMetric>, label: string) =>
    new cloudwatch.MathExpression({ expression, usingMetrics, label, period });

  const waiting = math(`${perSlot}*${c}`, metrics, 'Messages waiting');
  const backlog = math(`waiting*${literal(formula.perWaiting)}`, { waiting }, 'Instances for the backlog');
  const total = math(
    `(waiting+${sum('w')})*${literal(formula.perMessage)}`,
    { waiting, ...metrics },
    'Instances for all work in the queue',
  );
  const larger = math('IF(backlog>total,backlog,total)', { backlog, total }, 'Instances needed');
  const cap = formula.cap === undefined ? undefined : literal(formula.cap);
  const need =
    cap === undefined
      ? larger
      : math(`IF(larger>${cap},${cap},larger)`, { larger }, 'Instances needed, within the message groups');
  const n: Record<string, cloudwatch.IMetric> = metrics['n'] ? { n: metrics['n'] } : {};
  const more = math('CEIL(need)-n', { need, ...n }, 'Instances needed beyond those that published');
  return math(`IF(n>0,IF(more>0,${withinRange('more', range, '0')},0),0)`, { more, ...n }, 'Instances to add');
}
