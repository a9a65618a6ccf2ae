import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { alarmAction, checkAlarmTopic } from '../private/alarm-topic';
import { ageLimitSeconds, fleetSignals } from '../private/fleet-signals';
import { alarmOn } from '../private/queue-signals';
import { fleetDashboard } from '../private/scaling/fleet-dashboard';
import { groupCapacity } from '../private/scaling/group-capacity';
import { Violations } from '../private/violations';
import type { IWorkQueue } from '../queue/work-queue-interface';
import type { Workload } from '../scaling/workload';

/** What is watched, and who is told. */
export interface FleetMonitoringProps {
  /** The queue that the fleet consumes. Each further queue of the fleet is watched by a `QueueAlarms` of its own. */
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
   * Topic that is told when an alarm begins and when it ends. CloudWatch is let in by its policy, if it has one, and its key.
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
 * Five alarms that a person has to act on, and a dashboard if wanted.
 *
 * `OldestMessage`: the oldest message is older than the acceptable latency plus the 99th percentile of the work (the age
 * counts until the delete), in 3 of 5 minutes. `DeadLetters`: a message is in the dead-letter queue. `AtMaximum`: the
 * group has been at its maximum while messages wait for 30 minutes, or twice the acceptable latency if that is longer.
 * `NoWorker`: messages wait and none is in flight for 10 minutes, or twice the reaction time if that is longer.
 * `TooFewInService`: fewer instances are in service than the group wants for 30 minutes, or four launch hooks if that is
 * longer.
 *
 * Worked once, for 600 s of acceptable wait, a p99 of 720 s and D = 270 s: OldestMessage above 600 + 720 = 1,320 s,
 * AtMaximum after 30 minutes, NoWorker after 10 minutes, TooFewInService after 4 x 450 s = 30 minutes.
 *
 * @example
 * declare const queue: IWorkQueue;
 * declare const autoScalingGroup: autoscaling.AutoScalingGroup;
 * declare const workload: Workload;
 * declare const alarmTopic: sns.Topic;
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
  /** Instances that the group wants do not come into service. */
  public readonly tooFewInServiceAlarm: cloudwatch.Alarm;
  /** All alarms. */
  public readonly alarms: cloudwatch.Alarm[];
  /** The dashboard, if wanted. */
  public readonly dashboard?: cloudwatch.Dashboard;

  /** @throws ConfigurationError AlarmTopicKeyNotAllowed, GroupCapacityUnknown */
  constructor(scope: Construct, id: string, props: FleetMonitoringProps) {
    super(scope, id);
    const { queue, autoScalingGroup } = props;
    const violations = new Violations(this);
    checkAlarmTopic(violations, props.alarmTopic);
    violations.throwIfAny();
    const max = groupCapacity(autoScalingGroup, 'maxCapacity', props.maxCapacity, this);

    const sizing = props.workload._sizing();
    const signals = fleetSignals({ queue, autoScalingGroup, sizing, max });
    this.alarms = signals.map((signal) => new cloudwatch.Alarm(this, signal.id, alarmOn(signal)));
    const alarm = (alarmId: string): cloudwatch.Alarm => this.node.findChild(alarmId) as cloudwatch.Alarm;
    this.oldestMessageAlarm = alarm('OldestMessage');
    this.deadLettersAlarm = this.node.tryFindChild('DeadLetters') as cloudwatch.Alarm | undefined;
    this.atMaximumAlarm = alarm('AtMaximum');
    this.noWorkerAlarm = alarm('NoWorker');
    this.tooFewInServiceAlarm = alarm('TooFewInService');

    if (props.alarmTopic) {
      const action = alarmAction(this, props.alarmTopic);
      for (const each of this.alarms) {
        each.addAlarmAction(action);
        each.addOkAction(action);
      }
    }
    if (props.dashboard ?? false) {
      this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
        defaultInterval: Duration.hours(3),
        widgets: fleetDashboard({
          queue,
          autoScalingGroup,
          max,
          ageLimitSeconds: ageLimitSeconds(queue, sizing),
          alarms: this.alarms,
        }),
      });
    }
  }
}
