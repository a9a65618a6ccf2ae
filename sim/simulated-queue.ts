/** One SQS queue of the exact simulation: waiting jobs in order, and counts of the others. */
import type { QueueSnapshot } from './scaling-engine';
import type { QueueModel } from './scaling-model';

/** About 120,000 messages of a standard queue can be in flight (SQS quota). */
export const MAX_IN_FLIGHT = 120_000;

/** The queue's state; `simulator.ts` moves the jobs. */
export interface SimulatedQueue {
  readonly logicalId: string;
  readonly visibilitySeconds: number;
  readonly delaySeconds: number;
  readonly retentionSeconds: number;
  readonly maxReceiveCount: number;
  readonly maxInFlight: number;
  /** Jobs that can be received, from `head` to before `tail`. */
  ready: Int32Array;
  head: number;
  tail: number;
  delayed: number;
  running: number;
  hidden: number;
  sent: number;
  received: number;
  deleted: number;
}

/** An empty queue. */
export function simulatedQueue(queue: QueueModel, messageGroups = MAX_IN_FLIGHT): SimulatedQueue {
  return {
    logicalId: queue.logicalId,
    visibilitySeconds: queue.visibilityTimeoutSeconds,
    delaySeconds: queue.delaySeconds,
    retentionSeconds: queue.retentionSeconds,
    maxReceiveCount: queue.redrive?.maxReceiveCount ?? Infinity,
    maxInFlight: queue.fifo ? Math.min(MAX_IN_FLIGHT, messageGroups) : MAX_IN_FLIGHT,
    ready: new Int32Array(1024),
    head: 0,
    tail: 0,
    delayed: 0,
    running: 0,
    hidden: 0,
    sent: 0,
    received: 0,
    deleted: 0,
  };
}

/** What SQS would publish now. */
export function queueSnapshot(queue: SimulatedQueue, nowSeconds: number, arrivals: Float64Array): QueueSnapshot {
  const oldest = queue.head < queue.tail ? (queue.ready[queue.head] as number) : -1;
  return {
    visible: queue.tail - queue.head,
    notVisible: queue.running + queue.hidden,
    delayed: queue.delayed,
    oldestAgeSeconds: oldest < 0 ? 0 : nowSeconds - (arrivals[oldest] as number),
    sent: queue.sent,
    received: queue.received,
    deleted: queue.deleted,
  };
}

/** Room at the end: either the waiting jobs move to the front, or the list doubles. */
export function compact(queue: SimulatedQueue): void {
  const waiting = queue.ready.subarray(queue.head, queue.tail);
  const target = waiting.length * 2 > queue.ready.length ? new Int32Array(queue.ready.length * 2) : queue.ready;
  if (target === queue.ready) target.copyWithin(0, queue.head, queue.tail);
  else target.set(waiting);
  queue.tail -= queue.head;
  queue.head = 0;
  queue.ready = target;
}
