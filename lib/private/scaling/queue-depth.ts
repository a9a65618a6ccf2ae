import { Duration, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SCALING_LIMITS } from '../../scaling/timing';
import type { PolicyBinding, PolicyContext } from './policy';
import { queueTerms } from './queue-metrics';
import { StepAlarm } from './step-alarm';

interface Step {
  readonly messages: number;
  readonly instances: number;
}

const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 0;

/** What is wrong with the steps; undefined when nothing is. */
function problem(steps: readonly Step[]): string | undefined {
  const max = SCALING_LIMITS.stepsPerPolicy;
  if (steps.length < 2 || steps.length > max)
    return `'steps' (${steps.length} steps) must be 2 to ${max} steps: merge some`;
  for (const [i, step] of steps.entries()) {
    if (Token.isUnresolved(step.messages) || Token.isUnresolved(step.instances)) {
      return `'steps[${i}]' (a token) must be known at synth: the bounds of the policy are computed from it`;
    }
    if (!isWhole(step.messages) || !isWhole(step.instances)) {
      return `'steps[${i}]' (${step.messages} messages, ${step.instances} instances) must be whole numbers, 0 or more: round them`;
    }
    const previous = steps[i - 1];
    if (previous && (step.messages <= previous.messages || step.instances <= previous.instances)) {
      return `'steps[${i}]' (${step.messages} messages, ${step.instances} instances) must be above 'steps[${i - 1}]' (${previous.messages} messages, ${previous.instances} instances): sort the steps, and drop those that repeat a number of instances`;
    }
  }
  return steps[0]?.messages === 0
    ? undefined
    : `'steps[0].messages' (${steps[0]?.messages} messages) must be 0 messages: say how many instances an empty queue keeps`;
}

/** The classic policy: a number of instances for each queue length. */
export function bindQueueDepth(steps: readonly Step[]): PolicyBinding {
  return {
    validate: ({ queues, max }, violations) => {
      const text = problem(steps);
      if (text !== undefined) violations.add('ScalingStepsNotValid', text);
      if (queues.length > SCALING_LIMITS.metricsPerAlarm) {
        violations.add(
          'ScalingMetricLimitExceeded',
          `'additionalQueues' (${queues.length} queues in all) must be at most ${SCALING_LIMITS.metricsPerAlarm} in all (an alarm reads at most ${SCALING_LIMITS.metricsPerAlarm} metrics): give some queues their own fleet`,
        );
      }
      const last = steps[steps.length - 1];
      if (last && last.instances > max) {
        violations.add(
          'ScalingStepsNotValid',
          `'steps[${steps.length - 1}].instances' (${last.instances} instances) must be at most the group's maximum (${max} instances): raise 'maxCapacity' or lower the step`,
        );
      }
    },
    bind: (context) => ({ alarms: [outAlarm(context, steps), inAlarm(context, steps)], targetTracking: [] }),
  };
}

function depth({ queues }: PolicyContext, minutes: number): cloudwatch.IMetric {
  const period = Duration.minutes(minutes);
  const { metrics, visible } = queueTerms(queues, period, ['v']);
  const [only] = Object.values(metrics);
  if (queues.length === 1 && only) return only;
  return new cloudwatch.MathExpression({
    expression: visible,
    usingMetrics: metrics,
    label: 'Messages waiting',
    period,
  });
}

function outAlarm(context: PolicyContext, steps: readonly Step[]): cloudwatch.Alarm {
  const [, ...upper] = steps;
  const threshold = upper[0]?.messages ?? 0;
  return new StepAlarm(context.scope, 'Out', {
    group: context.group,
    description: `Scale out while ${threshold} messages or more wait`,
    metric: depth(context, 1),
    threshold,
    comparison: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    steps: upper.map(({ messages, instances }, i) => {
      const next = upper[i + 1]?.messages;
      return { lower: messages, ...(next === undefined ? {} : { upper: next }), capacity: instances };
    }),
  }).alarm;
}

function inAlarm(context: PolicyContext, steps: readonly Step[]): cloudwatch.Alarm {
  const [idle, first] = steps;
  const threshold = first?.messages ?? 0;
  return new StepAlarm(context.scope, 'In', {
    group: context.group,
    description: `Scale in when fewer than ${threshold} messages waited for five minutes`,
    metric: depth(context, 5),
    threshold,
    comparison: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
    steps: [{ upper: threshold, capacity: idle?.instances ?? 0 }],
  }).alarm;
}
