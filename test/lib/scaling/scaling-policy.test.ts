import { Match, Template } from 'aws-cdk-lib/assertions';
import { BacklogScaling, ScalingPolicy, WorkQueue } from '../../../lib';
import type { QueueDepthStep } from '../../../lib';
import { stepFor, wantedBy } from '../../../sim/capacity';
import { evaluateMetricMath } from '../../../sim/metric-math';
import { type MetricMathNode, parseMetricMath } from '../../../sim/metric-math-parser';
import type { StepModel } from '../../../sim/scaling-model';
import { plainGroup, scaledGroup, VIDEO_WORKLOAD } from '../../support/scaled-group';

const step = (messages: number, instances: number): QueueDepthStep => ({ messages, instances });

describe('ScalingPolicy.queueDepth', () => {
  test('watches the length of the queue', () => {
    const policy = ScalingPolicy.queueDepth([step(0, 1), step(100, 4), step(500, 10)]);
    const { template, scaling } = scaledGroup({ policy });
    expect(scaling.alarms).toHaveLength(2);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Namespace: 'AWS/SQS',
      Statistic: 'Maximum',
      Period: 60,
      Threshold: 100,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'ignore',
    });
    template.hasResourceProperties('AWS::AutoScaling::ScalingPolicy', {
      AdjustmentType: 'ExactCapacity',
      StepAdjustments: [
        { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 400, ScalingAdjustment: 4 },
        { MetricIntervalLowerBound: 400, ScalingAdjustment: 10 },
      ],
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Period: 300,
      Threshold: 100,
      ComparisonOperator: 'LessThanThreshold',
    });
    template.hasResourceProperties('AWS::AutoScaling::ScalingPolicy', {
      StepAdjustments: [
        { MetricIntervalUpperBound: 0, MetricIntervalLowerBound: Match.absent(), ScalingAdjustment: 1 },
      ],
    });
  });

  test.each<[string, QueueDepthStep[], string]>([
    ['one step', [step(0, 1)], "'steps' (1 steps) must be 2 to 20 steps: merge some"],
    ['21 steps', Array.from({ length: 21 }, (_, i) => step(i, i)), "'steps' (21 steps) must be 2 to 20 steps"],
    ['no step for the empty queue', [step(1, 1), step(2, 2)], "'steps[0].messages' (1 messages) must be 0 messages"],
    ['falling messages', [step(0, 1), step(0, 2)], "'steps[1]' (0 messages, 2 instances) must be above 'steps[0]'"],
    ['equal instances', [step(0, 1), step(5, 1)], "'steps[1]' (5 messages, 1 instances) must be above 'steps[0]'"],
    ['half a message', [step(0, 1), step(1.5, 2)], "'steps[1]' (1.5 messages, 2 instances) must be whole numbers"],
    ['more than the group holds', [step(0, 1), step(9, 11)], "'steps[1].instances' (11 instances) must be at most"],
  ])('fails when there is %s', (_, steps, text) => {
    expect(() => scaledGroup({ policy: ScalingPolicy.queueDepth(steps) })).toThrow(`ScalingStepsNotValid: ${text}`);
  });
});

/** Ids, metric names and expressions of a target-tracking policy. */
function tracked(policy: ScalingPolicy) {
  const { template, scaling } = scaledGroup({ policy });
  expect(scaling.alarms).toEqual([]);
  expect(scaling.targetTrackingPolicies).toHaveLength(1);
  template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
  const [resource] = Object.values(template.findResources('AWS::AutoScaling::ScalingPolicy'));
  const { TargetValue, CustomizedMetricSpecification } = resource?.Properties.TargetTrackingConfiguration;
  return {
    type: resource?.Properties.PolicyType,
    target: TargetValue,
    metrics: CustomizedMetricSpecification.Metrics.map(
      (m: Record<string, { Metric: { MetricName: string }; Stat: string }>) => [
        m['Id'],
        m['Expression'] ?? `${m['MetricStat']?.Stat} ${m['MetricStat']?.Metric.MetricName}`,
        m['ReturnData'],
      ],
    ),
  };
}

describe('ScalingPolicy.backlogPerInstance', () => {
  test('tracks what one instance works off within the latency', () => {
    expect(tracked(ScalingPolicy.backlogPerInstance())).toEqual({
      type: 'TargetTrackingScaling',
      target: 600 / 180,
      metrics: [
        ['v', 'Maximum ApproximateNumberOfMessagesVisible', false],
        ['i', 'Average GroupInServiceInstances', false],
        ['e', 'v/i', true],
      ],
    });
  });

  test('fails when the group may run no instance', () => {
    expect(() => scaledGroup({ min: 0, policy: ScalingPolicy.backlogPerInstance() })).toThrow(
      "TargetTrackingFromZero: 'minCapacity' (0 instances) must be at least 1 for target tracking",
    );
  });
});

describe('ScalingPolicy.utilization', () => {
  test('tracks the share of the slots', () => {
    expect(tracked(ScalingPolicy.utilization())).toEqual({
      type: 'TargetTrackingScaling',
      target: 70,
      metrics: [
        ['v', 'Maximum ApproximateNumberOfMessagesVisible', false],
        ['f', 'Maximum ApproximateNumberOfMessagesNotVisible', false],
        ['i', 'Average GroupInServiceInstances', false],
        ['e', '100*(v+(f+0*v))/(1*i)', true],
      ],
    });
  });

  test.each([0, 0.7, 101])('fails when the target is %d percent', (percent) => {
    expect(() => scaledGroup({ policy: ScalingPolicy.utilization(percent) })).toThrow('TargetUtilizationOutOfRange');
  });
});

