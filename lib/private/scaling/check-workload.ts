import type { ErrorCode } from '../error-codes';
import { SQS_LIMITS } from '../sqs-limits';
import {
  DRAIN_BEYOND_HOOK,
  LATENCY_BELOW_REACTION,
  MAX_CAPACITY_TOO_LOW,
  SCALE_TO_ZERO_WAKES_LATE,
  SPOT_SHORTER_THAN_WORK,
} from '../warnings';
import type { Warning } from '../warnings';
import { ceiling, MAX_LATENCY_SECONDS, spareCapacity, worstWaitSeconds } from '../../scaling/sizing';
import type { DeclaredWorkload, Sizing } from '../../scaling/sizing';
import { SCALING_LIMITS } from '../../scaling/timing';

/** Largest concurrency that is plausible for one instance; beyond it a unit was probably mistaken. */
const MAX_CONCURRENCY = 10_000;

/** Boots whose launch hook (three times as long) fits the hook's heartbeat. */
const BOOT_SECONDS = {
  min: SCALING_LIMITS.hookHeartbeatSeconds.min / 3,
  max: SCALING_LIMITS.hookHeartbeatSeconds.max / 3,
};

/** One broken rule of a declared workload. */
export interface WorkloadViolation {
  readonly code: ErrorCode;
  readonly text: string;
}

const seconds = (value: number): string => `${value} seconds`;

/** Every rule that the declaration breaks. */
export function checkWorkload(declared: DeclaredWorkload): WorkloadViolation[] {
  const found: WorkloadViolation[] = [];
  const add = (code: ErrorCode, text: string) => found.push({ code, text });
  const { averageProcessingSeconds: s, p99ProcessingSeconds: s99, acceptableLatencySeconds: latency } = declared;
  const visibilityMax = SQS_LIMITS.visibilitySeconds.max;

  if (!(s > 0 && s <= visibilityMax)) {
    add(
      'AverageProcessingTimeOutOfRange',
      `'averageProcessingTime' (${seconds(s)}) must be more than 0 and at most ${visibilityMax} seconds (a message can be held for 12 hours): measure one message's work, and split longer jobs`,
    );
  }
  if (s99 !== undefined && s99 < s) {
    add(
      'P99BelowAverage',
      `'p99ProcessingTime' (${seconds(s99)}) must not be less than 'averageProcessingTime' (${seconds(s)}): check that the two are not swapped`,
    );
  }
  if (s99 !== undefined && s99 > visibilityMax) {
    add(
      'P99BeyondVisibilityLimit',
      `'p99ProcessingTime' (${seconds(s99)}) must be at most ${visibilityMax} seconds (SQS takes a message back 12 hours after its receive): split the job`,
    );
  }
  if (!(latency > 0 && latency <= MAX_LATENCY_SECONDS)) {
    add(
      'AcceptableLatencyOutOfRange',
      `'acceptableLatency' (${seconds(latency)}) must be more than 0 and at most ${MAX_LATENCY_SECONDS} seconds (half of the longest retention): state how long a message may wait`,
    );
  }
  const { concurrency, peakRatePerSecond, burst, bootSeconds } = declared;
  if (
    concurrency !== undefined &&
    !(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MAX_CONCURRENCY)
  ) {
    add(
      'ConcurrencyOutOfRange',
      `'concurrency' (${concurrency} messages) must be a whole number from 1 to ${MAX_CONCURRENCY} messages: give the number that one instance works on at the same time`,
    );
  }
  if (peakRatePerSecond !== undefined && !(peakRatePerSecond > 0 && Number.isFinite(peakRatePerSecond))) {
    add(
      'PeakRateOutOfRange',
      `'peakRatePerSecond' (${peakRatePerSecond} messages per second) must be more than 0: leave it out when it is not known`,
    );
  }
  if (burst !== undefined && !(Number.isInteger(burst) && burst >= 0)) {
    add(
      'BurstOutOfRange',
      `'burst' (${burst} messages) must be a whole number, 0 or more: leave it out when it is not known`,
    );
  }
  if (bootSeconds !== undefined && !(bootSeconds >= BOOT_SECONDS.min && bootSeconds <= BOOT_SECONDS.max)) {
    add(
      'BootTimeOutOfRange',
      `'bootTime' (${seconds(bootSeconds)}) must be from ${BOOT_SECONDS.min} to ${BOOT_SECONDS.max} seconds (the launch hook waits three times as long, ${SCALING_LIMITS.hookHeartbeatSeconds.min} to ${SCALING_LIMITS.hookHeartbeatSeconds.max} seconds): bake the software into the image`,
    );
  }
  if (declared.warmPool && declared.spot) {
    add(
      'WarmPoolWithSpot',
      `'warmPool' (true) must not be set together with 'spot' (true): EC2 cannot stop and start Spot instances`,
    );
  }
  return found;
}

/** A risk that is allowed but worth a warning at synth. */
export interface Advice {
  readonly warning: Warning;
  readonly text: string;
}

const rounded = (value: number): string => `${Math.round(value)} s`;

/** What the sizing means for a group of `min` to `max` instances, with numbers. */
export function adviseWorkload(sizing: Sizing, { min, max }: { readonly min: number; readonly max: number }): Advice[] {
  const found: Advice[] = [];
  const { reactionSeconds, acceptableLatencySeconds, minimumMaxCapacity } = sizing;

  if (minimumMaxCapacity !== undefined && max < minimumMaxCapacity) {
    found.push({
      warning: MAX_CAPACITY_TOO_LOW,
      text: `the declared peak and burst need ${minimumMaxCapacity} instances, but at most ${max} may run: raise 'maxCapacity' or accept longer waits`,
    });
  }
  if (acceptableLatencySeconds < reactionSeconds) {
    const jump = Math.min(max, minimumMaxCapacity ?? max);
    const wait = worstWaitSeconds(sizing, jump, min);
    if (wait > acceptableLatencySeconds) {
      found.push({
        warning: LATENCY_BELOW_REACTION,
        text:
          `worst wait after a jump of ${jump} instance-loads: ${rounded(wait)}, more than the acceptable ${rounded(acceptableLatencySeconds)}, ` +
          `because a new instance takes about ${rounded(reactionSeconds)} to help: keep ${spareCapacity(sizing, jump)} idle instances, use a warm pool, or accept ${rounded(reactionSeconds)}`,
      });
    }
  }
  if (min === 0) {
    found.push({
      warning: SCALE_TO_ZERO_WAKES_LATE,
      text: `with no instance running the first message waits about ${rounded(reactionSeconds)}, and up to ${ceiling(15 + reactionSeconds / 60)} minutes after 6 idle hours, because SQS then stops publishing metrics: keep one instance if that is too long`,
    });
  }
  if (sizing.spot && sizing.p99ProcessingSeconds > 120) {
    found.push({
      warning: SPOT_SHORTER_THAN_WORK,
      text: `a Spot instance gets 120 s of notice, but one message's work takes up to ${rounded(sizing.p99ProcessingSeconds)}: interrupted work starts again elsewhere after ${rounded(sizing.visibilitySeconds)}`,
    });
  }
  if (sizing.p99ProcessingSeconds + 60 > SCALING_LIMITS.hookHeartbeatSeconds.max) {
    found.push({
      warning: DRAIN_BEYOND_HOOK,
      text: `work of up to ${rounded(sizing.p99ProcessingSeconds)} outlasts the terminate hook (${sizing.terminateHookSeconds} s): the worker must extend the hook while it drains (ours does, by RecordLifecycleActionHeartbeat)`,
    });
  }
  return found;
}
