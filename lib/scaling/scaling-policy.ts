import type { Duration } from 'aws-cdk-lib';
import { bindHighResolution } from '../private/scaling/high-resolution';
import { bindLatencyGoal } from '../private/scaling/latency-goal';
import type { PolicyBinding } from '../private/scaling/policy';
import { bindQueueDepth } from '../private/scaling/queue-depth';
import { bindBacklogPerInstance, bindUtilization } from '../private/scaling/target-tracking';

/** One step of the queue-depth policy. */
export interface QueueDepthStep {
  /** Waiting messages from which the step applies, inclusive. 0 or more. */
  readonly messages: number;
  /** Instances to run. 0 or more. */
  readonly instances: number;
}

/** Options of the high-resolution policy. */
export interface HighResolutionOptions {
  /**
   * CloudWatch namespace of the workers' metrics: the fleet's `metricsNamespace`.
   *
   * @default 'QueueFleet'
   */
  readonly metricsNamespace?: string;
}

/**
 * How the queue's numbers become a number of instances. Choose with a static factory; each says its trade-off.
 *
 * @example
 * declare const queue: IWorkQueue;
 * declare const autoScalingGroup: autoscaling.AutoScalingGroup;
 * declare const workload: Workload;
 * new BacklogScaling(this, 'Scaling', {
 *   queue,
 *   autoScalingGroup,
 *   workload,
 *   policy: ScalingPolicy.queueDepth([{ messages: 0, instances: 1 }, { messages: 100, instances: 4 }]),
 * });
 */
export class ScalingPolicy {
  /**
   * The default: runs what the declared latency needs, from arrivals, waiting and running work.
   *
   * Alarms compute the needed instances by metric math and set exactly that number. Trade-off: it must know the
   * workload (a processing time wrong by two is tolerated), and it reacts within about two minutes plus the boot,
   * because SQS publishes its numbers once a minute.
   *
   * @returns the choice, for the prop `policy`
   */
  public static latencyGoal(): ScalingPolicy {
    return new ScalingPolicy(bindLatencyGoal());
  }

  /**
   * The classic queue-length alarm: a number of instances for each depth of the queue.
   *
   * Trade-off: easy to read and independent of the workload, but the thresholds are yours to choose and to keep up to
   * date, and messages being worked on are not counted, so it scales in while work is running (the terminate hook
   * still lets that work finish).
   *
   * @param steps rising in messages, 2 to 20 of them, the first from 0 messages
   * @returns the choice, for the prop `policy`
   * @throws ConfigurationError ScalingStepsNotValid
   */
  public static queueDepth(steps: QueueDepthStep[]): ScalingPolicy {
    return new ScalingPolicy(bindQueueDepth(steps));
  }

  /**
   * AWS's documented policy: target tracking of the waiting messages per instance, by metric math.
   *
   * The target is the number that one instance works off within the acceptable latency. Trade-off: it aims at the mean,
   * so about half of the messages wait longer; it oscillates when the latency is below 2.7 times the reaction time; it
   * ignores work in flight; it takes 15 minutes to scale in and cannot start from zero.
   *
   * @returns the choice, for the prop `policy`
   * @throws ConfigurationError TargetTrackingFromZero, ScalingMetricLimitExceeded
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html
   */
  public static backlogPerInstance(): ScalingPolicy {
    return new ScalingPolicy(bindBacklogPerInstance());
  }

  /**
   * Target tracking of the share of slots that messages in flight and waiting would fill.
   *
   * Trade-off: it needs no processing time and follows a steady load well, but it keeps spare slots all day, works a
   * backlog off by starting a slot for every waiting message, and cannot start from zero.
   *
   * @param targetPercent 1 to 100, whole percent, @default 70
   * @returns the choice, for the prop `policy`
   * @throws ConfigurationError TargetUtilizationOutOfRange, TargetTrackingFromZero, ScalingMetricLimitExceeded
   * @see https://aws.amazon.com/blogs/compute/enhancing-auto-scaling-resilience-by-tracking-worker-utilization-metrics
   */
  public static utilization(targetPercent?: number): ScalingPolicy {
    return new ScalingPolicy(bindUtilization(targetPercent ?? 70));
  }

  /**
   * The latency goal, and an alarm on what the workers publish every ten seconds: waiting messages and busy slots.
   *
   * Sees a burst about 80 seconds earlier than SQS's own metrics. Trade-off: a high-resolution alarm costs more than another, the
   * workers' records are six times as many log lines (the up to 14 custom metrics for each queue, two of them of one-second resolution,
   * are the same number at any interval), each worker asks SQS for the queue's attributes every ten seconds, and nobody
   * publishes while no instance runs (the latency goal's alarms then still wake the group).
   * The fleet's `metricsInterval` has to be 10 seconds; `QueueFleet` sets it.
   *
   * @param options where the workers' metrics are
   * @returns the choice, for the prop `policy`
   * @throws ConfigurationError ScalingMetricLimitExceeded
   */
  public static highResolution(options?: HighResolutionOptions): ScalingPolicy {
    return new ScalingPolicy(bindHighResolution(options?.metricsNamespace ?? 'QueueFleet'));
  }

  readonly #binding: PolicyBinding;

  private constructor(binding: PolicyBinding) {
    this.#binding = binding;
  }

  /**
   * How often the workers have to publish their metrics for this policy.
   *
   * @internal
   */
  public get _metricsInterval(): Duration | undefined {
    return this.#binding.metricsInterval;
  }

  /**
   * For BacklogScaling.
   *
   * @internal
   */
  public _binding(): PolicyBinding {
    return this.#binding;
  }
}
