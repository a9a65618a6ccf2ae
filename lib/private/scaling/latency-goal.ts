/* eslint-disable awscdk/require-passing-this -- makes children in its caller's scope */
import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { Violations } from '../violations';
import { capacityRanges, capacitySteps, needFormula, NO_SCALE_IN, scaleInShare } from '../../scaling/need';
import type { CapacityRange, NeedFormula } from '../../scaling/need';
import { SCALING_LIMITS } from '../../scaling/timing';
import type { PolicyBinding, PolicyContext, PolicyResources } from './policy';
import { desiredCapacity, literal, queueTerms, withinRange } from './queue-metrics';
import { stepAlarm, StepAlarm } from './step-alarm';

const { GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD, LESS_THAN_OR_EQUAL_TO_THRESHOLD } = cloudwatch.ComparisonOperator;

/** Fast: one minute of arrivals must be two standard deviations above nothing. */
export const OUT1 = { periodSeconds: 60, noise: 2 } as const;

/**
 * Sure: five minutes, one standard deviation; scaling in uses the same, so that the two agree. By the average of its
 * samples: the largest of five is noise that kept some 4 % more instances, and Out1 answers what rises fast.
 */
export const OUT5 = { periodSeconds: 300, noise: 1 } as const;

/** How long everything must be at zero before the last instance goes. */
const IDLE_SECONDS = 900;

/**
 * Periods without a desired capacity that mean "asleep". One may only be late, and an exact capacity computed for an empty
 * group would shrink a running one. A group that publishes its 0 does not wait for it: Out1 starts it.
 */
const WAKE_PERIODS = 2;

/** Metrics that the policy reads per queue (waiting, in flight, sent), and one of the group. */
const METRICS_PER_QUEUE = 3;
export const LATENCY_GOAL_MAX_QUEUES = Math.floor((SCALING_LIMITS.metricsPerAlarm - 1) / METRICS_PER_QUEUE);

/** The default policy. */
export function bindLatencyGoal(): PolicyBinding {
  return { validate, bind };
}

function validate({ queues }: PolicyContext, violations: Violations): void {
  if (queues.length > LATENCY_GOAL_MAX_QUEUES) {
    violations.add(
      'ScalingMetricLimitExceeded',
      `'additionalQueues' (${queues.length} queues in all) must be at most ${LATENCY_GOAL_MAX_QUEUES} in all for ScalingPolicy.latencyGoal (an alarm reads at most ${SCALING_LIMITS.metricsPerAlarm} metrics, ${METRICS_PER_QUEUE} per queue and 1 of the group): give each queue its own fleet, or choose ScalingPolicy.queueDepth`,
    );
  }
}

function bind(context: PolicyContext): PolicyResources {
  const { scope, group, sizing, min, max, messageGroups } = context;
  const out1 = needFormula(sizing, OUT1, messageGroups);
  const out5 = needFormula(sizing, OUT5, messageGroups);
  const ranges = capacityRanges(min, max);
  const alarms: cloudwatch.Alarm[] = [];

  for (const range of ranges) {
    // The lower range keeps the plain id: a later rise of the maximum then adds resources and renames none.
    const suffix = range.after === 0 ? '' : 'Upper';
    const goal = `so that messages wait at most ${literal(sizing.acceptableLatencySeconds)} s`;
    const fast = new StepAlarm(scope, `Out1${suffix}`, {
      group,
      description: `Scale out on one minute's numbers ${goal}`,
      metric: scaleOut(context, out1, range),
      threshold: range.after,
      comparison: GREATER_THAN_THRESHOLD,
      steps: capacitySteps(range, 'out'),
    });
    const sure = new StepAlarm(scope, `Out5${suffix}`, {
      group,
      description: `Scale out on five minutes' numbers ${goal}`,
      metric: scaleOut(context, out5, range),
      threshold: range.after,
      comparison: GREATER_THAN_THRESHOLD,
      steps: capacitySteps(range, 'out'),
    });
    const slow = new StepAlarm(scope, `In${suffix}`, {
      group,
      description: `Scale in to what five minutes' numbers need ${goal}`,
      metric: scaleIn(context, out5, range),
      threshold: NO_SCALE_IN,
      comparison: LESS_THAN_THRESHOLD,
      steps: capacitySteps(range, 'in'),
    });
    alarms.push(fast.alarm, sure.alarm, slow.alarm);
    if (min === 0) {
      // Shares Out1's policy: both alarms then ask for the same capacity, and repeats cannot disagree.
      alarms.push(
        stepAlarm(scope, `Wake${suffix}`, {
          action: fast.action,
          description: 'Start from zero instances as soon as a message waits, even while the group publishes nothing',
          metric: wake(context, out1, range),
          threshold: range.after,
          comparison: GREATER_THAN_THRESHOLD,
          periods: WAKE_PERIODS,
        }),
      );
    }
  }
  if (min === 0) {
    const idle = new StepAlarm(scope, 'Idle', {
      group,
      description: `Stop the last instance after ${IDLE_SECONDS / 60} minutes without any message`,
      metric: idleness(context),
      threshold: 0,
      comparison: LESS_THAN_OR_EQUAL_TO_THRESHOLD,
      steps: [{ upper: 0, capacity: 0 }],
    });
    alarms.push(idle.alarm);
  }
  return { alarms, targetTracking: [] };
}