describe('ScalingPolicy.highResolution', () => {
  test("adds an alarm on ten seconds of the workers' numbers to the latency goal", () => {
    const { template, scaling } = scaledGroup({ policy: ScalingPolicy.highResolution({ metricsNamespace: 'Videos' }) });
    expect(scaling.alarms.map((alarm) => alarm.node.path)).toEqual([
      'Test/Scaling/Out1/Alarm',
      'Test/Scaling/Out5/Alarm',
      'Test/Scaling/In/Alarm',
      'Test/Scaling/Out10s/Alarm',
    ]);
    const own = (Id: string, MetricName: string, Stat: string) =>
      Match.objectLike({
        Id,
        MetricStat: {
          Metric: {
            Namespace: 'Videos',
            MetricName,
            Dimensions: [{ Name: 'QueueName', Value: Match.anyValue() }],
          },
          Period: 10,
          Stat,
        },
      });
    for (const metric of [
      own('n', 'BusySlots', 'SampleCount'),
      own('b', 'BacklogPerSlot', 'Maximum'),
      own('w', 'BusySlots', 'Sum'),
    ]) {
      template.hasResourceProperties('AWS::CloudWatch::Alarm', { Metrics: Match.arrayWith([metric]) });
    }
  });

  describe('on what the workers published', () => {
    const { template } = scaledGroup({ policy: ScalingPolicy.highResolution() });
    const propertiesOf = (type: string) =>
      Object.entries(template.findResources(type)).find(([id]) => id.startsWith('ScalingOut10s'))?.[1].Properties;
    const alarm = propertiesOf('AWS::CloudWatch::Alarm');
    const policy = propertiesOf('AWS::AutoScaling::ScalingPolicy');
    const steps = policy.StepAdjustments.map(
      (step: {
        MetricIntervalLowerBound: number;
        MetricIntervalUpperBound?: number;
        ScalingAdjustment: number;
      }): StepModel => ({
        lower: step.MetricIntervalLowerBound,
        upper: step.MetricIntervalUpperBound ?? Infinity,
        adjustment: step.ScalingAdjustment,
      }),
    );
    const expressions = new Map(
      alarm.Metrics.filter((m: object) => 'Expression' in m).map((m: { Id: string; Expression: string }) => [
        m.Id,
        parseMetricMath(m.Expression),
      ]),
    ) as Map<string, MetricMathNode>;
    const last = [...expressions.values()][0] as MetricMathNode;

    /** Capacity that a group of 8 gets when `n` workers are seen, `b` messages wait and `w` are busy. */
    function wanted(n: number, b: number, w: number): number {
      const metrics = new Map(Object.entries({ n: [n], b: [b], w: [w] }));
      const input = { metrics, expressions, length: 1, periodSeconds: 10, newestSeconds: 0 };
      const [value = NaN] = evaluateMetricMath(last, input) as number[];
      const group = { desired: 8, inService: 8, pending: 0, terminating: 0, min: 1, max: 10 };
      const { Threshold: threshold, ComparisonOperator: comparison } = alarm;
      const step = value > threshold ? stepFor(steps, value, { threshold, comparison }) : undefined;
      return step ? wantedBy(group, { type: policy.AdjustmentType, amount: step.adjustment, minMagnitude: 1 }, 0) : 8;
    }

    test('adds the instances that are missing', () => {
      expect(policy).toMatchObject({ AdjustmentType: 'ChangeInCapacity', EstimatedInstanceWarmup: 60 });
      // 15 x 180 s within 300 s are 9 instances, 16 are 9.6.
      expect([wanted(8, 13, 8), wanted(8, 15, 8), wanted(8, 16, 8), wanted(8, 500, 8)]).toEqual([8, 9, 10, 10]);
    });

    test('never lowers the group when records are late', () => {
      for (let n = 0; n <= 8; n++) for (let b = 0; b < 30; b++) expect(wanted(n, b, n)).toBeGreaterThanOrEqual(8);
    });

    test('wants two periods, because the records of the newest may be under way', () => {
      expect(alarm).toMatchObject({ EvaluationPeriods: 2, DatapointsToAlarm: 2, TreatMissingData: 'ignore' });
    });
  });

  test('wakes a sleeping group by the metrics of SQS, and is capped like the latency goal', () => {
    const { template } = scaledGroup({ min: 0, max: 50, messageGroups: 3, policy: ScalingPolicy.highResolution() });
    const ids = Object.keys(template.findResources('AWS::CloudWatch::Alarm'));
    expect(ids).toHaveLength(11);
    expect(ids.filter((id) => id.includes('Wake'))).toHaveLength(2);
    expect(ids.filter((id) => id.includes('Out10s'))).toHaveLength(2);
  });

  test('counts each queue by its share of the slots', () => {
    const { stack, autoScalingGroup, queue } = plainGroup(1, 10);
    new BacklogScaling(stack, 'Scaling', {
      queue,
      additionalQueues: [new WorkQueue(stack, 'Second')],
      autoScalingGroup,
      workload: VIDEO_WORKLOAD,
      policy: ScalingPolicy.highResolution(),
    });
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
      Metrics: Match.arrayWith([Match.objectLike({ Expression: '(b1+b2)*0.5', Id: 'waiting' })]),
    });
  });
});
