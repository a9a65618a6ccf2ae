/** From a model, a workload and a seed to a report: the parts put together. */
import { simulateAggregate } from './aggregate';
import { clairvoyantInstanceSeconds } from './clairvoyant';
import { Random } from './random';
import { reportOf, tallyOf } from './report';
import type { Run, RunOptions } from './run-options';
import { ScalingEngine } from './scaling-engine';
import type { ServiceTime } from './service-time';
import { simulate } from './simulator';
import { DEFAULT_TIMING } from './timing';
import { drawArrivals, expectedArrivals, type Workload } from './workload';

/** Above this many jobs a run is simulated in groups of jobs. */
export const MOST_EXACT_JOBS = 5_000_000;

/** Runs one simulation. The same options give the same numbers. */
export function run(options: RunOptions): Run {
  const { model, workload, service, seed, concurrency, timing = DEFAULT_TIMING } = options;
  const controller = options.controller ?? new ScalingEngine(model, { timing, seed });
  const expected = expectedArrivals(workload);
  const mode = options.mode ?? (expected > MOST_EXACT_JOBS && workload.trace === undefined ? 'aggregate' : 'exact');
  if (mode === 'aggregate') return simulateAggregate({ ...options, timing, controller });
  const arrivals = drawArrivals(workload, seed);
  const serviceSeconds = drawServices(workload, service, arrivals.length, seed);
  const result = simulate({
    model,
    controller,
    timing,
    seed,
    arrivals,
    serviceSeconds,
    durationSeconds: workload.durationSeconds,
    concurrency,
    ...(options.failureShare === undefined ? {} : { failureShare: options.failureShare }),
    ...(options.messageGroups === undefined ? {} : { messageGroups: options.messageGroups }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
  const clairvoyant = clairvoyantInstanceSeconds({
    arrivals,
    serviceSeconds,
    acceptableLatencySeconds: options.acceptableLatencySeconds,
    concurrency,
    minInstances: model.group.minSize,
    durationSeconds: workload.durationSeconds,
  });
  const report = reportOf(tallyOf(result), {
    policy: options.policy ?? 'template',
    workload: workload.name,
    seed,
    acceptableLatencySeconds: options.acceptableLatencySeconds,
    clairvoyantInstanceSeconds: clairvoyant,
  });
  return { report, recording: result.recording, events: result.events };
}

/** Service time of each arrival: the trace's own where it has one. */
export function drawServices(workload: Workload, service: ServiceTime, count: number, seed: number): Float64Array {
  const random = new Random(seed, 'service');
  const given = workload.trace?.serviceSeconds;
  const services = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const own = given?.[i] ?? NaN;
    services[i] = Number.isNaN(own) ? service.draw(random) : own;
  }
  return services;
}
