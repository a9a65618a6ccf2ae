/**
 * Sizing of a fleet from its declared workload: numbers in, numbers out, no CDK. The constructs and `queue-fleet plan`
 * both read it, so that what is printed is what is deployed.
 */
import { SQS_LIMITS } from '../private/sqs-limits';
import { SCALING_LIMITS, REACTION } from './timing';

/** What a user declares about the work. Times in seconds. */
export interface DeclaredWorkload {
  /** Mean time of one message's work. */
  readonly averageProcessingSeconds: number;
  /** 99th percentile of one message's work; four times the mean when it is not known. */
  readonly p99ProcessingSeconds?: number;
  /** How long a message may wait before its work begins. */
  readonly acceptableLatencySeconds: number;
  /** Messages that one instance works on at the same time. */
  readonly concurrency?: number;
  /** Highest sustained arrival rate, messages per second. */
  readonly peakRatePerSecond?: number;
  /** Messages that arrive at once, on top of the rate. */
  readonly burst?: number;
  /** From the launch of a new instance until its first poll. */
  readonly bootSeconds?: number;
  /** Whether instances start from a warm pool, which shortens the boot. */
  readonly warmPool?: boolean;
  /** Whether instances may be interrupted with two minutes' notice. */
  readonly spot?: boolean;
}

/** The declared workload with every default filled in, and everything that follows from it. */
export interface Sizing {
  /** S: mean time of one message's work. */
  readonly averageProcessingSeconds: number;
  /** 99th percentile of one message's work. */
  readonly p99ProcessingSeconds: number;
  /** L: how long a message may wait before its work begins. */
  readonly acceptableLatencySeconds: number;
  /** c: messages that one instance works on at the same time. */
  readonly concurrency: number;
  /** Highest sustained arrival rate, if declared. */
  readonly peakRatePerSecond?: number;
  /** Messages that may arrive at once, if declared. */
  readonly burst?: number;
  /** From the launch of a new instance until its first poll. */
  readonly bootSeconds: number;
  /** Whether instances start from a warm pool. */
  readonly warmPool: boolean;
  /** Whether instances may be interrupted with two minutes' notice. */
  readonly spot: boolean;

  /** From the decision to launch until the first poll: less than the boot with a warm pool. */
  readonly startSeconds: number;
  /** D: from a message's arrival until an instance launched for it polls, in the usual worst case. */
  readonly reactionSeconds: number;
  /** Ld: time that the policy gives itself to work off what waits. */
  readonly drainTargetSeconds: number;
  /** u: share of a fleet's slots that the policy plans to keep busy. */
  readonly plannedUtilization: number;
  /** Interval of the worker's visibility renewals. */
  readonly heartbeatSeconds: number;
  /** Visibility timeout of the queue for a worker that renews it. */
  readonly visibilitySeconds: number;
  /** Visibility timeout for a consumer that never renews it. */
  readonly visibilityWithoutHeartbeatSeconds: number;
  /** Receives after which a message moves to the dead-letter queue. */
  readonly maxReceiveCount: number;
  /** How long running work may go on after its instance was asked to stop. */
  readonly drainSeconds: number;
  /** Heartbeat timeout of the terminate hook. */
  readonly terminateHookSeconds: number;
  /** Heartbeat timeout of the launch hook. */
  readonly launchHookSeconds: number;
  /** Retention of the queue, at least. */
  readonly retentionSeconds: number;
  /** Fewest instances that hold the declared peak and burst; undefined when neither is declared. */
  readonly minimumMaxCapacity?: number;
}

const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);

/** Ceiling that forgives floating-point dust: 6.000000000000001 is 6. */
export const ceiling = (value: number): number => Math.ceil(value - 1e-9);

/** Ratio of the 99th percentile to the mean that is assumed when only the mean is declared. */
export const ASSUMED_P99_RATIO = 4;

/**
 * Times the 99th percentile that running work may go on in an instance that was asked to stop. The worker extends the
 * hook while it works, so only the rare longer job is cut off; an idle instance goes at once.
 */
const DRAIN_PER_P99 = 3;

/** A day less than the longest retention: the dead-letter queue has to keep messages longer than its source. */
const MAX_RETENTION_SECONDS = SQS_LIMITS.retentionSeconds.max - 86_400;

/** Longest latency that can be declared: a message that waits nearly twice as long is still not lost. */
export const MAX_LATENCY_SECONDS = SQS_LIMITS.retentionSeconds.max / 2;

/** Share of attempts that end without a delete although the message is good. */
const LOST_ATTEMPT_SHARE = { drained: 0.01, spot: 0.06 } as const;

/** Probability that we accept for a good message to end in the dead-letter queue. */
const ACCEPTED_FALSE_DEAD_LETTER = 1e-6;

