import { Duration, Token } from 'aws-cdk-lib';
import { ConfigurationError } from '../private/errors';
import { Violations } from '../private/violations';
import { checkWorkload } from '../private/scaling/check-workload';
import { sizeWorkload, spareCapacity, worstWaitSeconds } from './sizing';
import type { DeclaredWorkload, Sizing } from './sizing';

/** What is known about the work: the few numbers that everything else is derived from. */
export interface WorkloadProps {
  /**
   * Mean time that one message's work takes. More than 0, at most 12 hours.
   *
   * Being wrong by two in either direction is tolerated when the acceptable latency is at least twice the reaction time.
   */
  readonly averageProcessingTime: Duration;
  /**
   * 99th percentile of the time that one message's work takes. At least the mean, at most 12 hours.
   *
   * @default - four times the average
   */
  readonly p99ProcessingTime?: Duration;
  /**
   * How long a message may wait until its work begins. More than 0, at most 7 days.
   *
   * The fleet aims at 95 % or more of the messages within it; it is a goal, not a guarantee.
   */
  readonly acceptableLatency: Duration;
  /**
   * Messages that one instance works on at the same time. 1 to 10,000.
   *
   * @default 1
   */
  readonly concurrency?: number;
  /**
   * Highest sustained arrival rate in messages per second; only used to advise on the largest group.
   *
   * @default - not known, no advice
   */
  readonly peakRatePerSecond?: number;
  /**
   * Messages that may arrive at once, on top of the rate; only used to advise on the largest group.
   *
   * @default - not known, no advice
   */
  readonly burst?: number;
  /**
   * Time from the launch of a new instance until its worker polls. 10 seconds to 40 minutes.
   *
   * @default Duration.seconds(150)
   */
  readonly bootTime?: Duration;
  /**
   * Whether instances start from a warm pool of stopped ones, in 40 seconds or the boot time, whichever is less.
   *
   * @default false
   */
  readonly warmPool?: boolean;
  /**
   * Whether instances may be Spot instances, which AWS takes back with two minutes' notice.
   *
   * @default false
   */
  readonly spot?: boolean;
}

/**
 * A declared workload and the one consistent set of settings that follows from it. Immutable; creates nothing.
 *
 * Worked once, for 180 s of work (p99 720 s), one message at a time, and 600 s of acceptable wait: a new instance helps
 * D = 30 + 60 + 30 + 150 = 270 s after a message came. The wait is longer than 2 D, so slots are planned to be fully
 * used (u = 1), and a backlog is worked off in Ld = max(600 / 2, 270 / 2) = 300 s: 10 waiting messages ask for
 * 10 x 180 / 300 = 6 instances. A worker renews a message every 100 s under a visibility timeout of 300 s, a good
 * message gets 3 receives, and an instance has 780 s to finish before it is terminated.
 *
 * @example
 * const workload = new Workload({
 *   averageProcessingTime: Duration.minutes(3),
 *   p99ProcessingTime: Duration.minutes(12),
 *   acceptableLatency: Duration.minutes(10),
 * });
 */
export class Workload {
  readonly #sizing: Sizing;

  /**
   * @throws ConfigurationError AverageProcessingTimeOutOfRange, P99BelowAverage, P99BeyondVisibilityLimit,
   * AcceptableLatencyOutOfRange, ConcurrencyOutOfRange, PeakRateOutOfRange, BurstOutOfRange, BootTimeOutOfRange,
   * WarmPoolWithSpot, WorkloadNotConcrete
   */
  constructor(props: WorkloadProps) {
    const violations = new Violations();
    const declared = declare(props);
    for (const { code, text } of checkWorkload(declared)) violations.add(code, text);
    violations.throwIfAny();
    this.#sizing = sizeWorkload(declared);
  }

