/** What a scaler that knows the future would need: the yardstick of every report. */

/** Work and limits of a fleet. */
export interface ClairvoyantInput {
  /** Arrival seconds, ascending. */
  readonly arrivals: Float64Array;
  readonly serviceSeconds: Float64Array;
  readonly acceptableLatencySeconds: number;
  readonly concurrency: number;
  readonly minInstances: number;
  readonly durationSeconds: number;
}

/** Slices of time in which work is counted. */
const SLICE_SECONDS = 10;

/**
 * Least instance-seconds with which every job could start within the acceptable latency.
 *
 * A lower bound: instances boot and stop at once, are never idle beyond the group's minimum, and work is divisible. The
 * minimum runs all the time; what it cannot do before it is due is bought to the second. Because the work is fixed, the
 * cheapest schedule is the one that leaves the minimum idle the least, and that is to buy as late as possible.
 */
export function clairvoyantInstanceSeconds(input: ClairvoyantInput): number {
  const { arrivals, serviceSeconds, acceptableLatencySeconds, concurrency, minInstances, durationSeconds } = input;
  const work = new WorkLedger(Math.max(durationSeconds, arrivals.at(-1) ?? 0));
  for (let i = 0; i < arrivals.length; i++)
    work.add(arrivals[i] as number, (serviceSeconds[i] as number) / concurrency);
  return work.cheapestInstanceSeconds({ acceptableLatencySeconds, minInstances, durationSeconds });
}

/** Work by when it arrives, in instance-seconds. */
export class WorkLedger {
  readonly #work: Float64Array;

  constructor(lastArrivalSeconds: number) {
    this.#work = new Float64Array(Math.floor(lastArrivalSeconds / SLICE_SECONDS) + 1);
  }

  add(atSeconds: number, instanceSeconds: number): void {
    const slice = Math.floor(atSeconds / SLICE_SECONDS);
    this.#work[slice] = (this.#work[slice] ?? 0) + instanceSeconds;
  }

  cheapestInstanceSeconds(
    limits: Pick<ClairvoyantInput, 'acceptableLatencySeconds' | 'minInstances' | 'durationSeconds'>,
  ): number {
    const due = Math.floor(limits.acceptableLatencySeconds / SLICE_SECONDS);
    const least = limits.minInstances * SLICE_SECONDS;
    let [arrived, overdue, done, bought] = [0, 0, 0, 0];
    for (let slice = 0; slice < this.#work.length + due; slice++) {
      arrived += this.#work[slice] ?? 0;
      overdue += this.#work[slice - due] ?? 0;
      done += Math.min(least, arrived - done);
      if (done < overdue) {
        bought += overdue - done;
        done = overdue;
      }
    }
    return limits.minInstances * limits.durationSeconds + bought;
  }
}
