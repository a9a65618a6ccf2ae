import { Duration, Lazy, Token } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import type { CfnAutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import * as s3 from 'aws-cdk-lib/aws-s3';
import {
  BacklogScaling,
  Encryption,
  FifoWorkQueue,
  Producer,
  QueueFleet,
  ScalingPolicy,
  WorkerCode,
  Workload,
} from '../../../lib';
import type { BacklogScalingProps, WorkloadProps } from '../../../lib';
import type { Refusal } from '../../support/refusals';
import { plainGroup, VIDEO_WORKLOAD } from '../../support/scaled-group';

const workload = (props: Partial<WorkloadProps>) => () => {
  new Workload({ averageProcessingTime: Duration.minutes(3), acceptableLatency: Duration.minutes(10), ...props });
};

const scaling =
  (props: Partial<BacklogScalingProps>, min = 1) =>
  (stack: Stack) => {
    const { autoScalingGroup, queue } = plainGroup(min, 10, { stack });
    new BacklogScaling(stack, 'Scaling', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD, ...props });
  };

const token = (): number => Lazy.number({ produce: () => 2 });

export const REFUSALS: readonly Refusal[] = [
  {
    code: 'AcceptableLatencyOutOfRange',
    when: 'a message may not wait at all',
    attempt: workload({ acceptableLatency: Duration.seconds(0) }),
  },
  {
    code: 'AverageProcessingTimeOutOfRange',
    when: 'the work takes longer than a message can be held',
    attempt: workload({ averageProcessingTime: Duration.hours(13), p99ProcessingTime: Duration.hours(12) }),
  },
  { code: 'BurstOutOfRange', when: 'a burst is negative', attempt: workload({ burst: -1 }) },
  {
    code: 'CapacityRangeReversed',
    when: 'the minimum is above the maximum',
    attempt: scaling({ minCapacity: 3, maxCapacity: 2 }),
  },
  {
    code: 'EncryptionOfGivenQueue',
    when: 'a given queue is to be encrypted',
    attempt: (stack) => {
      new QueueFleet(stack, 'Fleet', {
        workload: VIDEO_WORKLOAD,
        code: WorkerCode.command(['true']),
        queue: new FifoWorkQueue(stack, 'Queue'),
        encryption: Encryption.sqsManaged(),
      });
    },
  },
  {
    code: 'ProducerOfGivenQueue',
    when: 'a producer is added to a fleet whose queue was given',
    attempt: (stack) => {
      const queue = new FifoWorkQueue(stack, 'Queue');
      const fleet = new QueueFleet(stack, 'Fleet', {
        workload: VIDEO_WORKLOAD,
        code: WorkerCode.command(['true']),
        queue,
      });
      fleet.addProducer(Producer.bucket(new s3.Bucket(stack, 'Bucket')));
    },
  },
  {
    code: 'GroupCapacityUnknown',
    when: "the group's maximum is a parameter",
    attempt: (stack) => {
      const { autoScalingGroup, queue } = plainGroup(1, 10, { stack });
      (autoScalingGroup.node.defaultChild as CfnAutoScalingGroup).maxSize = Token.asString({ Ref: 'Max' });
      new BacklogScaling(stack, 'Scaling', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD });
    },
  },
  { code: 'MessageGroupsOutOfRange', when: 'there is no message group', attempt: scaling({ messageGroups: 0 }) },
  {
    code: 'P99BelowAverage',
    when: 'the p99 is less than the average',
    attempt: workload({ p99ProcessingTime: Duration.minutes(1) }),
  },
  {
    code: 'P99BeyondVisibilityLimit',
    when: 'the p99 is longer than a message can be held',
    attempt: workload({ p99ProcessingTime: Duration.hours(13) }),
  },
  { code: 'PeakRateOutOfRange', when: 'the peak is nothing', attempt: workload({ peakRatePerSecond: 0 }) },
  {
    code: 'ScalingMetricLimitExceeded',
    when: 'an alarm would read 13 metrics',
    attempt: (stack) => {
      const additionalQueues = ['Second', 'Third', 'Fourth'].map((id) => new FifoWorkQueue(stack, id));
      scaling({ additionalQueues, messageGroups: 9 })(stack);
    },
  },
  {
    code: 'ScalingStepsNotValid',
    when: 'the steps do not begin with the empty queue',
    attempt: scaling({
      policy: ScalingPolicy.queueDepth([
        { messages: 1, instances: 1 },
        { messages: 10, instances: 2 },
      ]),
    }),
  },
  {
    code: 'TargetTrackingFromZero',
    when: 'target tracking is to start from zero',
    attempt: scaling({ policy: ScalingPolicy.backlogPerInstance() }, 0),
  },
  {
    code: 'TargetUtilizationOutOfRange',
    when: 'the target is a share instead of a percentage',
    attempt: scaling({ policy: ScalingPolicy.utilization(0.7) }),
  },
  {
    code: 'WorkloadNotConcrete',
    when: 'a time is a token',
    attempt: workload({ acceptableLatency: Duration.seconds(Lazy.number({ produce: () => 600 })) }),
  },
  {
    code: 'MessageGroupsUnknown',
    when: 'the message groups are a token',
    attempt: scaling({ messageGroups: token() }),
  },
  {
    code: 'ScalingStepsNotValid',
    when: 'a step is a token',
    attempt: (stack) =>
      scaling({
        policy: ScalingPolicy.queueDepth([
          { messages: 0, instances: 1 },
          { messages: 10, instances: token() },
        ]),
      })(stack),
  },
  ...(['concurrency', 'peakRatePerSecond', 'burst'] as const).map((prop): Refusal => ({
    code: 'WorkloadNotConcrete',
    when: `${prop} is a token`,
    attempt: () => workload({ [prop]: token() })(),
  })),
  ...(['minCapacity', 'maxCapacity'] as const).map((prop): Refusal => ({
    code: 'GroupCapacityUnknown',
    when: `${prop} of a fleet is a token`,
    attempt: (stack) => {
      const code = WorkerCode.command(['true']);
      new QueueFleet(stack, 'Fleet', { workload: VIDEO_WORKLOAD, code, [prop]: token() });
    },
  })),
  {
    code: 'SpotNotDeclared',
    when: 'half of the instances are Spot instances, which the workload does not say',
    attempt: (stack) => {
      const code = WorkerCode.command(['true']);
      new QueueFleet(stack, 'Fleet', { workload: VIDEO_WORKLOAD, code, onDemandPercentage: 50 });
    },
  },
  {
    code: 'WarmPoolNotDeclared',
    when: 'a warm pool is not declared in the workload',
    attempt: (stack) => {
      const code = WorkerCode.command(['true']);
      new QueueFleet(stack, 'Fleet', { workload: VIDEO_WORKLOAD, code, warmPool: { minSize: 2 } });
    },
  },
];
