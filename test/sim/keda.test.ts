import { KedaController } from '../../sim/keda';
import { readScalingModel } from '../../sim/read-scaling-model';
import type { Snapshot } from '../../sim/scaling-engine';
import { ECS_CPU, workerMetrics } from '../../sim/worker-metrics';
import { stepTemplate } from './fixtures/templates';

const model = readScalingModel(stepTemplate({ group: { MinSize: 1, MaxSize: 50 } }), { file: 't.json' });
const queue = { delayed: 0, oldestAgeSeconds: 0, sent: 0, received: 0, deleted: 0 };
const snapshot = (desired: number, visible: number, notVisible: number): Snapshot => ({
  queues: { Jobs: { ...queue, visible, notVisible } },
  group: { desired, inService: desired, pending: 0, terminating: 0 },
});

/** Runs rounds of the autoscaler on an unchanging queue; returns the capacities after each. */
function rounds(desired: number, messages: readonly number[], queueLength = 2): number[] {
  const controller = new KedaController(model, queueLength);
  let current = desired;
  return messages.map((count) => {
    const now = controller.nextWakeSeconds;
    controller.observe(now, snapshot(current, 0, count));
    for (const event of controller.advance(now)) if (event.kind === 'capacity') current = event.to;
    return current;
  });
}

describe('KedaController', () => {
  test('counts messages in flight, and grows by four or to the double in a round', () => {
    expect(rounds(1, [60, 60, 60, 60])).toEqual([5, 10, 20, 30]);
  });

  test('stays within the bounds of the group', () => {
    expect(rounds(40, [1000, 1000])).toEqual([50, 50]);
  });

  test('changes nothing within a tenth of the target', () => {
    expect(rounds(20, [43, 37])).toEqual([20, 20]);
    expect(rounds(20, [45])).toEqual([23]);
  });

  test('shrinks to the largest wish of five minutes', () => {
    const after = rounds(30, [60, ...Array.from({ length: 19 }, () => 20), 20, 20]);
    expect(after.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 30));
    expect(after.slice(20)).toEqual([10, 10]);
  });
});

describe('workerMetrics', () => {
  test('reports the share of busy slots as CPU', () => {
    const load = { workers: 4, concurrency: 2, waiting: 6, busy: 6, running: 6 };
    const name = `${ECS_CPU.namespace}/${ECS_CPU.metricName}`;
    expect(workerMetrics(load)).toEqual({ [name]: { count: 4, sum: 300, minimum: 75, maximum: 75 } });
    expect(workerMetrics({ ...load, namespace: 'Own' })).toMatchObject({
      'Own/BacklogPerSlot': { count: 4, sum: 12, minimum: 3, maximum: 3 },
      'Own/BusySlots': { count: 4, sum: 6, minimum: 0, maximum: 2 },
    });
    expect(workerMetrics({ ...load, workers: 0 })).toEqual({});
  });
});
