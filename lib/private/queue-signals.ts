import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { IWorkQueue } from '../queue/work-queue-interface';
import { fairQueueMetric } from './fair-queue-metric';
import { describeAlarm } from './runbook';
import { SQS_LIMITS } from './sqs-limits';

/** One thing about a queue that a person should hear of. */
export interface AlarmSignal {
  /** Construct id of the alarm. */
  readonly id: string;
  readonly meaning: string;
  readonly metric: cloudwatch.IMetric;
  readonly threshold: number;
  readonly comparison: cloudwatch.ComparisonOperator;
  readonly periods: number;
  /** Of those periods, how many have to be beyond the threshold; all of them when it is not given. */
  readonly breaching?: number;
  /** What a period without a datapoint means. */
  readonly missing: cloudwatch.TreatMissingData;
}

/** What is still fine. */
export interface SignalSettings {
  readonly queue: IWorkQueue;
  readonly maxAge: Duration;
  readonly maxDrainTime: Duration;
  readonly p99ProcessingTime: Duration;
  readonly maxNoisyGroups?: number;
}

/** SQS publishes nothing of a queue that nobody touches for 6 hours. */
const { IGNORE, NOT_BREACHING } = cloudwatch.TreatMissingData;

const MINUTE = Duration.minutes(1);

/** Share of the quota of messages in flight at which there is still time to act. */
const IN_FLIGHT_SHARE = 0.8;

/** Minutes that stand for "never" in the drain time: more than any allowed threshold. */
const NEVER_MINUTES = 10_000;

/** At least five minutes: in that time a queue whose consumers work shows a delete. */
const minutesToShow = ({ p99ProcessingTime }: SignalSettings): number =>
  Math.max(5, Math.ceil(p99ProcessingTime.toSeconds() / 60));

/** What an alarm on a signal watches and says; its actions are the caller's. */
export function alarmOn(signal: AlarmSignal): cloudwatch.AlarmProps {
  return {
    alarmDescription: describeAlarm(signal.meaning, signal.id),
    metric: signal.metric,
    threshold: signal.threshold,
    comparisonOperator: signal.comparison,
    evaluationPeriods: signal.periods,
    datapointsToAlarm: signal.breaching,
    treatMissingData: signal.missing,
  };
}

/** The signals of one queue, in the order of their urgency. */
export function queueSignals(settings: SignalSettings): AlarmSignal[] {
  const { queue } = settings;
  const dead = deadLetters(queue);
  return [
    ...(dead ? [dead] : []),
    oldestMessage(queue, settings.maxAge),
    {
      id: 'Stalled',
      meaning: 'The oldest message is too old and no message was deleted: no consumer works',
      metric: new cloudwatch.MathExpression({
        // `0 * age`: SQS counts deletes only while there are some, and a missing count compares to nothing.
        expression: `IF(age > ${settings.maxAge.toSeconds()} AND (deleted + 0 * age) < 1, 1, 0)`,
        usingMetrics: { age: age(queue), deleted: sum(queue, 'Deleted', MINUTE) },
        label: 'Stalled',
        period: MINUTE,
      }),
      threshold: 1,
      comparison: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      periods: minutesToShow(settings),
      missing: NOT_BREACHING,
    },
    {
      id: 'InFlight',
      meaning: `Messages in flight are near the quota of ${SQS_LIMITS.inFlightMessages}`,
      metric: queue.queue.metricApproximateNumberOfMessagesNotVisible({
        statistic: cloudwatch.Stats.MAXIMUM,
        period: MINUTE,
      }),
      threshold: SQS_LIMITS.inFlightMessages * IN_FLIGHT_SHARE,
      comparison: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      periods: 2,
      missing: NOT_BREACHING,
    },
    {
      id: 'DrainTime',
      meaning: `The backlog takes longer than ${settings.maxDrainTime.toHumanString()} to drain, or it grows`,
      metric: drainMinutes(settings),
      threshold: settings.maxDrainTime.toMinutes({ integral: false }),
      comparison: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 3,
      missing: NOT_BREACHING,
    },
    ...noisyGroups(settings),
  ];
}

