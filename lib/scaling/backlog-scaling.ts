import { Annotations, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { Violations } from '../private/violations';
import { FIFO_WITHOUT_MESSAGE_GROUPS, QUEUE_METRICS_ELSEWHERE, QUEUE_SCALES_TWO_GROUPS } from '../private/warnings';
import { adviseWorkload } from '../private/scaling/check-workload';
import { groupCapacity, groupResource } from '../private/scaling/group-capacity';
import type { PolicyContext } from '../private/scaling/policy';
import { noteScaling } from '../private/scaling/shared-queues';
import type { IWorkQueue } from '../queue/work-queue-interface';
import { ScalingPolicy } from './scaling-policy';
import type { Workload } from './workload';

/** Key of the CloudFormation metadata on the group that tells the simulator what was declared. */
export const WORKLOAD_METADATA_KEY = 'cdk-queue-fleet:workload';

/** Time that a launched instance is not counted on, once its launch hook has let it into service. */
const DEFAULT_INSTANCE_WARMUP_SECONDS = 60;

/** Which queue drives which group, and by what policy. */
export interface BacklogScalingProps {
  /** The queue that the group's workers consume. It should scale no other group: each would run what the whole backlog needs. */
  readonly queue: IWorkQueue;
  /**
   * More queues that the same workers consume; their messages are added up and take the same time on average.
   *
   * At most 3 queues in all with the latency goal (an alarm reads at most 10 metrics).
   *
   * @default - only `queue`
   */
  readonly additionalQueues?: IWorkQueue[];
  /** The group to scale. Its metrics are enabled, and its default instance warm-up is set to 60 seconds if it has none. */
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  /** What the work is like. */
  readonly workload: Workload;
  /**
   * How the numbers of the queue become a number of instances.
   *
   * @default ScalingPolicy.latencyGoal()
   */
  readonly policy?: ScalingPolicy;
  /**
   * Messages of a FIFO queue that can be worked on at the same time: the number of message groups in use.
   *
   * More instances than that would only idle. 1 or more.
   *
   * @default - not limited; a FIFO queue gets a warning
   */
  readonly messageGroups?: number;
  /**
   * Fewest instances.
   *
   * @default - the group's own minimum
   */
  readonly minCapacity?: number;
  /**
   * Most instances.
   *
   * @default - the group's own maximum
   */
  readonly maxCapacity?: number;
}

/**
 * Scales an Auto Scaling group by the backlog of its queue: alarms and scaling policies, nothing that runs.
 *
 * With the default policy: `Out1` and `Out5` scale out on one and five minutes' numbers, `In` scales in, each an alarm
 * whose metric math computes the instances needed and a step policy that sets exactly that capacity. Above 20 instances
 * each has a second alarm and policy for the upper range; a group that may run none has `Wake` and `Idle` as well.
 *
 * Worked once, for 180 s of work, 600 s of acceptable wait and one message at a time (see {@link Workload}): 20 messages
 * wait, 2 are in flight, 4 came in the last minute. The arrivals do not yet count (4 is no more than 2 squared, the
 * noise), the backlog asks for 20 x 180 / 300 = 12 instances, all work for 22 x 180 / 480 = 8.25: the group is set to 12.
 *
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html
 *
 * @example
 * declare const queue: IWorkQueue;
 * declare const autoScalingGroup: autoscaling.AutoScalingGroup;
 * new BacklogScaling(this, 'Scaling', {
 *   queue,
 *   autoScalingGroup,
 *   workload: new Workload({
 *     averageProcessingTime: Duration.minutes(3),
 *     acceptableLatency: Duration.minutes(10),
 *   }),
 * });
 */
export class BacklogScaling extends Construct {
  /** The alarms that scale, in the order Out1, Out5, In, Wake, Idle; empty with a target-tracking policy. */
  public readonly alarms: cloudwatch.Alarm[];

  /** The target-tracking policies; empty with a step policy. */
  public readonly targetTrackingPolicies: autoscaling.CfnScalingPolicy[];

  /**
   * @throws ConfigurationError CapacityRangeReversed, GroupCapacityUnknown, MessageGroupsOutOfRange, MessageGroupsUnknown,
   * ScalingMetricLimitExceeded, ScalingStepsNotValid, TargetTrackingFromZero, TargetUtilizationOutOfRange
   */
  constructor(scope: Construct, id: string, props: BacklogScalingProps) {
    super(scope, id);
    const { workload } = props;
    const queues = [props.queue, ...(props.additionalQueues ?? [])];
    const cfnGroup = groupResource(props.autoScalingGroup);
    const binding = (props.policy ?? ScalingPolicy.latencyGoal())._binding();
    const violations = new Violations(this);
    violations.requireNumber(
      'MessageGroupsOutOfRange',
      'messageGroups',
      props.messageGroups,
      { min: 1, max: Number.MAX_SAFE_INTEGER, unit: 'groups' },
      'give the number of message groups in use',
    );
    if (Token.isUnresolved(props.messageGroups)) {
      violations.add(
        'MessageGroupsUnknown',
        `'messageGroups' (a token) must be known at synth: alarms are computed from it`,
      );
    }
    const context: PolicyContext = {
      scope: this,
      queues: queues.map(({ queue }) => queue),
      group: props.autoScalingGroup,
      sizing: workload._sizing(),
      min: groupCapacity(props.autoScalingGroup, 'minCapacity', props.minCapacity, this),
      max: groupCapacity(props.autoScalingGroup, 'maxCapacity', props.maxCapacity, this),
      ...(props.messageGroups === undefined ? {} : { messageGroups: props.messageGroups }),
    };
    if (context.min > context.max || context.max < 1) {
      violations.add(
        'CapacityRangeReversed',
        `'maxCapacity' (${context.max} instances) must be at least 1 and at least 'minCapacity' (${context.min} instances): raise it`,
      );
    }
    binding.validate(context, violations);
    violations.throwIfAny();

    const { alarms, targetTracking } = binding.bind(context);
    this.alarms = alarms;
    this.targetTrackingPolicies = targetTracking;
    prepareGroup(cfnGroup, workload, context.messageGroups);
    this.warn(
      context,
      queues.some(({ fifo }) => fifo),
    );
  }

  private warn(context: PolicyContext, fifo: boolean): void {
    const annotations = Annotations.of(this);
    for (const { warning, text } of adviseWorkload(context.sizing, context)) {
      annotations.addWarningV2(`cdk-queue-fleet:${warning.id}`, text);
    }
    for (const text of metricsElsewhere(this, context.queues)) {
      annotations.addWarningV2(`cdk-queue-fleet:${QUEUE_METRICS_ELSEWHERE.id}`, text);
    }
    for (const text of noteScaling(context)) {
      annotations.addWarningV2(`cdk-queue-fleet:${QUEUE_SCALES_TWO_GROUPS.id}`, text);
    }
    if (fifo && context.messageGroups === undefined) {
      annotations.addWarningV2(
        `cdk-queue-fleet:${FIFO_WITHOUT_MESSAGE_GROUPS.id}`,
        `a FIFO queue runs one message per message group at a time: set 'messageGroups' so that the fleet never grows beyond the groups`,
      );
    }
  }
}

/** What to say of queues that are known to be in another account or region than the alarms. */
function metricsElsewhere(scope: Construct, queues: PolicyContext['queues']): string[] {
  const { account, region } = Stack.of(scope);
  const differs = (theirs: string, ours: string) => Token.compareStrings(theirs, ours) === TokenComparison.DIFFERENT;
  return queues
    .filter(({ env }) => differs(env.account, account) || differs(env.region, region))
    .map(
      ({ env, queueName }) =>
        `SQS publishes the metrics of queue '${queueName}' in account ${env.account}, region ${env.region}, where these alarms in account ${account}, region ${region} do not see them, so the group stays at its size: put the fleet into the account and region of the queue, or a queue of its own between the two, or keep a fixed number of instances`,
    );
}

function prepareGroup(group: autoscaling.CfnAutoScalingGroup, workload: Workload, messageGroups?: number): void {
  // All group metrics: free of charge, and a superset of whatever the group has enabled.
  group.metricsCollection = [{ granularity: '1Minute' }];
  group.defaultInstanceWarmup ??= DEFAULT_INSTANCE_WARMUP_SECONDS;
  const {
    averageProcessingSeconds,
    p99ProcessingSeconds,
    acceptableLatencySeconds,
    concurrency,
    peakRatePerSecond,
    burst,
  } = workload._sizing();
  group.addMetadata(WORKLOAD_METADATA_KEY, {
    averageProcessingTimeSeconds: averageProcessingSeconds,
    p99ProcessingTimeSeconds: p99ProcessingSeconds,
    acceptableLatencySeconds,
    concurrency,
    peakRatePerSecond,
    burst,
    messageGroups,
  });
}
