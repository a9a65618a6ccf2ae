/**
 * Every delay of AWS that the simulator and the local run assume, each a parameter.
 *
 * No AWS account was at hand to measure them. The defaults follow AWS's documentation where it gives a number, and
 * are cautious guesses elsewhere; `--timing FILE` overrides any of them with what you measured in your account.
 */
import type { Range } from './random';

/** Delays, in seconds. A `Range` is drawn from uniformly, each time anew. */
export interface Timing {
  /**
   * From the end of a minute until SQS's metrics of that minute can be read. SQS publishes once a minute.
   *
   * @default 30 to 90
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
   */
  readonly queuePublication: Range;
  /**
   * From the end of a minute until the group's metrics of that minute can be read.
   *
   * @default 15 to 60
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-metrics.html
   */
  readonly groupPublication: Range;
  /** From the end of an interval until a custom metric of the workers can be read. @default 2 to 6 */
  readonly customPublication: Range;
  /** Seconds between two samples of a custom metric. @default 10 */
  readonly customInterval: number;
  /**
   * Time between two evaluations of an alarm whose period is a minute or longer; the phase is drawn once.
   *
   * @default 60
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
   */
  readonly alarmInterval: number;
  /** Time between two evaluations of a high-resolution alarm. @default 10 */
  readonly highResolutionAlarmInterval: number;
  /**
   * How many datapoints beyond `EvaluationPeriods` an alarm looks back for when some are missing.
   * CloudWatch's documentation shows 5 for 3 periods.
   *
   * @default 2
   */
  readonly alarmExtraDatapoints: number;
  /**
   * How long a queue that nobody touches goes on publishing metrics.
   *
   * @default 21600 (6 hours)
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
   */
  readonly idleUntilSilent: number;
  /** How late a silent queue's first metrics are. @default 900 (15 minutes) */
  readonly silentUntilPublished: number;
  /** 1 when SQS reports NotVisible also while nothing is in flight, 0 when it leaves the point out. @default 0 */
  readonly reportsZeroNotVisible: number;
  /** From a raised capacity until a new instance works, launch hook included. @default 110 to 190 */
  readonly launch: Range;
  /** The same for an instance of the warm pool. @default 30 to 55 */
  readonly warmLaunch: Range;
  /** From a wish for a task until it works on a node that is there; only for orchestrators. @default 5 to 15 */
  readonly taskStart: Range;
  /** Share of launches that fail and are tried again. @default 0 */
  readonly launchFailureShare: number;
  /** Periods of one minute above the target before target tracking scales out. @default 3 */
  readonly trackingOutPeriods: number;
  /** Periods of one minute below the target before target tracking scales in. @default 15 */
  readonly trackingInPeriods: number;
  /** Share of the target below which target tracking scales in. @default 0.9 */
  readonly trackingInShare: number;
  /** Grace that running work gets on a group without a terminate hook. @default 0 */
  readonly terminateWithoutHook: number;
}

/** The defaults. */
export const DEFAULT_TIMING: Timing = {
  queuePublication: { min: 30, max: 90 },
  groupPublication: { min: 15, max: 60 },
  customPublication: { min: 2, max: 6 },
  customInterval: 10,
  alarmInterval: 60,
  highResolutionAlarmInterval: 10,
  alarmExtraDatapoints: 2,
  idleUntilSilent: 21_600,
  silentUntilPublished: 900,
  reportsZeroNotVisible: 0,
  launch: { min: 110, max: 190 },
  warmLaunch: { min: 30, max: 55 },
  taskStart: { min: 5, max: 15 },
  launchFailureShare: 0,
  trackingOutPeriods: 3,
  trackingInPeriods: 15,
  trackingInShare: 0.9,
  terminateWithoutHook: 0,
};

/**
 * Reads overrides: a JSON object of `Timing`'s names. A range is a number or `[least, most]`.
 *
 * @throws Error with the file's name for an unknown name or a value of the wrong shape
 */
export function parseTiming(text: string, file: string): Timing {
  let overrides: unknown;
  try {
    overrides = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file}: is not JSON: ${(error as Error).message}`);
  }
  if (typeof overrides !== 'object' || overrides === null || Array.isArray(overrides)) {
    throw new Error(`${file}: must hold one JSON object`);
  }
  const timing: Record<string, number | Range> = { ...DEFAULT_TIMING };
  for (const [name, value] of Object.entries(overrides)) {
    const current = timing[name];
    if (current === undefined) {
      throw new Error(`${file}: '${name}' is not a timing: use one of ${Object.keys(DEFAULT_TIMING).join(', ')}`);
    }
    timing[name] = parseEntry(value, typeof current === 'number', `${file}: '${name}'`);
    checkLimits(name, timing[name], file);
  }
  return timing as unknown as Timing;
}

/** Intervals of zero would never let the clock move, and neither would launches that all fail. */
function checkLimits(name: string, value: number | Range, file: string): void {
  if (name.endsWith('Interval') && value === 0) {
    throw new Error(`${file}: '${name}' must be more than 0, not 0`);
  }
  if (name.endsWith('Periods') && !(Number.isInteger(value) && Number(value) > 0)) {
    throw new Error(`${file}: '${name}' must be a whole number of at least 1, not ${JSON.stringify(value)}`);
  }
  if (name === 'launchFailureShare' && Number(value) >= 1) {
    throw new Error(`${file}: '${name}' must be less than 1, not ${JSON.stringify(value)}`);
  }
}

function parseEntry(value: unknown, isNumber: boolean, where: string): number | Range {
  const isValid = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x) && x >= 0;
  if (isNumber) {
    if (!isValid(value)) throw new Error(`${where} must be a number of at least 0, not ${JSON.stringify(value)}`);
    return value;
  }
  const [min, max] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [value, value];
  if (!isValid(min) || !isValid(max) || min > max) {
    throw new Error(`${where} must be a number of seconds or [least, most], not ${JSON.stringify(value)}`);
  }
  return { min, max };
}