/** A message waits for longer than a time. */
export function oldestMessage(queue: IWorkQueue, maxAge: Duration): AlarmSignal {
  return {
    id: 'OldestMessage',
    meaning: `The oldest message waits longer than ${maxAge.toHumanString()}`,
    metric: age(queue),
    threshold: maxAge.toSeconds(),
    comparison: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    periods: 3,
    // No age while the queue is empty.
    missing: NOT_BREACHING,
  };
}

/** A message is in the dead-letter queue; undefined when that queue is not known. */
export function deadLetters({ deadLetterQueue }: IWorkQueue): AlarmSignal | undefined {
  if (deadLetterQueue === undefined) return undefined;
  return {
    id: 'DeadLetters',
    meaning: 'A message is in the dead-letter queue: look at it, fix the cause, move it back',
    // Not NumberOfMessagesSent: SQS does not count the messages that it moves itself.
    metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({
      statistic: cloudwatch.Stats.MAXIMUM,
      period: MINUTE,
    }),
    threshold: 0,
    comparison: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    periods: 1,
    // The messages are still there: only a datapoint may say that they are gone.
    missing: IGNORE,
  };
}

function noisyGroups({ queue, maxNoisyGroups }: SignalSettings): AlarmSignal[] {
  if (maxNoisyGroups === undefined) return [];
  return [
    {
      id: 'NoisyGroups',
      meaning: `More than ${maxNoisyGroups} tenants take more than their share`,
      metric: fairQueueMetric(queue.queue, 'ApproximateNumberOfNoisyGroups'),
      threshold: maxNoisyGroups,
      comparison: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 5,
      missing: NOT_BREACHING,
    },
  ];
}

/**
 * Minutes until the queue is empty, at the pace of the last 5 minutes, or of the time that the work takes.
 *
 * `visible / (deleted - sent)` alone is negative when the queue grows, so that its alarm is silent when it matters most.
 * Here a queue that does not shrink never drains, unless fewer messages wait than are done in that time: a steady queue
 * is no problem. The inner IF keeps the divisor from 0, which would drop the datapoint.
 *
 * SQS publishes how many were sent or deleted only while some are, and two missing values compare to nothing. With
 * `0 * visible` they are 0 whenever the queue is published at all.
 */
function drainMinutes(settings: SignalSettings): cloudwatch.MathExpression {
  const { queue } = settings;
  const perPeriod = minutesToShow(settings);
  const period = Duration.minutes(perPeriod);
  const shrinks = '(deleted + 0 * visible) > (sent + 0 * visible)';
  return new cloudwatch.MathExpression({
    expression: `IF(visible > deleted, IF(${shrinks}, ${perPeriod} * visible / IF(${shrinks}, deleted - sent, 1), ${NEVER_MINUTES}), 0)`,
    usingMetrics: {
      visible: queue.queue.metricApproximateNumberOfMessagesVisible({
        statistic: cloudwatch.Stats.MAXIMUM,
        period,
      }),
      sent: sum(queue, 'Sent', period),
      deleted: sum(queue, 'Deleted', period),
    },
    label: 'Minutes to drain',
    period,
  });
}

function age({ queue }: IWorkQueue): cloudwatch.Metric {
  return queue.metricApproximateAgeOfOldestMessage({ statistic: cloudwatch.Stats.MAXIMUM, period: MINUTE });
}

function sum({ queue }: IWorkQueue, what: 'Sent' | 'Deleted', period: Duration): cloudwatch.Metric {
  const options = { statistic: cloudwatch.Stats.SUM, period };
  return what === 'Sent' ? queue.metricNumberOfMessagesSent(options) : queue.metricNumberOfMessagesDeleted(options);
}
