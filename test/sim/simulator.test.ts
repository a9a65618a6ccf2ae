import { readScalingModel } from '../../sim/read-scaling-model';
import { run } from '../../sim/run';
import type { RunOptions } from '../../sim/run-options';
import type { ScalingModel } from '../../sim/scaling-model';
import { ScalingEngine } from '../../sim/scaling-engine';
import { exponentialServiceTime, fixedServiceTime, lognormalServiceTime } from '../../sim/service-time';
import { simulate, type Controller, type JobCounts } from '../../sim/simulator';
import { DEFAULT_TIMING } from '../../sim/timing';
import { namedWorkload, type Workload } from '../../sim/workload';
import { stepTemplate, type TemplateOptions } from './fixtures/templates';
import fc, { runs } from '../support/properties';

const model = (options: TemplateOptions = {}): ScalingModel =>
  readScalingModel(stepTemplate(options), { file: 't.json' });
const fixed = (instances: number, options: TemplateOptions = {}) =>
  model({ ...options, group: { MinSize: instances, MaxSize: instances, ...options.group } });
/** Sets capacities at given times. */
const scripted = (plan: readonly { readonly at: number; readonly to: number }[]): Controller => {
  let next = 0;
  return {
    get nextWakeSeconds() {
      return plan[next]?.at ?? Infinity;
    },
    observe: () => undefined,
    advance: (atSeconds) => {
      const to = plan[next++]?.to ?? 0;
      return [
        {
          kind: 'capacity',
          atSeconds,
          policyLogicalId: '',
          alarmLogicalId: '',
          step: '',
          value: 0,
          from: 0,
          to,
          reason: '',
        },
      ];
    },
  };
};
const constant = (ratePerSecond: number, durationSeconds: number): Workload =>
  namedWorkload('constant', { ratePerSecond, peakRatePerSecond: 0, burst: 0, durationSeconds }, 1);
const burst = (count: number, atSeconds = 0): Workload => ({
  name: 'burst',
  durationSeconds: 3_600,
  rates: [],
  bursts: [{ atSeconds, count }],
});
const base = (overrides: Partial<RunOptions>): RunOptions => ({
  model: model(),
  workload: constant(0.01, 3_600),
  service: fixedServiceTime(60),
  concurrency: 1,
  acceptableLatencySeconds: 300,
  seed: 5,
  ...overrides,
});

/** Mean wait of an M/M/c queue. */
function erlangC(arrivalRate: number, serviceSeconds: number, servers: number): number {
  const load = arrivalRate * serviceSeconds;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < servers; k++) {
    term *= load / k;
    sum += term;
  }
  term *= load / servers;
  const last = term / (1 - load / servers);
  return ((last / (sum + last)) * serviceSeconds) / (servers - load);
}

/** A terminate hook of 300 seconds. */
const hook = {
  resources: {
    Stop: {
      Type: 'AWS::AutoScaling::LifecycleHook',
      Properties: {
        AutoScalingGroupName: { Ref: 'Workers' },
        LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
        HeartbeatTimeout: 300,
      },
    },
  },
};

