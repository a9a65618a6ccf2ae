/* eslint-disable awscdk/require-passing-this -- makes children in its caller's scope */
import { Duration } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SCALING_LIMITS } from '../../scaling/timing';
import type { Sizing } from '../../scaling/sizing';
import type { Violations } from '../violations';
import type { PolicyBinding, PolicyContext } from './policy';
import { groupMetric, literal, queueTerms } from './queue-metrics';

const MINUTE = Duration.minutes(1);

/** Waiting messages per instance, at the number that drains within the acceptable latency. */
export function bindBacklogPerInstance(): PolicyBinding {
  return binding('BacklogPerInstance', ['v'], ({ visible }, sizing) => ({
    expression: `${visible}/i`,
    label: 'Waiting messages per instance',
    targetValue: (sizing.concurrency * sizing.acceptableLatencySeconds) / sizing.averageProcessingSeconds,
  }));
}

/** Messages waiting and in flight, as a share of the slots. */
export function bindUtilization(targetPercent: number): PolicyBinding {
  const policy = binding('Utilization', ['v', 'f'], ({ visible, inFlight }, { concurrency }) => ({
    expression: `100*(${visible}+${inFlight})/(${literal(concurrency)}*i)`,
    label: 'Messages per hundred slots',
    targetValue: targetPercent,
  }));
  return {
    ...policy,
    validate: (context, violations) => {
      violations.requireNumber(
        'TargetUtilizationOutOfRange',
        'targetPercent',
        targetPercent,
        { min: 1, max: 100, unit: 'percent' },
        'leave room for work that arrives while instances start, for example 70',
      );
      policy.validate(context, violations);
    },
  };
}

type Terms = ReturnType<typeof queueTerms>;

interface Tracked {
  readonly expression: string;
  readonly label: string;
  readonly targetValue: number;
}

function binding(id: string, kinds: Array<'v' | 'f'>, track: (terms: Terms, sizing: Sizing) => Tracked): PolicyBinding {
  const maxQueues = Math.floor((SCALING_LIMITS.metricsPerAlarm - 1) / kinds.length);
  return {
    validate: (context, violations) => validate(context, violations, maxQueues, kinds.length),
    bind: ({ scope, queues, group, sizing }) => {
      const terms = queueTerms(queues, MINUTE, kinds);
      const { expression, label, targetValue } = track(terms, sizing);
      const policy = new autoscaling.CfnScalingPolicy(scope, id, {
        autoScalingGroupName: group.autoScalingGroupName,
        policyType: 'TargetTrackingScaling',
        targetTrackingConfiguration: {
          targetValue,
          // The L2 refuses metric math, so the queries are written out.
          customizedMetricSpecification: {
            metrics: [
              ...Object.entries(terms.metrics).map(([metricId, metric]) => query(metricId, metric)),
              query('i', groupMetric(group, 'GroupInServiceInstances', MINUTE, 'Average')),
              { id: 'e', expression, label, returnData: true },
            ],
          },
        },
      });
      return { alarms: [], targetTracking: [policy] };
    },
  };
}

function validate({ queues, min }: PolicyContext, violations: Violations, maxQueues: number, perQueue: number): void {
  if (queues.length > maxQueues) {
    violations.add(
      'ScalingMetricLimitExceeded',
      `'additionalQueues' (${queues.length} queues in all) must be at most ${maxQueues} in all for this policy (it reads at most ${SCALING_LIMITS.metricsPerAlarm} metrics, ${perQueue} per queue and 1 of the group): give some queues their own fleet`,
    );
  }
  if (min === 0) {
    violations.add(
      'TargetTrackingFromZero',
      `'minCapacity' (0 instances) must be at least 1 for target tracking (a value per instance does not exist without instances, so the group would never start): keep one instance, or choose ScalingPolicy.latencyGoal`,
    );
  }
}

function query(
  id: string,
  metric: cloudwatch.IMetric,
): autoscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty {
  const stat = metric.toMetricConfig().metricStat;
  return {
    id,
    metricStat: {
      metric: {
        namespace: stat?.namespace ?? '',
        metricName: stat?.metricName ?? '',
        dimensions: stat?.dimensions?.map(({ name, value }) => ({ name, value })),
      },
      stat: stat?.statistic ?? '',
    },
    returnData: false,
  };
}
