/* eslint-disable awscdk/require-passing-this, awscdk/no-variable-construct-id, awscdk/no-unused-props, awscdk/require-jsdoc -- makes children in its caller's scope */
import type { Duration } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Construct } from 'constructs';
import type { CapacityStep } from '../../scaling/need';

/** An alarm and the step policy that it drives. */
export interface StepAlarmProps {
  readonly group: autoscaling.AutoScalingGroup;
  readonly metric: cloudwatch.IMetric;
  readonly description: string;
  readonly threshold: number;
  readonly comparison: cloudwatch.ComparisonOperator;
  /** Steps in absolute values of the metric; Auto Scaling wants them relative to the threshold. */
  readonly steps: readonly CapacityStep[];
  /**
   * Warm-up of instances that the steps add to the group: a scale-out that cannot lower it.
   *
   * @default - the steps set the exact capacity
   */
  readonly addsWithWarmup?: Duration;
  /**
   * Periods that must all breach.
   *
   * @default 1
   */
  readonly periods?: number;
}

/** A scope with one alarm ('Alarm') and one step policy ('Policy'). */
export class StepAlarm extends Construct {
  public readonly alarm: cloudwatch.Alarm;
  public readonly action: autoscaling.StepScalingAction;

  constructor(scope: Construct, id: string, props: StepAlarmProps) {
    super(scope, id);
    this.action = new autoscaling.StepScalingAction(this, 'Policy', {
      autoScalingGroup: props.group,
      ...(props.addsWithWarmup === undefined
        ? { adjustmentType: autoscaling.AdjustmentType.EXACT_CAPACITY }
        : {
            adjustmentType: autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
            estimatedInstanceWarmup: props.addsWithWarmup,
          }),
      metricAggregationType: autoscaling.MetricAggregationType.MAXIMUM,
    });
    for (const { lower, upper, capacity } of props.steps) {
      this.action.addAdjustment({
        adjustment: capacity,
        ...(lower === undefined ? {} : { lowerBound: lower - props.threshold }),
        ...(upper === undefined ? {} : { upperBound: upper - props.threshold }),
      });
    }
    this.alarm = stepAlarm(this, 'Alarm', { ...props, action: this.action });
  }
}

/** An alarm that runs an existing step policy. */
export function stepAlarm(
  scope: Construct,
  id: string,
  props: Omit<StepAlarmProps, 'group' | 'steps' | 'addsWithWarmup'> & {
    readonly action: autoscaling.StepScalingAction;
  },
): cloudwatch.Alarm {
  const periods = props.periods ?? 1;
  const alarm = new cloudwatch.Alarm(scope, id, {
    metric: props.metric,
    alarmDescription: props.description,
    threshold: props.threshold,
    comparisonOperator: props.comparison,
    evaluationPeriods: periods,
    datapointsToAlarm: periods,
    // A late datapoint must neither start nor stop scaling.
    treatMissingData: cloudwatch.TreatMissingData.IGNORE,
  });
  alarm.addAlarmAction(new actions.AutoScalingAction(props.action));
  return alarm;
}
