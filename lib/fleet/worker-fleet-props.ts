import { Duration } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import { IWorkQueue } from '../queue/work-queue-interface';
import { WorkerCode } from './worker-code';
import { WorkerFleetOptions } from './worker-fleet-options';

/** One of several queues of a fleet. */
export interface WeightedQueue {
  /** The queue. */
  readonly queue: IWorkQueue;

  /**
   * Its share of each worker's slots, relative to the other queues; each queue gets at least one slot. 1 to 9,999.
   *
   * @default 1
   */
  readonly weight?: number;
}

/** Properties of `WorkerFleet`. */
export interface WorkerFleetProps extends WorkerFleetOptions {
  /** The code that handles one message. */
  readonly code: WorkerCode;

  /**
   * The queue to consume. Exactly one of `queue` and `queues` must be set.
   *
   * @default - `queues`
   */
  readonly queue?: IWorkQueue;

  /**
   * Several queues, each with its share of the slots. Exactly one of `queue` and `queues` must be set.
   *
   * @default - `queue`
   */
  readonly queues?: WeightedQueue[];

  /**
   * Messages that one instance handles at the same time, 1 to 10,000 and at least the number of queues. May be a parameter of the
   * stack: the worker then checks it when it starts.
   *
   * @default 1
   */
  readonly concurrency?: number;

  /**
   * How long a received message stays hidden; the worker renews it while it works, so this bounds how late a message of a
   * dead instance comes back, not how long work may take. 10 seconds to 12 hours, whole seconds.
   *
   * @default Duration.seconds(30)
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
   */
  readonly visibilityTimeout?: Duration;

  /**
   * Long poll of each receive, 0 to 20 seconds, whole seconds.
   *
   * @default Duration.seconds(20)
   */
  readonly receiveWaitTime?: Duration;

  /**
   * How long running work may go on after the instance was asked to stop; what is not done then goes back to the queue.
   * 0 seconds to 47 hours, whole seconds. A Spot interruption leaves two minutes at most.
   *
   * @default Duration.minutes(5)
   */
  readonly drainTimeout?: Duration;

  /**
   * From the launch of an instance to its first successful poll. An instance that takes three times as long is replaced.
   * 10 seconds to 40 minutes, whole seconds.
   *
   * @default Duration.seconds(150)
   */
  readonly bootTime?: Duration;

  /**
   * Heartbeat timeout of the hook that holds an instance while it drains; the worker sends heartbeats, so work may take
   * longer. How long a dead worker holds up its termination. 30 seconds to 2 hours, whole seconds.
   *
   * @default - `drainTimeout` + 60 seconds, at least 2 minutes and at most 2 hours
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
   */
  readonly terminateHookTimeout?: Duration;

  /**
   * Least number of instances. 0 lets a fleet sleep; what wakes it is the scaling policy's affair.
   *
   * @default 1
   */
  readonly minCapacity?: number;

  /**
   * Largest number of instances, at least 1.
   *
   * @default 10
   */
  readonly maxCapacity?: number;

  /**
   * Instances that wait, initialized and stopped, so that scaling out takes less time. Running ones can be pooled, too; hibernated
   * ones not.
   *
   * Without `maxGroupPreparedCapacity` the pool holds the difference between the largest group and the running instances:
   * with a maximum of 100 and one running, 99 stopped instances, whose volumes are billed.
   *
   * @default - no warm pool
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html
   */
  readonly warmPool?: autoscaling.WarmPoolOptions;

  /**
   * CloudWatch namespace of the worker's metrics.
   *
   * @default 'QueueFleet'
   */
  readonly metricsNamespace?: string;

  /**
   * Time between two metric records, 1 to 60 seconds, whole seconds. Shorter than a minute makes high-resolution metrics.
   *
   * @default Duration.minutes(1)
   */
  readonly metricsInterval?: Duration;
}