describe('simulate', () => {
  test.each([
    { servers: 4, load: 0.8, concurrency: 1 },
    { servers: 10, load: 0.85, concurrency: 1 },
    { servers: 20, load: 0.8, concurrency: 5 },
  ])('has the mean wait of Erlang C: %o', ({ servers, load, concurrency }) => {
    const serviceSeconds = 10;
    const rate = (load * servers) / serviceSeconds;
    const { report } = run(
      base({
        model: fixed(servers / concurrency),
        workload: constant(rate, 600_000 / rate),
        service: exponentialServiceTime(serviceSeconds),
        concurrency,
        seed: 12,
      }),
    );
    const theory = erlangC(rate, serviceSeconds, servers);
    expect(Math.abs(report.waitSeconds.mean - theory) / theory).toBeLessThan(0.03);
  });

  test('loses no job at any step: arrived = done + waiting + in flight + dead + expired', () => {
    fc.assert(
      fc.property(
        fc.record({
          rate: fc.double({ min: 0.01, max: 0.3, noNaN: true }),
          concurrency: fc.integer({ min: 1, max: 4 }),
          failureShare: fc.constantFrom(0, 0.4),
          seed: fc.integer({ min: 1, max: 1e6 }),
          delay: fc.constantFrom(0, 30),
          plan: fc.array(fc.record({ at: fc.integer({ min: 1, max: 3_600 }), to: fc.integer({ min: 0, max: 8 }) }), {
            maxLength: 12,
          }),
        }),
        ({ rate, concurrency, failureShare, seed, delay, plan }) => {
          const workload = constant(rate, 3_600);
          const arrivals = Float64Array.from({ length: Math.ceil(rate * 3_600) }, (_, i) => i / rate);
          const service = lognormalServiceTime(120, 600);
          let total = -1;
          const check = (counts: JobCounts) => {
            const { arrived, ...places } = counts;
            total = arrived;
            const everywhere = Object.values(places);
            // Thrown here only when it fails: a matcher at every one of some 100,000 steps takes seconds.
            if (everywhere.reduce((sum, n) => sum + n, 0) !== arrived || Math.min(...everywhere) < 0) {
              throw new Error(`lost a job: ${JSON.stringify(counts)}`);
            }
          };
          const sorted = [...plan].sort((a, b) => a.at - b.at);
          const result = simulate({
            model: model({ queue: { DelaySeconds: delay }, group: { MinSize: 0, DesiredCapacity: 1 } }),
            controller: scripted([...sorted, { at: 4_000, to: 6 }]),
            timing: DEFAULT_TIMING,
            seed,
            arrivals,
            serviceSeconds: arrivals.map((_, i) => service.quantile(((i * 7) % 97) / 100 + 0.01)),
            durationSeconds: workload.durationSeconds,
            concurrency,
            failureShare,
            onStep: check,
          });
          expect(total).toBe(arrivals.length);
          expect(result.done + result.deadLettered).toBe(arrivals.length);
          expect(result.running + result.hidden + result.visible).toBe(0);
        },
      ),
      { numRuns: runs(40) },
    );
  });

  test('is the same for the same seed, and differs for another', () => {
    const go = (seed: number) =>
      run(base({ workload: constant(0.2, 7_200), service: lognormalServiceTime(60, 240), seed }));
    expect(go(5)).toEqual(go(5));
    expect(go(5).report).not.toEqual(go(6).report);
  });

  // Four jobs of 200 s start at once; at 100 s the group shrinks to one instance.
  const shrink = (options: TemplateOptions, serviceSeconds = 200, timing = {}) =>
    run(
      base({
        model: model({ ...options, group: { DesiredCapacity: 4, MinSize: 0, ...options.group } }),
        controller: scripted([{ at: 100, to: 1 }]),
        workload: burst(4),
        service: fixedServiceTime(serviceSeconds),
        timing: { ...DEFAULT_TIMING, ...timing },
      }),
    ).report;

  test('kills running work at scale-in without a terminate hook, and the message comes back', () => {
    expect(shrink({})).toMatchObject({ killed: 3, done: 4, deadLettered: 0 });
    expect(shrink({}).waitSeconds.p99).toBeGreaterThan(140);
  });

  test('drains running work at scale-in with a terminate hook', () => {
    expect(shrink(hook)).toMatchObject({ killed: 0, done: 4, waitSeconds: { p99: 0 } });
  });

  test('kills what runs longer than the hook, and dead-letters what is killed too often', () => {
    expect(shrink(hook, 500)).toMatchObject({ killed: 3, done: 4 });
    const redrive = { deadLetterTargetArn: { 'Fn::GetAtt': ['Failed', 'Arn'] }, maxReceiveCount: 1 };
    expect(shrink({ ...hook, queue: { RedrivePolicy: redrive } }, 500)).toMatchObject({
      killed: 3,
      done: 1,
      deadLettered: 3,
    });
  });

  test('gives instances without a hook the grace that the timing says', () => {
    expect(shrink({}, 200, { terminateWithoutHook: 120 })).toMatchObject({ killed: 0 });
    expect(shrink({}, 250, { terminateWithoutHook: 120 })).toMatchObject({ killed: 3 });
  });

  test('keeps protected instances while they work', () => {
    expect(shrink({ group: { NewInstancesProtectedFromScaleIn: true } })).toMatchObject({ killed: 0, done: 4 });
  });

  test('boots from the warm pool faster', () => {
    const grow = (resources = {}) =>
      run(
        base({
          model: model({ resources, group: { MinSize: 0 } }),
          controller: scripted([{ at: 10, to: 4 }]),
          workload: burst(4),
        }),
      ).report.waitSeconds.p50;
    const cold = grow();
    const warm = grow({
      Pool: {
        Type: 'AWS::AutoScaling::WarmPool',
        Properties: { AutoScalingGroupName: { Ref: 'Workers' }, MinSize: 4 },
      },
    });
    expect(cold).toBeGreaterThanOrEqual(120);
    expect(warm).toBeLessThanOrEqual(65);
  });

  test('runs one job of a message group at a time on a FIFO queue', () => {
    const fifo = model({ queue: { FifoQueue: true }, group: { DesiredCapacity: 8 } });
    const drain = (messageGroups: number) =>
      run(base({ model: fifo, controller: scripted([]), workload: burst(8), messageGroups })).report.drainSeconds;
    expect([drain(8), drain(2)]).toEqual([60, 240]);
  });

  test('reports what it could not finish', () => {
    const options = { model: fixed(0, { group: { MaxSize: 5 } }), workload: burst(3) };
    expect(run(base({ ...options, controller: scripted([]) })).report).toMatchObject({ unfinished: 3, attainment: 0 });
  });

  test('works from zero when an alarm watches the depth', () => {
    const zero = model({ group: { MinSize: 0 } });
    const { report } = run(base({ model: zero, workload: burst(20, 60) }));
    expect(report).toMatchObject({ done: 20, killed: 0, unfinished: 0 });
  });

  test("runs a high-resolution alarm on the workers' own numbers within a minute", () => {
    const own = (id: string, MetricName: string, Stat: string) => ({
      Id: id,
      ReturnData: false,
      MetricStat: { Metric: { Namespace: 'Fleet', MetricName }, Period: 10, Stat },
    });
    const fast = model({
      metadata: {
        'cdk-queue-fleet:worker': {
          environment: { QUEUE_FLEET_METRICS_NAMESPACE: 'Fleet', QUEUE_FLEET_QUEUE_URL: { Ref: 'Jobs' } },
        },
      },
      alarm: {
        Namespace: undefined,
        Metrics: [
          own('b', 'BacklogPerSlot', 'Maximum'),
          own('w', 'BusySlots', 'Sum'),
          own('n', 'BusySlots', 'SampleCount'),
          { Id: 'need', Expression: 'IF(n > 0, b + w)' },
        ],
      },
    });
    const { events } = run(base({ model: fast, workload: burst(30, 600) }));
    const decision = events.find((event) => event.kind === 'capacity');
    // One worker: 29 wait, 1 is busy.
    expect(decision).toMatchObject({ value: 30, to: 6 });
    expect(decision?.atSeconds).toBeLessThan(660);
  });

  test('draws the time line with alarms', () => {
    const timed = model();
    const controller = new ScalingEngine(timed, { seed: 5 });
    const { recording, events } = run(base({ model: timed, controller, workload: burst(100, 600) }));
    expect(recording.points.length).toBeGreaterThan(500);
    expect(Math.max(...recording.points.map((point) => point.visible))).toBe(99);
    expect(recording.alarms.map((span) => span.state)).toContain('ALARM');
    expect(events.some((event) => event.kind === 'capacity')).toBe(true);
  });
});