/** Everything that follows from a declared workload; the declaration must have passed {@link checkWorkload}. */
export function sizeWorkload(declared: DeclaredWorkload): Sizing {
  const s = declared.averageProcessingSeconds;
  const s99 = declared.p99ProcessingSeconds ?? s * ASSUMED_P99_RATIO;
  const latency = declared.acceptableLatencySeconds;
  const concurrency = declared.concurrency ?? 1;
  const warmPool = declared.warmPool ?? false;
  const spot = declared.spot ?? false;
  const bootSeconds = declared.bootSeconds ?? REACTION.bootSeconds;
  const startSeconds = warmPool ? Math.min(bootSeconds, REACTION.warmBootSeconds) : bootSeconds;

  const reactionSeconds =
    REACTION.sampleSeconds + REACTION.publicationSeconds + REACTION.evaluationSeconds + startSeconds;
  const drainTargetSeconds = Math.max(latency / 2, reactionSeconds / 2);
  const plannedUtilization = latency >= 2 * reactionSeconds ? 1 : 0.85;

  const heartbeatSeconds = Math.round(clamp(s99 / 3, 20, 100));
  const perSlot = Math.ceil(SQS_LIMITS.batchEntries / concurrency);
  const perRate = (s: number) => s / (concurrency * plannedUtilization);
  const demand =
    declared.peakRatePerSecond === undefined && declared.burst === undefined
      ? undefined
      : (declared.peakRatePerSecond ?? 0) * perRate(s) +
        ((declared.burst ?? 0) * s) / (concurrency * drainTargetSeconds);

  return {
    averageProcessingSeconds: s,
    p99ProcessingSeconds: s99,
    acceptableLatencySeconds: latency,
    concurrency,
    ...(declared.peakRatePerSecond === undefined ? {} : { peakRatePerSecond: declared.peakRatePerSecond }),
    ...(declared.burst === undefined ? {} : { burst: declared.burst }),
    bootSeconds,
    warmPool,
    spot,
    startSeconds,
    reactionSeconds,
    drainTargetSeconds,
    plannedUtilization,
    heartbeatSeconds,
    visibilitySeconds: clamp(3 * heartbeatSeconds, 60, 300),
    visibilityWithoutHeartbeatSeconds: Math.min(Math.ceil(perSlot * s99 * 1.5 + 30), SQS_LIMITS.visibilitySeconds.max),
    maxReceiveCount: receiveCount(spot ? LOST_ATTEMPT_SHARE.spot : LOST_ATTEMPT_SHARE.drained),
    drainSeconds: Math.ceil(clamp(DRAIN_PER_P99 * s99, 60, SCALING_LIMITS.drainSeconds)),
    terminateHookSeconds: terminateHookSeconds(s99),
    launchHookSeconds: Math.ceil(
      clamp(3 * bootSeconds, SCALING_LIMITS.hookHeartbeatSeconds.min, SCALING_LIMITS.hookHeartbeatSeconds.max),
    ),
    retentionSeconds: clamp(Math.ceil(2 * latency), SQS_LIMITS.retentionSeconds.default, MAX_RETENTION_SECONDS),
    ...(demand === undefined ? {} : { minimumMaxCapacity: Math.max(1, ceiling(demand)) }),
  };
}

/**
 * Heartbeat timeout of a terminate hook, for work of up to `workSeconds`: a minute more for the last calls, at least 2 minutes, and at
 * most what Auto Scaling allows; a worker that needs longer extends it.
 */
export function terminateHookSeconds(workSeconds: number): number {
  return Math.ceil(clamp(workSeconds + 60, 120, SCALING_LIMITS.hookHeartbeatSeconds.max));
}

/** Receives that a message gets so that a good one ends in the dead-letter queue less than once in a million. */
export function receiveCount(lostAttemptShare: number): number {
  return clamp(
    ceiling(Math.log(ACCEPTED_FALSE_DEAD_LETTER) / Math.log(lostAttemptShare)),
    3,
    SQS_LIMITS.maxReceiveCount.max,
  );
}

/**
 * Longest wait after the arrival rate jumps by the load of `jump` whole instances while `spare` idle ones stand by.
 *
 * Until the launched instances poll, the unserved share of the arrivals piles up for D seconds.
 */
export function worstWaitSeconds(sizing: Sizing, jump: number, spare: number): number {
  if (jump <= 0) return 0;
  return Math.max(0, 1 - spare / jump) * sizing.reactionSeconds;
}

/** Idle instances that keep {@link worstWaitSeconds} within the acceptable latency. */
export function spareCapacity(sizing: Sizing, jump: number): number {
  return Math.max(0, ceiling(jump * (1 - sizing.acceptableLatencySeconds / sizing.reactionSeconds)));
}
