import { bindLatencyGoal } from '../private/scaling/latency-goal';
import type { PolicyBinding } from '../private/scaling/policy';
import { bindQueueDepth } from '../private/scaling/queue-depth';

/** One step of the queue-depth policy. */
export interface QueueDepthStep {
  /** Waiting messages from which the step applies, inclusive. 0 or more. */
  readonly messages: number;
  /** Instances to run. 0 or more. */
  readonly instances: number;
}

/**
 * How the queue's numbers become a number of instances. Choose with a static factory; each says its trade-off.
 *
 * @example
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
   * @throws ConfigurationError ScalingStepsNotValid
   */
  public static queueDepth(steps: QueueDepthStep[]): ScalingPolicy {
    return new ScalingPolicy(bindQueueDepth(steps));
  }

  readonly #binding: PolicyBinding;

  private constructor(binding: PolicyBinding) {
    this.#binding = binding;
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
