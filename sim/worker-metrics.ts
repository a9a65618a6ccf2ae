/** Metrics that workers and their platform publish, as the simulators hand them to the engine. */
import type { Snapshot } from './scaling-engine';

/** How busy the workers are. */
export interface WorkerLoad {
  /** Instances in service. */
  readonly workers: number;
  /** Jobs that one instance runs at a time. */
  readonly concurrency: number;
  /** Messages that wait in the first queue. */
  readonly waiting: number;
  /** Jobs of the first queue that run. */
  readonly busy: number;
  /** Jobs of all queues that run. */
  readonly running: number;
  /** Where the workers publish; undefined when they publish nothing. */
  readonly namespace?: string;
}

/** Namespace and name of the CPU use that ECS publishes of a service, in percent. */
export const ECS_CPU = { namespace: 'AWS/ECS', metricName: 'CPUUtilization' } as const;

/**
 * Every worker publishes its backlog per slot and its busy slots. The CPU use is that of jobs which compute: a busy slot
 * uses its share of the CPU, a free one nothing.
 */
export function workerMetrics(load: WorkerLoad): NonNullable<Snapshot['custom']> {
  const { workers, concurrency, waiting, busy, running, namespace } = load;
  if (workers === 0) return {};
  const share = Math.min(1, running / (workers * concurrency)) * 100;
  const cpu = { count: workers, sum: share * workers, minimum: share, maximum: share };
  const platform = { [`${ECS_CPU.namespace}/${ECS_CPU.metricName}`]: cpu };
  if (namespace === undefined) return platform;
  const perSlot = waiting / concurrency;
  return {
    ...platform,
    [`${namespace}/BacklogPerSlot`]: { count: workers, sum: perSlot * workers, minimum: perSlot, maximum: perSlot },
    [`${namespace}/BusySlots`]: { count: workers, sum: busy, minimum: 0, maximum: Math.min(busy, concurrency) },
  };
}
