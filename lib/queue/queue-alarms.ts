import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { alarmAction, checkAlarmTopic, createAlarmTopic } from '../private/alarm-topic';
import { alarmOn, type AlarmSignal, queueSignals } from '../private/queue-signals';
import { SQS_LIMITS } from '../private/sqs-limits';
import { Violations } from '../private/violations';
import type { IWorkQueue } from './work-queue-interface';

/** Properties of {@link QueueAlarms}. */
export interface QueueAlarmsProps {
  /** The queue to watch. */
  readonly queue: IWorkQueue;

  /**
   * Topic that is told when an alarm begins and when it ends. CloudWatch is let in by its policy, if it has one, and its key.
   *
   * @default - a new topic, encrypted with a rotated key that CloudWatch may use, closed to plain HTTP
   */
  readonly alarmTopic?: sns.ITopic;

  /**
   * Age of the oldest message that is still fine. 1 minute to 14 days, whole seconds.
   *
   * @default Duration.minutes(15)
   */
  readonly maxAge?: Duration;

  /**
   * Time to drain the backlog, at the pace of the last 5 minutes (or of `p99ProcessingTime`), that is still fine. 5 minutes to 24 hours, whole minutes.
   *
   * @default Duration.hours(1)
   */
  readonly maxDrainTime?: Duration;

  /**
   * Time within which 99 % of the messages are processed, from their receive to their delete. 1 second to 12 hours, whole
   * seconds. `Stalled` and `DrainTime` look back for as long, because until then a busy queue may show no delete.
   *
   * @default Duration.minutes(5)
   */
  readonly p99ProcessingTime?: Duration;

  /**
   * Noisy tenants of a fair queue that are still fine, 0 or more. Standard queues only.
   *
   * @default - no alarm, because most queues are not fair
   */
  readonly maxNoisyGroups?: number;
}

/**
 * The alarms of one queue, for queues whose consumers are not a fleet of this package too.
 *
 * Creates up to six alarms: a message in the dead-letter queue; the oldest message too old; stalled (too old and nothing
 * deleted); in flight near SQS's quota; drain time, which counts a growing queue as one that never drains; noisy tenants.
 * Example: 6,000 messages wait, 3,000 were deleted and 2,500 sent in 5 minutes: it drains by 500 in 5 minutes, which
 * takes 6,000 / 500 x 5 = 60 minutes.
 *
 * @example
 * declare const jobs: IWorkQueue;
 * new QueueAlarms(this, 'JobsAlarms', { queue: jobs, maxAge: Duration.minutes(10) });
 */
export class QueueAlarms extends Construct {
  /** Every alarm that was made. */
  public readonly alarms: cloudwatch.Alarm[];

  /** Topic that is told when an alarm begins and when it ends. */
  public readonly alarmTopic: sns.ITopic;

  /**
   * @throws AlarmAgeOutOfRange, AlarmDrainTimeOutOfRange, AlarmProcessingTimeOutOfRange, AlarmTopicKeyNotAllowed,
   * NoisyGroupsOutOfRange, NoisyGroupsOnFifoQueue
   */
  constructor(scope: Construct, id: string, props: QueueAlarmsProps) {
    super(scope, id);
    this.check(props);
    this.alarmTopic = props.alarmTopic ?? createAlarmTopic(this);
    const signals = queueSignals({
      queue: props.queue,
      maxAge: props.maxAge ?? Duration.minutes(15),
      maxDrainTime: props.maxDrainTime ?? Duration.hours(1),
      p99ProcessingTime: props.p99ProcessingTime ?? Duration.minutes(5),
      maxNoisyGroups: props.maxNoisyGroups,
    });
    const action = alarmAction(this, this.alarmTopic);
    this.alarms = signals.map((signal) => this.addAlarm(signal, action));
  }

  private addAlarm(signal: AlarmSignal, action: SnsAction): cloudwatch.Alarm {
    const alarm = new cloudwatch.Alarm(this, signal.id, alarmOn(signal));
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    return alarm;
  }

  private check(props: QueueAlarmsProps): void {
    const violations = new Violations(this);
    violations.requireSeconds(
      'AlarmAgeOutOfRange',
      'maxAge',
      props.maxAge,
      { min: 60, max: SQS_LIMITS.retentionSeconds.max },
      'choose what your users would still accept',
    );
    violations.requireSeconds(
      'AlarmDrainTimeOutOfRange',
      'maxDrainTime',
      props.maxDrainTime,
      { min: 300, max: 86_400 },
      'leave it out for one hour',
    );
    violations.requireSeconds(
      'AlarmProcessingTimeOutOfRange',
      'p99ProcessingTime',
      props.p99ProcessingTime,
      { min: 1, max: SQS_LIMITS.visibilitySeconds.max },
      'SQS takes a message back after 12 hours',
    );
    checkAlarmTopic(violations, props.alarmTopic);
    violations.requireNumber(
      'NoisyGroupsOutOfRange',
      'maxNoisyGroups',
      props.maxNoisyGroups,
      { min: 0, max: 1_000_000, unit: 'groups' },
      'choose 0 to hear of the first',
    );
    if (props.maxNoisyGroups !== undefined && props.queue.fifo) {
      violations.add(
        'NoisyGroupsOnFifoQueue',
        `'maxNoisyGroups' (${props.maxNoisyGroups} groups) must not be set for a FIFO queue, only standard queues are fair: leave it out`,
      );
    }
    violations.throwIfAny();
  }
}