interface Need {
  /** All metrics of the queues. */
  readonly metrics: Record<string, cloudwatch.IMetric>;
  /** Those of the waiting messages: what a guard on `visible` refers to. */
  readonly gauges: Record<string, cloudwatch.IMetric>;
  /** Expression of the need; has a value whenever a queue is published. */
  readonly need: cloudwatch.MathExpression;
  readonly visible: string;
  readonly inFlight: string;
  readonly period: Duration;
}

/** need = max(lam + V S / (c Ld), (V + F) S / (c (Ld + S))), capped by the message groups. */
function needExpression({ queues, sizing }: PolicyContext, formula: NeedFormula): Need {
  const period = Duration.seconds(formula.periodSeconds);
  // Over five minutes the average: the largest of five samples is noise that kept some 4 % more instances. They are
  // worth having while the latency is below two reaction times.
  const isPatient = sizing.acceptableLatencySeconds >= 2 * sizing.reactionSeconds;
  const statistic = isPatient && formula.periodSeconds > OUT1.periodSeconds ? 'Average' : 'Maximum';
  const { metrics, gauges, visible, inFlight, sent } = queueTerms(queues, period, ['v', 'f', 's'], statistic);
  const math = (expression: string, usingMetrics: Record<string, cloudwatch.IMetric>, label: string) =>
    new cloudwatch.MathExpression({ expression, usingMetrics, label, period });
  const noise = literal(formula.noise);

  const rate = math(
    `IF(${sent}>${literal(formula.noise ** 2)},(${sent}-${noise}*${sent}^0.5)*${literal(formula.perSent)},0)+${visible}*${literal(formula.perWaiting)}`,
    metrics,
    'Instances for the arrivals and the backlog',
  );
  const total = math(
    `(${visible}+${inFlight})*${literal(formula.perMessage)}`,
    metrics,
    'Instances for all work in the queue',
  );
  const larger = math('IF(rate>total,rate,total)', { rate, total }, 'Instances needed');
  const need =
    formula.cap === undefined
      ? larger
      : math(
          `IF(larger>${literal(formula.cap)},${literal(formula.cap)},larger)`,
          { larger },
          'Instances needed, within the message groups',
        );
  return { metrics, gauges, need, visible, inFlight, period };
}

function scaleOut(context: PolicyContext, formula: NeedFormula, range: CapacityRange): cloudwatch.IMetric {
  const { gauges, need, visible, period } = needExpression(context, formula);
  const value = withinRange('CEIL(need)', range, '0');
  return new cloudwatch.MathExpression({
    expression: guarded(visible, `IF(CEIL(need)>d,${value},0)`, '0'),
    usingMetrics: { ...gauges, need, d: desiredCapacity(context.group, period, 'Maximum') },
    label: 'Instances to scale out to',
    period,
  });
}

function wake(context: PolicyContext, formula: NeedFormula, range: CapacityRange): cloudwatch.IMetric {
  const { metrics, need, visible, inFlight, period } = needExpression(context, formula);
  const value = withinRange('CEIL(need)', range, '0');
  return new cloudwatch.MathExpression({
    // Arithmetic takes a missing group metric as 0; any instance pushes the value far below the threshold. Messages in
    // flight say that somebody works, whatever the group publishes.
    expression: `IF(${visible}>=0,IF(CEIL(need)>0 AND ${inFlight}<1,${value},0)-${literal(NO_SCALE_IN)}*d,0)`,
    usingMetrics: { ...metrics, need, d: desiredCapacity(context.group, period, 'Maximum') },
    label: 'Instances to start from zero',
    period,
  });
}

function scaleIn(context: PolicyContext, formula: NeedFormula, range: CapacityRange): cloudwatch.IMetric {
  const { metrics, gauges, need, visible, inFlight, period } = needExpression(context, formula);
  const math = (expression: string, usingMetrics: Record<string, cloudwatch.IMetric>, label: string) =>
    new cloudwatch.MathExpression({ expression, usingMetrics, label, period });
  const busy = math(`${inFlight}*${literal(formula.perBusy)}`, metrics, 'Instances busy');
  const floor = literal(Math.max(1, context.min));
  const work = math('IF(need>busy,need,busy)', { need, busy }, 'Instances needed or busy');
  const keep = math(`IF(work>${floor},work,${floor})`, { work }, 'Instances to keep');
  const none = literal(NO_SCALE_IN);
  const value = withinRange('CEIL(keep)', range, none);
  return math(
    guarded(visible, `IF(keep<=d-1 AND keep<=${literal(scaleInShare(range))}*d,${value},${none})`, none),
    // The smallest desired capacity of the period: what was started within it is not stopped within it.
    { ...gauges, keep, d: desiredCapacity(context.group, period, 'Minimum') },
    'Instances to scale in to',
  );
}

function idleness({ queues, group }: PolicyContext): cloudwatch.IMetric {
  const period = Duration.seconds(IDLE_SECONDS);
  const { metrics, visible, inFlight, sent } = queueTerms(queues, period, ['v', 'f', 's']);
  return new cloudwatch.MathExpression({
    expression: `IF(${visible}>=0,IF(d>0,${visible}+${inFlight}+${sent},1),1)`,
    usingMetrics: { ...metrics, d: desiredCapacity(group, period, 'Minimum') },
    label: 'Messages waiting, in flight or sent',
    period,
  });
}

/**
 * The value where both the queue and the group are published, else what means "do nothing".
 *
 * One condition, because a true condition whose value is missing yields 0: with nested guards a late group metric would
 * read as "keep 0 instances".
 */
function guarded(visible: string, value: string, otherwise: string): string {
  return `IF(${visible}>=0 AND d>=0,${value},${otherwise})`;
}