  /** Mean time of one message's work. */
  public get averageProcessingTime(): Duration {
    return toDuration(this.#sizing.averageProcessingSeconds);
  }

  /** 99th percentile of the time of one message's work. */
  public get p99ProcessingTime(): Duration {
    return toDuration(this.#sizing.p99ProcessingSeconds);
  }

  /** How long a message may wait until its work begins. */
  public get acceptableLatency(): Duration {
    return toDuration(this.#sizing.acceptableLatencySeconds);
  }

  /** Messages that one instance works on at the same time. */
  public get concurrency(): number {
    return this.#sizing.concurrency;
  }

  /** Highest sustained arrival rate in messages per second, if declared. */
  public get peakRatePerSecond(): number | undefined {
    return this.#sizing.peakRatePerSecond;
  }

  /** Messages that may arrive at once, if declared. */
  public get burst(): number | undefined {
    return this.#sizing.burst;
  }

  /** Time from the launch of a new instance until its worker polls. */
  public get bootTime(): Duration {
    return toDuration(this.#sizing.bootSeconds);
  }

  /** Whether instances start from a warm pool. */
  public get warmPool(): boolean {
    return this.#sizing.warmPool;
  }

  /** Whether instances may be Spot instances. */
  public get spot(): boolean {
    return this.#sizing.spot;
  }

  /** D: usual time from a message's arrival until an instance started because of it polls: 120 s plus the boot, or 40 s from a warm pool. */
  public get reactionTime(): Duration {
    return toDuration(this.#sizing.reactionSeconds);
  }

  /** Ld: time in which the fleet plans to work off what waits, max(acceptable latency / 2, reaction time / 2). */
  public get drainTarget(): Duration {
    return toDuration(this.#sizing.drainTargetSeconds);
  }

  /** u: share of the slots that are planned to be busy, 0.85 when the latency is below twice the reaction time, else 1. */
  public get plannedUtilization(): number {
    return this.#sizing.plannedUtilization;
  }

  /** Visibility timeout for a worker that renews it every `heartbeatInterval`: 60 to 300 seconds. */
  public get visibilityTimeout(): Duration {
    return Duration.seconds(this.#sizing.visibilitySeconds);
  }

  /** Visibility timeout for a consumer that never renews it: a batch of ten at 1.5 times the 99th percentile, plus 30 s. */
  public get visibilityTimeoutWithoutHeartbeat(): Duration {
    return Duration.seconds(this.#sizing.visibilityWithoutHeartbeatSeconds);
  }

  /** How often a worker renews the visibility of a message: a third of the visibility timeout. */
  public get heartbeatInterval(): Duration {
    return Duration.seconds(this.#sizing.heartbeatSeconds);
  }

  /** Receives after which a message moves to the dead-letter queue: 3, or 5 on Spot, so that interruptions do not bury good messages. */
  public get maxReceiveCount(): number {
    return this.#sizing.maxReceiveCount;
  }

  /** How long running work may go on after its instance was asked to stop: three times its 99th percentile, at least 60 s. */
  public get drainTimeout(): Duration {
    return Duration.seconds(this.#sizing.drainSeconds);
  }

  /** How long a terminating instance may finish its work before a heartbeat is needed: p99 plus 60 s, 120 to 7,200 seconds. */
  public get terminateHookTimeout(): Duration {
    return Duration.seconds(this.#sizing.terminateHookSeconds);
  }

  /** How long a new instance may take until its first poll before it is abandoned: three times the boot time. */
  public get launchHookTimeout(): Duration {
    return Duration.seconds(this.#sizing.launchHookSeconds);
  }

  /** Retention of the queue: four days, or twice the acceptable latency if that is longer, at most 13 days. */
  public get retentionPeriod(): Duration {
    return Duration.seconds(this.#sizing.retentionSeconds);
  }

  /** Fewest instances that hold the declared peak and burst; undefined when neither is declared. */
  public get minimumMaxCapacity(): number | undefined {
    return this.#sizing.minimumMaxCapacity;
  }

  /**
   * Longest usual wait after the load jumps.
   *
   * @param jump how many whole instances' load comes on top, at once
   * @param spare idle instances at that moment
   * @returns (1 - spare / jump) of the reaction time
   */
  public worstWaitAfterJump(jump: number, spare: number): Duration {
    return toDuration(worstWaitSeconds(this.#sizing, jump, spare));
  }

  /**
   * Idle instances that keep the wait after a jump within the acceptable latency.
   *
   * @param jump how many whole instances' load comes on top, at once
   * @returns instances, 0 when the acceptable latency is at least the reaction time
   */
  public spareCapacityForJump(jump: number): number {
    return spareCapacity(this.#sizing, jump);
  }

  /**
   * The numbers in seconds, for the constructs of this package.
   *
   * @internal
   */
  public _sizing(): Sizing {
    return this.#sizing;
  }
}

const toDuration = (seconds: number): Duration => Duration.millis(Math.round(seconds * 1000));

function declare(props: WorkloadProps): DeclaredWorkload {
  const requireConcrete = (prop: string, isToken: boolean): void => {
    if (!isToken) return;
    throw new ConfigurationError(
      'WorkloadNotConcrete',
      `WorkloadNotConcrete: '${prop}' (a token) must be known at synth: alarms and steps are computed from it`,
    );
  };
  const seconds = (prop: string, value: Duration): number => {
    requireConcrete(prop, value.isUnresolved());
    return value.toMilliseconds() / 1000;
  };
  for (const prop of ['concurrency', 'peakRatePerSecond', 'burst'] as const) {
    requireConcrete(prop, Token.isUnresolved(props[prop]));
  }
  return {
    averageProcessingSeconds: seconds('averageProcessingTime', props.averageProcessingTime),
    ...(props.p99ProcessingTime && { p99ProcessingSeconds: seconds('p99ProcessingTime', props.p99ProcessingTime) }),
    acceptableLatencySeconds: seconds('acceptableLatency', props.acceptableLatency),
    ...(props.concurrency !== undefined && { concurrency: props.concurrency }),
    ...(props.peakRatePerSecond !== undefined && { peakRatePerSecond: props.peakRatePerSecond }),
    ...(props.burst !== undefined && { burst: props.burst }),
    ...(props.bootTime && { bootSeconds: seconds('bootTime', props.bootTime) }),
    ...(props.warmPool !== undefined && { warmPool: props.warmPool }),
    ...(props.spot !== undefined && { spot: props.spot }),
  };
}