test.each(['exact', 'aggregate'] as const)('reports no wait when no job was done (%s)', (mode) => {
  const idle = run(base({ mode, workload: constant(0, 3_600) })).report;
  const stuck = run(
    base({ mode, model: model({ group: { MinSize: 0, DesiredCapacity: 0 } }), controller: scripted([]) }),
  );
  expect(stuck.report.jobs).toBeGreaterThan(10);
  for (const report of [idle, stuck.report]) {
    expect(report.waitSeconds).toEqual({ mean: NaN, p50: NaN, p95: NaN, p99: NaN });
    expect(report.done).toBe(0);
  }
  expect([idle.attainment, stuck.report.attainment]).toEqual([1, 0]);
});

describe('simulateAggregate', () => {
  test('agrees with the exact simulation about waits, cost and drain', () => {
    const workload = namedWorkload(
      'spike',
      { ratePerSecond: 0.5, peakRatePerSecond: 1, burst: 2_000, durationSeconds: 14_400 },
      1,
    );
    const common = base({
      model: model({ ...hook, group: { MinSize: 60, MaxSize: 200 } }),
      workload,
      service: lognormalServiceTime(60, 240),
    });
    const exact = run({ ...common, mode: 'exact' }).report;
    const aggregate = run({ ...common, mode: 'aggregate' }).report;
    expect(aggregate.done).toBe(aggregate.jobs);
    expect(aggregate.instanceHours / exact.instanceHours).toBeCloseTo(1, 1);
    expect(Math.abs(aggregate.waitSeconds.p95 - exact.waitSeconds.p95) / exact.waitSeconds.p95).toBeLessThan(0.1);
    expect(aggregate.killed).toBe(exact.killed);
  });

  test('fails when attempts are to fail', () => {
    expect(() => run(base({ mode: 'aggregate', failureShare: 0.1 }))).toThrow(RangeError);
  });

  test('fails for tasks on nodes', () => {
    const plain = model();
    const onNodes = { ...plain, group: { ...plain.group, nodeReleaseSeconds: 600 } };
    expect(() => run(base({ mode: 'aggregate', model: onNodes }))).toThrow(/nodes need the exact simulation/);
  });
});

