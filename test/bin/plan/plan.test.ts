import { Duration } from 'aws-cdk-lib';
import { planOf, type PlanOptions } from '../../../bin/plan/plan';
import { Workload } from '../../../lib';

const VIDEO: PlanOptions = {
  processingTime: 180,
  p99: 720,
  latency: 600,
  concurrency: 1,
  warmPool: false,
  spot: false,
  min: 1,
  json: false,
};

describe('planOf', () => {
  test('says what the constructs deploy', () => {
    const { sizing } = planOf(VIDEO);
    const workload = new Workload({
      averageProcessingTime: Duration.seconds(180),
      p99ProcessingTime: Duration.seconds(720),
      acceptableLatency: Duration.seconds(600),
    });
    expect(sizing).toEqual(workload._sizing());
  });

  test('sizes the group by peak and burst, or takes what is given', () => {
    expect(planOf(VIDEO)).toMatchObject({ minCapacity: 1, maxCapacity: 10, warnings: [] });
    expect(planOf({ ...VIDEO, peak: 0.1, burst: 20 }).maxCapacity).toBe(30);
    const small = planOf({ ...VIDEO, peak: 0.1, burst: 20, max: 12 });
    expect(small.maxCapacity).toBe(12);
    expect(small.warnings.map(({ id }) => id)).toEqual(['cdk-queue-fleet:maxCapacityTooLow']);
  });

  test('shows instances for waiting messages, and waits after a jump', () => {
    const plan = planOf({ ...VIDEO, latency: 100, peak: 0.01 });
    expect(plan.instancesForWaiting.at(-1)).toEqual({ messages: 2, instances: 3 });
    expect(plan.worstWaits).toEqual([
      { instanceLoads: 1, seconds: 0, spareForGoal: 1 },
      { instanceLoads: 2, seconds: 135, spareForGoal: 2 },
      { instanceLoads: 3, seconds: 180, spareForGoal: 2 },
    ]);
    expect(plan.warnings.map(({ id }) => id)).toEqual(['cdk-queue-fleet:latencyBelowReaction']);
  });

  test('names each number of messages once, also when one of them needs several instances', () => {
    const { instancesForWaiting } = planOf({ ...VIDEO, latency: 60, max: 5 });
    expect(instancesForWaiting).toEqual([
      { messages: 1, instances: 2 },
      { messages: 3, instances: 4 },
    ]);
  });

  test('fails when the workload is refused, or the group is upside down', () => {
    expect(() => planOf({ ...VIDEO, p99: 1, concurrency: 0 })).toThrow(/^P99BelowAverage: .*\nConcurrencyOutOfRange: /);
    expect(() => planOf({ ...VIDEO, min: 3, max: 2 })).toThrow(
      "'--max' (2 instances) must be at least '--min' (3 instances)",
    );
  });
});
