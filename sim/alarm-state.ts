/** How CloudWatch decides an alarm's state from its newest datapoints. */
import type { AlarmModel, Comparison } from './scaling-model';

/** State of an alarm. */
export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** What the decision needs of an alarm. */
export type AlarmRule = Pick<
  AlarmModel,
  'comparison' | 'threshold' | 'evaluationPeriods' | 'datapointsToAlarm' | 'treatMissingData'
>;

/** Whether one value breaches. */
export function breaches(value: number, comparison: Comparison, threshold: number): boolean {
  switch (comparison) {
    case 'GreaterThanThreshold':
      return value > threshold;
    case 'GreaterThanOrEqualToThreshold':
      return value >= threshold;
    case 'LessThanThreshold':
      return value < threshold;
    case 'LessThanOrEqualToThreshold':
      return value <= threshold;
  }
}

/**
 * The state that an evaluation gives.
 *
 * Missing points are skipped while enough real ones are in the range; otherwise `treatMissingData` stands in for the
 * rest. With `missing` and `ignore`, real points that all breach but are too few keep the state open: the alarm goes to
 * ALARM only when they are the oldest of the range, so that a point that is merely late does not fire it.
 *
 * @param datapoints values of the evaluation range, oldest first; NaN is a missing point
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html (read November 2026)
 */
export function nextAlarmState(rule: AlarmRule, datapoints: readonly number[], current: AlarmState): AlarmState {
  const real = datapoints.filter((value) => !Number.isNaN(value)).slice(-rule.evaluationPeriods);
  const breaching = real.filter((value) => breaches(value, rule.comparison, rule.threshold)).length;
  const missing = rule.evaluationPeriods - real.length;
  if (missing === 0 || rule.treatMissingData === 'notBreaching') {
    return breaching >= rule.datapointsToAlarm ? 'ALARM' : 'OK';
  }
  if (rule.treatMissingData === 'breaching') {
    return breaching + missing >= rule.datapointsToAlarm ? 'ALARM' : 'OK';
  }
  if (breaching >= rule.datapointsToAlarm) return 'ALARM';
  if (breaching < real.length) return 'OK';
  if (rule.treatMissingData === 'ignore') return current;
  const oldest = datapoints[0] ?? NaN;
  return real.length > 0 && !Number.isNaN(oldest) ? 'ALARM' : 'INSUFFICIENT_DATA';
}
