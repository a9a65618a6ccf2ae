import { readScalingModel } from '../../sim/read-scaling-model';
import { ScalingEngine, type CapacityDecision, type QueueSnapshot, type ScalingEvent } from '../../sim/scaling-engine';
import type { ScalingModel } from '../../sim/scaling-model';
import { DEFAULT_TIMING, type Timing } from '../../sim/timing';
import { metric, stepTemplate, type TemplateOptions } from './fixtures/templates';

const EMPTY: QueueSnapshot = {
  visible: 0,
  notVisible: 0,
  delayed: 0,
  oldestAgeSeconds: 0,
  sent: 0,
  received: 0,
  deleted: 0,
};

interface World {
  queue: QueueSnapshot;
  desired: number;
  inService: number;
}

/** Drives an engine until `untilSeconds`; instances follow the desired capacity at once. */
function drive(
  options: TemplateOptions,
  untilSeconds: number,
  world: (nowSeconds: number, state: World) => Partial<World>,
  timing: Partial<Timing> = {},
): { readonly events: readonly ScalingEvent[]; readonly engine: ScalingEngine } {
  return driveModel(readScalingModel(stepTemplate(options), { file: 't.json' }), untilSeconds, world, timing);
}

function driveModel(
  model: ScalingModel,
  untilSeconds: number,
  world: (nowSeconds: number, state: World) => Partial<World>,
  timing: Partial<Timing> = {},
): { readonly events: readonly ScalingEvent[]; readonly engine: ScalingEngine } {
  const engine = new ScalingEngine(model, { timing: { ...DEFAULT_TIMING, ...timing }, seed: 3 });
  let state: World = { queue: EMPTY, desired: model.group.desiredCapacity, inService: model.group.desiredCapacity };
  const events: ScalingEvent[] = [];
  for (let now = engine.nextWakeSeconds; now <= untilSeconds; now = engine.nextWakeSeconds) {
    state = { ...state, ...world(now, state) };
    engine.observe(now, {
      queues: { Jobs: state.queue, Failed: EMPTY },
      group: { desired: state.desired, inService: state.inService, pending: 0, terminating: 0 },
    });
    for (const event of engine.advance(now)) {
      events.push(event);
      if (event.kind === 'capacity') state = { ...state, desired: event.to, inService: event.to };
    }
  }
  return { events, engine };
}

const decisions = (events: readonly ScalingEvent[]) =>
  events.filter((event): event is CapacityDecision => event.kind === 'capacity');
const backlog = (visible: number) => ({ queue: { ...EMPTY, visible } });

