/**
 * The scaling part of a template as plain data: queues, one Auto Scaling group, alarms and policies.
 *
 * `readScalingModel` makes it; the engine, the simulator and the local run read it.
 */
import type { MetricMathNode } from './metric-math-parser';

/** One SQS queue. */
export interface QueueModel {
  readonly logicalId: string;
  readonly fifo: boolean;
  readonly visibilityTimeoutSeconds: number;
  readonly delaySeconds: number;
  readonly retentionSeconds: number;
  readonly redrive?: RedriveModel;
}

/** Where messages go that were received too often. */
export interface RedriveModel {
  /** Logical id of the dead-letter queue; absent when it is outside of the template. */
  readonly deadLetterQueue?: string;
  readonly maxReceiveCount: number;
}

/** A lifecycle hook. */
export interface HookModel {
  readonly logicalId: string;
  readonly transition: 'launch' | 'terminate';
  readonly heartbeatSeconds: number;
  readonly defaultResult: 'ABANDON' | 'CONTINUE';
}

/** Instances that wait beside the group. */
export interface WarmPoolModel {
  readonly minSize: number;
  /** Most instances of group and pool together. */
  readonly maxPreparedCapacity: number;
  readonly state: 'Stopped' | 'Running' | 'Hibernated';
  readonly reuseOnScaleIn: boolean;
}

/** The Auto Scaling group. */
export interface GroupModel {
  readonly logicalId: string;
  readonly minSize: number;
  readonly maxSize: number;
  readonly desiredCapacity: number;
  /** Warm-up of policies that set none. */
  readonly instanceWarmupSeconds: number;
  /** Cooldown of simple policies that set none. */
  readonly cooldownSeconds: number;
  readonly hooks: readonly HookModel[];
  readonly warmPool?: WarmPoolModel;
  /** Group metrics that the group publishes. */
  readonly enabledMetrics: ReadonlySet<string>;
  /** Instances start protected from scale-in; the worker lifts the protection while it has no work. */
  readonly protectedFromScaleIn: boolean;
  /**
   * An orchestrator's group: its instances are tasks on nodes, and a node stays this long after its last task.
   *
   * @default 0 - instances are machines and leave at once
   */
  readonly nodeReleaseSeconds?: number;
}

/** Where the values of a metric come from. */
export type MetricSource =
  | { readonly kind: 'queue'; readonly queue: string; readonly metricName: string }
  | { readonly kind: 'group'; readonly metricName: string }
  | { readonly kind: 'custom'; readonly namespace: string; readonly metricName: string };

/** How several samples of one period become one value. */
export type Statistic = 'Average' | 'Maximum' | 'Minimum' | 'Sum' | 'SampleCount';

/** One metric of an alarm or of a target tracking policy. */
export interface MetricQuery {
  readonly id: string;
  readonly source: MetricSource;
  readonly statistic: Statistic;
}

/** Metrics and expressions, and which of them is looked at. */
export interface MetricSet {
  readonly periodSeconds: number;
  readonly metrics: readonly MetricQuery[];
  readonly expressions: ReadonlyMap<string, { readonly text: string; readonly node: MetricMathNode }>;
  /** Id of the metric or expression whose value counts. */
  readonly returnId: string;
}

/** How a value breaches. */
export type Comparison =
  'GreaterThanThreshold' | 'GreaterThanOrEqualToThreshold' | 'LessThanThreshold' | 'LessThanOrEqualToThreshold';

/** One CloudWatch alarm. */
export interface AlarmModel extends MetricSet {
  readonly logicalId: string;
  readonly threshold: number;
  readonly comparison: Comparison;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: 'breaching' | 'notBreaching' | 'ignore' | 'missing';
  /** Logical ids of the scaling policies that it runs while in ALARM; empty for alarms that only notify. */
  readonly policies: readonly string[];
}

/** What the number of an adjustment means. */
export type AdjustmentType = 'ChangeInCapacity' | 'ExactCapacity' | 'PercentChangeInCapacity';

/** One interval of a step policy; bounds are relative to the alarm's threshold. */
export interface StepModel {
  readonly lower: number;
  readonly upper: number;
  readonly adjustment: number;
}

/** A step scaling policy. */
export interface StepPolicyModel {
  readonly kind: 'step';
  readonly logicalId: string;
  readonly adjustmentType: AdjustmentType;
  readonly minAdjustmentMagnitude: number;
  readonly warmupSeconds: number;
  readonly steps: readonly StepModel[];
}

/** A simple scaling policy. */
export interface SimplePolicyModel {
  readonly kind: 'simple';
  readonly logicalId: string;
  readonly adjustmentType: AdjustmentType;
  readonly minAdjustmentMagnitude: number;
  readonly cooldownSeconds: number;
  readonly adjustment: number;
}

/** A target tracking policy; its two alarms are AWS's own. */
export interface TargetTrackingPolicyModel extends MetricSet {
  readonly kind: 'targetTracking';
  readonly logicalId: string;
  readonly target: number;
  readonly disableScaleIn: boolean;
  readonly warmupSeconds: number;
}

/** A scaling policy of the group. */
export type PolicyModel = StepPolicyModel | SimplePolicyModel | TargetTrackingPolicyModel;

/** What the stack declares about its work (metadata `cdk-queue-fleet:workload` of the group). */
export interface WorkloadModel {
  readonly averageProcessingTimeSeconds: number;
  readonly p99ProcessingTimeSeconds?: number;
  readonly acceptableLatencySeconds?: number;
  readonly concurrency?: number;
  readonly peakRatePerSecond?: number;
  readonly burst?: number;
  /** Message groups of a FIFO queue: as many jobs can run at once. */
  readonly messageGroups?: number;
}

/** What the stack declares about its worker (metadata `cdk-queue-fleet:worker` of the group). */
export interface WorkerModel {
  readonly concurrency: number;
  /** How long running work may go on after the instance was asked to stop. */
  readonly drainTimeoutSeconds?: number;
  readonly metricsNamespace?: string;
}

/** The scaling part of a template. */
export interface ScalingModel {
  readonly file: string;
  readonly queues: readonly QueueModel[];
  /** Logical ids of the queues that the group's instances consume. */
  readonly consumedQueues: readonly string[];
  readonly group: GroupModel;
  readonly alarms: readonly AlarmModel[];
  readonly policies: readonly PolicyModel[];
  readonly workload?: WorkloadModel;
  readonly worker?: WorkerModel;
  /** Scaling-like resources that are left out, each with the reason. */
  readonly ignored: readonly { readonly logicalId: string; readonly reason: string }[];
}

/** Key of the CloudFormation metadata that holds a `WorkloadModel`. */
export const WORKLOAD_METADATA_KEY = 'cdk-queue-fleet:workload';
