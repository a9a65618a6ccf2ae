/**
 * Simulation in groups of jobs, for days of a hundred million jobs on thousands of instances.
 *
 * Time moves in steps of a fraction of the mean service time. Jobs that arrive in one step form a cohort and wait
 * together; jobs that start in one step finish spread over the later steps as the service time's distribution says.
 * Alarms, policies, boot and warm pool are the same as in the exact simulation. What is approximate: waits are whole
 * steps, a drained instance lives as long as the expected last of its jobs, and there are no failed attempts.
 */
import { AggregateFleet } from './aggregate-fleet';
import { WorkLedger } from './clairvoyant';
import { CohortQueue } from './cohort-queue';
import { Random } from './random';
import { Recorder } from './recorder';
import { reportOf } from './report';
import { MAX_IN_FLIGHT } from './simulated-queue';
import type { Run, RunOptions } from './run-options';
import type { ScalingEvent } from './scaling-engine';
import { scalingAlarms, type Controller } from './simulator';
import type { Timing } from './timing';
import { workerMetrics } from './worker-metrics';

/** Runs a simulation in groups of jobs. */
export function simulateAggregate(
  options: RunOptions & { readonly timing: Timing; readonly controller: Controller },
): Run {
  const { model, workload, seed, controller, concurrency, service, acceptableLatencySeconds } = options;
  if ((options.failureShare ?? 0) > 0) throw new RangeError('failed attempts need the exact simulation: fewer jobs');
  if ((model.group.nodeReleaseSeconds ?? 0) > 0)
    throw new RangeError(
      `tasks on nodes need the exact simulation: compare with '${options.policy ?? ''}' on fewer jobs than five million`,
    );
  const stepSeconds = Math.min(5, Math.max(0.1, service.meanSeconds / 8));
  const random = new Random(seed, 'aggregate');
  const arrivals = arrivalCounter(options, stepSeconds, new Random(seed, 'arrivals'));
  const fleet = new AggregateFleet(options, stepSeconds, random);
  const waits = new CohortQueue(stepSeconds);
  const ledger = new WorkLedger(workload.durationSeconds);
  const recorder = new Recorder(workload.durationSeconds, 600);
  const queue = model.queues.find((candidate) => candidate.logicalId === model.consumedQueues[0]);
  const mostInFlight = Math.min(MAX_IN_FLIGHT, queue?.fifo === true ? (options.messageGroups ?? Infinity) : Infinity);
  const namespace = model.worker?.metricsNamespace;
  const events: ScalingEvent[] = [];
  const horizon = workload.durationSeconds + 86_400;
  let [jobs, done, lastArrival, lastDone, step, now] = [0, 0, 0, 0, 0, 0];
  for (; ; step++) {
    now = step * stepSeconds;
    const isOver = now >= workload.durationSeconds;
    if ((isOver && done === jobs) || now > horizon) break;
    fleet.advance(now);
    const finished = fleet.finish(step);
    if (finished > 0) {
      done += finished;
      lastDone = now;
    }
    const arrived = isOver ? 0 : arrivals(step);
    if (arrived > 0) {
      jobs += arrived;
      lastArrival = now;
      waits.push(step, arrived);
      ledger.add(now, (arrived * service.meanSeconds) / concurrency);
    }
    waits.return(fleet.takeReturned(now), step);
    const started = Math.min(waits.waiting, fleet.freeSlots, Math.max(0, mostInFlight - fleet.running));
    if (started > 0) {
      waits.take(step, started, (wait) => recorder.wait(wait));
      fleet.start(step, started);
    }
    if (controller.nextWakeSeconds <= now) {
      controller.observe(now, {
        queues: Object.fromEntries(
          model.consumedQueues.map((logicalId, i) => [
            logicalId,
            // Several queues on one fleet are one backlog here; the first one shows it.
            snapshotOf(i === 0, waits, fleet, jobs, done, now),
          ]),
        ),
        group: fleet.snapshot(),
        custom: workerMetrics({
          workers: fleet.snapshot().inService,
          concurrency,
          waiting: waits.waiting,
          busy: fleet.running,
          running: fleet.running,
          ...(namespace === undefined ? {} : { namespace }),
        }),
      });
      const decided = controller.advance(now);
      for (const event of decided) {
        events.push(event);
        if (event.kind === 'capacity') fleet.setDesired(event.to, now);
      }
      if (decided.some((event) => event.kind === 'alarm')) recorder.alarms(scalingAlarms(controller));
    }
    if (recorder.nextSeconds <= now) {
      const { desired, inService, pending, terminating } = fleet.snapshot();
      recorder.record(now, {
        visible: waits.waiting,
        inFlight: fleet.running,
        desired,
        inService,
        total: inService + pending + terminating,
        alarms: scalingAlarms(controller),
      });
      options.onProgress?.(Math.min(1, now / workload.durationSeconds));
    }
  }
  const endSeconds = Math.max(now, workload.durationSeconds);
  fleet.advance(endSeconds);
  const tally = {
    mode: 'aggregate' as const,
    jobs,
    done,
    deadLettered: 0,
    expired: 0,
    ...waits.statistics(),
    lastArrivalSeconds: lastArrival,
    lastDoneSeconds: lastDone,
    endSeconds,
    instanceSeconds: fleet.instanceSeconds,
    maxInstances: fleet.maxInstances,
    scalingActions: events.filter((event) => event.kind === 'capacity').length,
    killed: fleet.killed,
  };
  const { minSize: minInstances } = model.group;
  const report = reportOf(tally, {
    policy: options.policy ?? 'template',
    workload: workload.name,
    seed,
    acceptableLatencySeconds,
    clairvoyantInstanceSeconds: ledger.cheapestInstanceSeconds({
      acceptableLatencySeconds,
      minInstances,
      durationSeconds: workload.durationSeconds,
    }),
  });
  return { report, recording: recorder.finish(endSeconds), events };
}

function snapshotOf(
  isFirst: boolean,
  waits: CohortQueue,
  fleet: AggregateFleet,
  sent: number,
  deleted: number,
  now: number,
) {
  if (!isFirst) {
    return { visible: 0, notVisible: 0, delayed: 0, oldestAgeSeconds: 0, sent: 0, received: 0, deleted: 0 };
  }
  return {
    visible: waits.waiting,
    notVisible: fleet.running,
    delayed: 0,
    oldestAgeSeconds: waits.oldestAgeSeconds(now),
    sent,
    received: waits.taken,
    deleted,
  };
}

/** Number of arrivals in each step: Poisson of the rates, plus the bursts. */
function arrivalCounter(options: RunOptions, stepSeconds: number, random: Random): (step: number) => number {
  const { rates, bursts } = options.workload;
  let piece = 0;
  return (step) => {
    const from = step * stepSeconds;
    while (piece < rates.length - 1 && (rates[piece]?.untilSeconds ?? 0) <= from) piece++;
    const current = rates[piece];
    const seconds = Math.max(0, Math.min(stepSeconds, (current?.untilSeconds ?? 0) - from));
    let count = random.poisson((current?.perSecond ?? 0) * seconds);
    for (const burst of bursts)
      if (burst.atSeconds >= from && burst.atSeconds < from + stepSeconds) count += burst.count;
    return count;
  };
}