describe('ScalingEngine', () => {
  test('scales out once the sample is published and the alarm evaluated, and says by which step', () => {
    const { events, engine } = drive({}, 3_600, (now) => backlog(now >= 600 ? 12 : 0));
    const [decision, ...more] = decisions(events);
    expect(more).toEqual([]);
    expect(decision).toMatchObject({
      policyLogicalId: 'Out',
      alarmLogicalId: 'Deep',
      step: '[5, 15)',
      value: 12,
      from: 1,
      to: 3,
      reason: 'Deep is at 12, step [5, 15): ExactCapacity 3, 1 to 3 instances',
    });
    // At best: sampled at once, published 30 s after the minute. At worst: a minute to sample, 90 s and 60 s more.
    expect(decision?.atSeconds).toBeGreaterThan(630);
    expect(decision?.atSeconds).toBeLessThan(600 + 60 + 60 + 90 + 60);
    expect(engine.alarms).toEqual([
      expect.objectContaining({ logicalId: 'Deep', state: 'ALARM', value: 12, threshold: 5, scales: true }),
    ]);
  });

  test('decides the same whatever other alarms there are', () => {
    const world = (now: number) => backlog(now >= 600 ? 12 : 0);
    const alarm = (namespace: string, name: string, dimension: string, value: object) => ({
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        Namespace: namespace,
        MetricName: name,
        Dimensions: [{ Name: dimension, Value: value }],
        Statistic: 'Maximum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      },
    });
    // Before the alarm that scales, in the order of evaluation and of drawing.
    const resources = {
      AAA: alarm('AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'QueueName', {
        'Fn::GetAtt': ['Failed', 'QueueName'],
      }),
      AAB: alarm('AWS/AutoScaling', 'GroupInServiceInstances', 'AutoScalingGroupName', { Ref: 'Workers' }),
    };
    const alone = drive({}, 3_600, world);
    const { Deep, ...rest } = stepTemplate({ resources }).Resources;
    const model = readScalingModel({ Resources: { ...resources, ...rest, Deep } }, { file: 't.json' });
    expect(model.alarms.map(({ logicalId }) => logicalId)).toEqual(['AAA', 'AAB', 'Deep']);
    expect(decisions(driveModel(model, 3_600, world).events)).toEqual(decisions(alone.events));
  });

  test('reports transitions with the datapoints that made them', () => {
    const { events } = drive({}, 1_800, (now) => backlog(now >= 600 && now < 1_200 ? 12 : 0));
    expect(events.filter((event) => event.kind === 'alarm').map((event) => [event.from, event.to])).toEqual([
      ['INSUFFICIENT_DATA', 'OK'],
      ['OK', 'ALARM'],
      ['ALARM', 'OK'],
    ]);
    const alarm = events.find((event) => event.kind === 'alarm' && event.to === 'ALARM');
    expect(alarm).toMatchObject({ reason: 'OK to ALARM: 12 against at least 5', threshold: 5 });
  });

  test('repeats its action at every evaluation: ChangeInCapacity runs away on stale data', () => {
    const policy = {
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 2 }],
      EstimatedInstanceWarmup: 0,
    };
    const { events } = drive({ policy }, 3_600, () => backlog(12));
    expect(decisions(events).map((decision) => decision.to)).toEqual([3, 5, 7, 9, 10]);
  });

  test('adds once per warm-up when instances warm up', () => {
    const policy = {
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 2 }],
      EstimatedInstanceWarmup: 600,
    };
    const { events } = drive({ policy }, 1_500, () => backlog(12));
    const times = decisions(events).map((decision) => decision.atSeconds);
    expect(times.length).toBe(3);
    for (let i = 1; i < times.length; i++) expect((times[i] ?? 0) - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(600);
  });

  test('waits for the cooldown of a simple policy', () => {
    const policy = {
      PolicyType: undefined,
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: undefined,
      ScalingAdjustment: 1,
      Cooldown: '300',
    };
    const { events } = drive({ policy }, 1_800, () => backlog(12));
    const times = decisions(events).map((decision) => decision.atSeconds);
    expect(times.length).toBeGreaterThan(3);
    for (let i = 1; i < times.length; i++) expect((times[i] ?? 0) - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(300);
  });

  const need = (expression: string, period = 60) => ({
    Namespace: undefined,
    Metrics: [
      metric('v', 'ApproximateNumberOfMessagesVisible', 'Maximum', period),
      metric('f', 'ApproximateNumberOfMessagesNotVisible', 'Maximum', period),
      metric('a', 'NumberOfMessagesSent', 'Sum', period),
      metric('g', 'GroupDesiredCapacity', 'Maximum', period),
      { Id: 'need', Expression: expression },
    ],
  });

  test('evaluates metric math of queue and group, and drops points that lack one of them', () => {
    const alarm = need('IF((v >= 0) AND (g >= 0), v / g)');
    const { events } = drive({ alarm, group: { MinSize: 2 } }, 1_200, () => backlog(12));
    expect(decisions(events)[0]).toMatchObject({ value: 6, from: 2, to: 3 });
  });

  test('counts NotVisible as missing while nothing is in flight, unless the timing says otherwise', () => {
    const run = (timing: Partial<Timing>) =>
      decisions(drive({ alarm: need('IF(f >= 0, v)') }, 1_200, () => backlog(12), timing).events).length;
    expect(run({})).toBe(0);
    expect(run({ reportsZeroNotVisible: 1 })).toBe(1);
  });

  test('slides a window of five minutes each minute and sums what was sent in it', () => {
    const alarm = { ...need('a', 300), Threshold: 45 };
    const { engine } = drive({ alarm }, 1_800, (now) => ({
      queue: { ...EMPTY, visible: 1, sent: Math.floor(now / 60) * 10 },
    }));
    // Five minutes of 10 each, less the one or two minutes that are not published yet.
    expect([30, 40, 50]).toContain(engine.alarms[0]?.value);
  });

  test('lets the larger capacity win when another alarm in force would shrink the group', () => {
    const resources = {
      In: {
        Type: 'AWS::AutoScaling::ScalingPolicy',
        Properties: {
          AutoScalingGroupName: { Ref: 'Workers' },
          PolicyType: 'StepScaling',
          AdjustmentType: 'ExactCapacity',
          StepAdjustments: [{ MetricIntervalUpperBound: 0, ScalingAdjustment: 1 }],
        },
      },
      Low: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: {
          ...(stepTemplate().Resources['Deep']?.['Properties'] as object),
          Threshold: 100,
          ComparisonOperator: 'LessThanThreshold',
          AlarmActions: [{ Ref: 'In' }],
        },
      },
    };
    // 30 messages: the depth alarm wants 6 instances, the other one 1; desired starts at 4.
    const { events } = drive({ resources, group: { DesiredCapacity: '4' } }, 3_600, () => backlog(30));
    const capacities = decisions(events).map((decision) => decision.to);
    expect(capacities.slice(capacities.indexOf(6))).toEqual([6]);
  });

  test('is blind for 15 minutes after six idle hours without instances', () => {
    const at = 7 * 3_600;
    const world = (now: number) => backlog(now >= at ? 12 : 0);
    const asleep = decisions(drive({ group: { MinSize: 0 } }, at + 3_600, world).events)[0];
    expect(asleep?.atSeconds).toBeGreaterThan(at + 900);
    const awake = decisions(drive({ group: { MinSize: 1 } }, at + 3_600, world).events)[0];
    expect(awake?.atSeconds).toBeLessThan(at + 300);
  });

  describe('with target tracking', () => {
    const policy = {
      PolicyType: 'TargetTrackingScaling',
      AdjustmentType: undefined,
      EstimatedInstanceWarmup: 300,
      TargetTrackingConfiguration: {
        TargetValue: 10,
        CustomizedMetricSpecification: {
          Metrics: [
            metric('v', 'ApproximateNumberOfMessagesVisible', 'Sum'),
            metric('g', 'GroupInServiceInstances', 'Average'),
            { Id: 'e', Expression: 'v / g', ReturnData: true },
          ],
        },
      },
    };
    const alarm = { AlarmActions: [] };

    test('scales out in proportion after three minutes above the target, in after fifteen below', () => {
      const { events } = drive({ policy, alarm }, 5_400, (now) => backlog(now < 1_800 ? 40 : 10));
      const [out, shrink] = decisions(events);
      expect(out).toMatchObject({ alarmLogicalId: 'Out.AlarmHigh', from: 1, to: 4, step: 'above the target 10' });
      expect(out?.atSeconds).toBeGreaterThan(180);
      expect(shrink).toMatchObject({ alarmLogicalId: 'Out.AlarmLow', from: 4, to: 1 });
      expect(shrink?.atSeconds).toBeGreaterThan(1_800 + 14 * 60);
    });

    test('cannot start from zero', () => {
      const group = { MinSize: 0 };
      expect(decisions(drive({ policy, alarm, group }, 7_200, () => backlog(1_000)).events)).toEqual([]);
    });
  });

  test('gives the same events for the same seed', () => {
    const run = () => drive({}, 3_600, (now) => backlog(now % 1_000 > 500 ? 12 : 0)).events;
    expect(run()).toEqual(run());
  });
});
