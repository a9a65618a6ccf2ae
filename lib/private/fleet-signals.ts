import { Duration, Token } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { IWorkQueue } from '../queue/work-queue-interface';
import type { Sizing } from '../scaling/sizing';
import { type AlarmSignal, deadLetters, oldestMessage } from './queue-signals';
import { groupResource } from './scaling/group-capacity';
import { groupMetric, literal, queueTerms } from './scaling/queue-metrics';

/** What is watched, and by which numbers. */
export interface FleetSignalSettings {
  readonly queue: IWorkQueue;
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  readonly sizing: Sizing;
  readonly max: number;
}

const MINUTE = Duration.minutes(1);
const FIVE = Duration.minutes(5);

/**
 * Age of a message that was begun in time and took as long as the longest: the age counts from the sending to the delete, so
 * the delay of the queue is in it.
 */
export function ageLimitSeconds(queue: IWorkQueue, sizing: Sizing): number {
  const delaySeconds = (queue.queue.node.defaultChild as sqs.CfnQueue | undefined)?.delaySeconds;
  const known = typeof delaySeconds === 'number' && !Token.isUnresolved(delaySeconds) ? delaySeconds : 0;
  return Math.ceil(known + sizing.acceptableLatencySeconds + sizing.p99ProcessingSeconds);
}

/** The signals of a fleet, in the order of the dashboard. */
export function fleetSignals(settings: FleetSignalSettings): AlarmSignal[] {
  const dead = deadLetters(settings.queue);
  return [
    tooOld(settings),
    ...(dead ? [dead] : []),
    atMaximum(settings),
    noWorker(settings),
    tooFewInService(settings),
  ];
}

function tooOld({ queue, sizing }: FleetSignalSettings): AlarmSignal {
  return {
    ...oldestMessage(queue, Duration.seconds(ageLimitSeconds(queue, sizing))),
    meaning: `Messages wait longer than ${literal(sizing.acceptableLatencySeconds)} s`,
    periods: 5,
    breaching: 3,
  };
}

function atMaximum({ queue, autoScalingGroup, sizing, max }: FleetSignalSettings): AlarmSignal {
  // A group of a fixed size is always at its maximum: there only a backlog counts that it cannot do within the latency.
  const isFixed = String(groupResource(autoScalingGroup).minSize) === String(max);
  const inTime = (max * sizing.concurrency * sizing.acceptableLatencySeconds) / sizing.averageProcessingSeconds;
  const fine = isFixed ? literal(Math.floor(inTime)) : '0';
  const metrics = {
    ...queueTerms([queue.queue], FIVE, ['v']).metrics,
    d: groupMetric(autoScalingGroup, 'GroupDesiredCapacity', FIVE, 'Minimum'),
  };
  return {
    id: 'AtMaximum',
    meaning: `The fleet is at its maximum of ${max} instances and messages still wait`,
    ...isTrue(`IF(v>${fine},IF(d>=${literal(max)},1,0),0)`, metrics, FIVE, 'At the maximum while messages wait'),
    periods: periods(Math.max(1_800, 2 * sizing.acceptableLatencySeconds), FIVE),
  };
}

function noWorker({ queue, sizing }: FleetSignalSettings): AlarmSignal {
  const terms = queueTerms([queue.queue], MINUTE, ['v', 'f']);
  return {
    id: 'NoWorker',
    meaning: 'Messages wait and no worker takes any',
    ...isTrue(
      `IF(${terms.visible}>0,IF(${terms.inFlight}<1,1,0),0)`,
      terms.metrics,
      MINUTE,
      'Waiting messages and none in flight',
    ),
    periods: periods(Math.max(600, 2 * sizing.reactionSeconds), MINUTE),
  };
}

/**
 * Instances that never come into service: no capacity, a quota, a build that does not start. The least that was wanted in
 * five minutes is compared with the most that was there, so that a fleet that grows is not one that fails.
 */
function tooFewInService({ autoScalingGroup, sizing }: FleetSignalSettings): AlarmSignal {
  const metrics = {
    d: groupMetric(autoScalingGroup, 'GroupDesiredCapacity', FIVE, 'Minimum'),
    i: groupMetric(autoScalingGroup, 'GroupInServiceInstances', FIVE, 'Maximum'),
  };
  return {
    id: 'TooFewInService',
    meaning: 'Instances that the group wants do not come into service',
    ...isTrue('IF(d>i,1,0)', metrics, FIVE, 'Fewer instances in service than wanted'),
    // An instance that fails to start holds its launch hook to the end.
    periods: periods(Math.max(1_800, 4 * sizing.launchHookSeconds), FIVE),
  };
}

/** A condition that is 1 or 0, and fine while its metrics are missing. */
function isTrue(
  expression: string,
  usingMetrics: Record<string, cloudwatch.IMetric>,
  period: Duration,
  label: string,
): Pick<AlarmSignal, 'metric' | 'threshold' | 'comparison' | 'missing'> {
  return {
    metric: new cloudwatch.MathExpression({ expression, usingMetrics, label, period }),
    threshold: 1,
    comparison: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    missing: cloudwatch.TreatMissingData.NOT_BREACHING,
  };
}

/** CloudWatch evaluates at most a day. */
const periods = (seconds: number, period: Duration): number =>
  Math.ceil(Math.min(seconds, 86_400) / period.toSeconds());
