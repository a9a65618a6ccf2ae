import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { alarmOn, deadLetters, oldestMessage } from '../private/queue-signals';
import { fleetDashboard } from '../private/scaling/fleet-dashboard';
import { groupCapacity } from '../private/scaling/group-capacity';
import { groupMetric, literal, queueTerms } from '../private/scaling/queue-metrics';
import type { IWorkQueue } from '../queue/work-queue-interface';
import type { Workload } from '../scaling/workload';

/** Where the alarm descriptions send an operator. */
const RUNBOOK = 'https://github.com/cdk-queue-fleet/cdk-queue-fleet/blob/main/docs/fleet-monitoring.md';

/** What is watched, and who is told. */
export interface FleetMonitoringProps {
  /** The queue that the fleet consumes. */
  readonly queue: IWorkQueue;
  /** The group of workers; its group metrics must be enabled (`BacklogScaling` does it). */
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  /** What the work is like: the thresholds follow from it. */
  readonly workload: Workload;
  /**
   * Most instances.
   *
   * @default - the group's own maximum
   */
  readonly maxCapacity?: number;
  /**
   * Topic that is told when an alarm begins and when it ends.
   *
   * @default - the alarms only show in CloudWatch
   */
  readonly alarmTopic?: sns.ITopic;
  /**
   * Whether to create a dashboard (a paid one, beyond three per account).
   *
   * @default false
   */
  readonly dashboard?: boolean;
}

/**
 * Four alarms that a person has to act on, and a dashboard if wanted.
 *
 * `OldestMessage`: the oldest message is older than the acceptable latency plus the 99th percentile of the work (the age
 * counts until the delete), in 3 of 5 minutes. `DeadLetters`: a message is in the dead-letter queue. `AtMaximum`: the
 * group has been at its maximum while messages wait for 30 minutes, or twice the acceptable latency if that is longer.
 * `NoWorker`: messages wait and none is in flight for 10 minutes, or twice the reaction time if that is longer.
 *
 * Worked once, for 600 s of acceptable wait, a p99 of 720 s and D = 270 s: OldestMessage above 600 + 720 = 1,320 s,
 * AtMaximum after 30 minutes, NoWorker after 10 minutes.
 *
 * @example
 * new FleetMonitoring(this, 'Monitoring', { queue, autoScalingGroup, workload, alarmTopic });
 */
export class FleetMonitoring extends Construct {
  /** The oldest message is older than the goal allows. */
  public readonly oldestMessageAlarm: cloudwatch.Alarm;
  /** The dead-letter queue is not empty. Undefined for an imported queue whose dead-letter queue is not known. */
  public readonly deadLettersAlarm?: cloudwatch.Alarm;
  /** The group has been at its maximum for long while messages wait. */
  public readonly atMaximumAlarm: cloudwatch.Alarm;
  /** Messages wait, and no worker takes any. */
  public readonly noWorkerAlarm: cloudwatch.Alarm;
  /** All alarms. */
  public readonly alarms: cloudwatch.Alarm[];
  /** The dashboard, if wanted. */
  public readonly dashboard?: cloudwatch.Dashboard;

  /** @throws ConfigurationError GroupCapacityUnknown */
  constructor(scope: Construct, id: string, props: FleetMonitoringProps) {
    super(scope, id);
    const max = groupCapacity(props.autoScalingGroup, 'maxCapacity', props.maxCapacity, this);

    const sizing = props.workload._sizing();
    const { queue } = props.queue;
    const ageLimit = Math.ceil(sizing.acceptableLatencySeconds + sizing.p99ProcessingSeconds);

    this.oldestMessageAlarm = new cloudwatch.Alarm(this, 'OldestMessage', {
      ...alarmOn(oldestMessage(props.queue, Duration.seconds(ageLimit))),
      alarmDescription: runbook(
        `Messages wait longer than ${literal(sizing.acceptableLatencySeconds)} s`,
        'messages-wait-too-long',
      ),
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
    });

    const dead = deadLetters(props.queue);
    if (dead) {
      this.deadLettersAlarm = new cloudwatch.Alarm(this, 'DeadLetters', {
        ...alarmOn(dead),
        alarmDescription: runbook(
          'Messages failed for good and wait in the dead-letter queue',
          'messages-in-the-dead-letter-queue',
        ),
      });
    }

    const five = Duration.minutes(5);
    const waiting = queueTerms([queue], five, ['v']);
    this.atMaximumAlarm = new cloudwatch.Alarm(this, 'AtMaximum', {
      alarmDescription: runbook(
        `The fleet is at its maximum of ${max} instances and messages still wait`,
        'the-fleet-is-at-its-maximum',
      ),
      metric: new cloudwatch.MathExpression({
        expression: `IF(v>0,IF(d>=${literal(max)},1,0),0)`,
        usingMetrics: {
          ...waiting.metrics,
          d: groupMetric(props.autoScalingGroup, 'GroupDesiredCapacity', five, 'Minimum'),
        },
        label: 'At the maximum while messages wait',
        period: five,
      }),
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods(Math.max(1_800, 2 * sizing.acceptableLatencySeconds), 300),
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });

    const minute = Duration.minutes(1);
    const terms = queueTerms([queue], minute, ['v', 'f']);
    this.noWorkerAlarm = new cloudwatch.Alarm(this, 'NoWorker', {
      alarmDescription: runbook('Messages wait and no worker takes any', 'no-worker-takes-messages'),
      metric: new cloudwatch.MathExpression({
        expression: `IF(${terms.visible}>0,IF(${terms.inFlight}<1,1,0),0)`,
        usingMetrics: terms.metrics,
        label: 'Waiting messages and none in flight',
        period: minute,
      }),
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods(Math.max(600, 2 * sizing.reactionSeconds), 60),
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });

    this.alarms = [
      this.oldestMessageAlarm,
      ...(this.deadLettersAlarm ? [this.deadLettersAlarm] : []),
      this.atMaximumAlarm,
      this.noWorkerAlarm,
    ];
    if (props.alarmTopic) {
      const action = new actions.SnsAction(props.alarmTopic);
      for (const alarm of this.alarms) {
        alarm.addAlarmAction(action);
        alarm.addOkAction(action);
      }
    }
    if (props.dashboard ?? false) {
      this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
        defaultInterval: Duration.hours(3),
        widgets: fleetDashboard({ ...props, max, ageLimitSeconds: ageLimit, alarms: this.alarms }),
      });
    }
  }
}

/** CloudWatch evaluates at most a day. */
const periods = (seconds: number, periodSeconds: number): number =>
  Math.ceil(Math.min(seconds, 86_400) / periodSeconds);

const runbook = (what: string, anchor: string): string => `${what}. What to do: ${RUNBOOK}#${anchor}`;
