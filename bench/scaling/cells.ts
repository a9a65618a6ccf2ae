/**
 * The nine workloads of the benchmark: short, medium and long work, each steady, with a step, and uneven (bursty, with a
 * spike, over a day).
 *
 * A fleet that always runs at its maximum starts at least 95 % of the jobs of each cell in time, and so does a scaler
 * that knows the future; the benchmark runs that fleet as its last row.
 */
import type { ServiceTime } from '../../sim/service-time';
import { lognormalServiceTime } from '../../sim/service-time';
import { namedWorkload, type Workload } from '../../sim/workload';
import type { FleetDeclaration } from './fleet-template';

/** One workload on one fleet. */
export interface Cell {
  readonly name: string;
  readonly fleet: Omit<FleetDeclaration, 'warmPool'>;
  readonly service: ServiceTime;
  readonly workload: (seed: number) => Workload;
}

const WORK = [
  { kind: 'short', name: 'short (6 s, two at a time, wait 5 min)', mean: 6, p99: 20, latency: 300, concurrency: 2 },
  { kind: 'medium', name: 'medium (60 s, wait 10 min)', mean: 60, p99: 240, latency: 600, concurrency: 1 },
  { kind: 'long', name: 'long (300 s, wait 15 min)', mean: 300, p99: 900, latency: 900, concurrency: 1 },
] as const;

/** Instances that the usual and the busy load keep at work, and the group's bounds. */
const LOAD = { usual: 6, busy: 24, min: 1, max: 40 } as const;
const UNEVEN = { short: 'bursty', medium: 'spike', long: 'diurnal' } as const;
const DURATION_SECONDS = { constant: 28_800, step: 28_800, bursty: 28_800, spike: 14_400, diurnal: 86_400 } as const;
/** Mean time from a jump of the load until the instances for it work. */
const REACTION_SECONDS = 270;
/** Share of what the largest fleet can do of a spike within the latency. */
const SPIKE_SHARE = 0.8;

/** The nine cells. */
export const CELLS: readonly Cell[] = WORK.flatMap((work) =>
  (['constant', 'step', UNEVEN[work.kind]] as const).map((shape): Cell => {
    const rate = (instances: number) => (instances * work.concurrency) / work.mean;
    return {
      name: `${shape}, ${work.name}`,
      fleet: {
        averageProcessingTimeSeconds: work.mean,
        p99ProcessingTimeSeconds: work.p99,
        acceptableLatencySeconds: work.latency,
        concurrency: work.concurrency,
        minInstances: LOAD.min,
        maxInstances: LOAD.max,
      },
      service: limited(lognormalServiceTime(work.mean, work.p99), work.p99),
      workload: (seed) =>
        namedWorkload(
          shape,
          {
            ratePerSecond: rate(shape === 'constant' ? LOAD.usual * 2 : LOAD.usual),
            peakRatePerSecond: rate(LOAD.busy),
            burst: rate(LOAD.max) * (work.latency - REACTION_SECONDS) * SPIKE_SHARE,
            durationSeconds: DURATION_SECONDS[shape],
          },
          seed,
        ),
    };
  }),
);

/** Work that a time limit cuts off: with a hook of p99 + 60 s every job fits into the drain. */
function limited(service: ServiceTime, limitSeconds: number): ServiceTime {
  return {
    text: `${service.text}, at most ${limitSeconds} s`,
    meanSeconds: service.meanSeconds,
    draw: (random) => Math.min(limitSeconds, service.draw(random)),
    quantile: (share) => Math.min(limitSeconds, service.quantile(share)),
  };
}