describe('tasks on nodes', () => {
  const plan = [
    { at: 100, to: 2 },
    { at: 1_000, to: 1 },
    { at: 1_300, to: 2 },
    { at: 2_000, to: 1 },
  ];
  const hours = (nodeReleaseSeconds: number) => {
    const plain = model({ group: { MinSize: 1, MaxSize: 3 } });
    return run(
      base({
        model: { ...plain, group: { ...plain.group, nodeReleaseSeconds } },
        controller: scripted(plan),
        workload: constant(0, 3_600),
      }),
    ).report.instanceHours;
  };

  test('a node is paid until its release, and the next task starts on it', () => {
    // One instance all the time; the second from 100 to 1000 and from 1300 to 2000.
    expect(hours(0) * 3_600).toBeCloseTo(3_600 + 900 + 700, -1);
    // The node stays: paid in between, and 600 seconds after its last task.
    expect(hours(600) * 3_600).toBeCloseTo(3_600 + 900 + 300 + 700 + 600, -1);
  });

  test('a task starts within seconds on a node that is there', () => {
    const waits = (nodeReleaseSeconds: number) => {
      const plain = model({ group: { MinSize: 1, MaxSize: 2 } });
      return run(
        base({
          model: { ...plain, group: { ...plain.group, nodeReleaseSeconds } },
          controller: scripted(plan),
          workload: burst(2, 1_300),
        }),
      ).report.waitSeconds.p99;
    };
    // Until the first instance has done the first job, or the second one is there.
    expect(waits(0)).toBe(60);
    expect(waits(600)).toBeGreaterThanOrEqual(5);
    expect(waits(600)).toBeLessThanOrEqual(15);
  });
});
