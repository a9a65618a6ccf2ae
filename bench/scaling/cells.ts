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

/**
 * Short work is what queues carry most (thumbnails, mails, webhooks): many messages, several at a time, few instances.
 * Long work is video and reports: few messages, one at a time, many instances. The fleets differ in size so that each
 * has enough messages for a policy that counts them: a step leaves some 970, 160 and 40 waiting until instances come.
 *
 * The acceptable waits are about 1, 1.5 and 2 times the 270 seconds until a new instance helps. With more time every
 * policy looks alike; with less only spare capacity helps, whatever the policy.
 */
const WORK = [
  {
    kind: 'short',
    name: 'short (10 s, four at a time, wait 5 min)',
    mean: 10,
    p99: 40,
    latency: 300,
    concurrency: 4,
    load: { usual: 3, busy: 12, min: 1, max: 20 },
  },
  {
    kind: 'medium',
    name: 'medium (60 s, two at a time, wait 7 min)',
    mean: 60,
    p99: 240,
    latency: 420,
    concurrency: 2,
    load: { usual: 6, busy: 24, min: 1, max: 40 },
  },
  {
    kind: 'long',
    name: 'long (300 s, wait 10 min)',
    mean: 300,
    p99: 900,
    latency: 600,
    concurrency: 1,
    load: { usual: 15, busy: 60, min: 1, max: 100 },
  },
] as const;

const UNEVEN = { short: 'bursty', medium: 'spike', long: 'diurnal' } as const;
const DURATION_SECONDS = { constant: 28_800, step: 28_800, bursty: 28_800, spike: 14_400, diurnal: 86_400 } as const;
/** Mean time from a jump of the load until the instances for it work. */
export const REACTION_SECONDS = 270;
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
        minInstances: work.load.min,
        maxInstances: work.load.max,
      },
      service: lognormalServiceTime(work.mean, work.p99),
      workload: (seed) =>
        namedWorkload(
          shape,
          {
            ratePerSecond: rate(shape === 'constant' ? work.load.usual * 2 : work.load.usual),
            peakRatePerSecond: rate(work.load.busy),
            burst: rate(work.load.max) * (work.latency - REACTION_SECONDS) * SPIKE_SHARE,
            durationSeconds: DURATION_SECONDS[shape],
          },
          seed,
        ),
    };
  }),
);
