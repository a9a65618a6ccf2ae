import { readFileSync } from 'node:fs';
import { App, Duration, Stack, Token } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { BacklogScaling, ScalingPolicy, WorkQueue, Workload } from '../../../lib';
import * as WARNINGS from '../../../lib/private/warnings';
import { plainGroup, scaledGroup, VIDEO_WORKLOAD } from '../../support/scaled-group';

const logicalIds = (template: Template, type: string) => Object.keys(template.findResources(type)).sort();
const codeOf = (build: () => unknown): unknown => {
  try {
    build();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};
const warnings = (props: Parameters<typeof scaledGroup>[0]) =>
  Annotations.fromStack(scaledGroup(props).stack)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => String(entry.data));

describe('BacklogScaling', () => {
  test.each([
    ['of another account', 'arn:aws:sqs:us-east-1:999999999999:jobs', true],
    ['of another region', 'arn:aws:sqs:eu-west-1:111122223333:jobs', true],
    ['of the same account and region', 'arn:aws:sqs:us-east-1:111122223333:jobs', false],
  ])('warns about a queue %s as its alarms need', (_, queueArn, expected) => {
    const stack = new Stack(new App(), 'Env', { env: { account: '111122223333', region: 'us-east-1' } });
    const queue = WorkQueue.fromQueue(stack, 'Theirs', {
      queue: sqs.Queue.fromQueueArn(stack, 'TheirQueue', queueArn),
    });
    const { autoScalingGroup } = plainGroup(1, 10, { stack });
    new BacklogScaling(stack, 'Scaling', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD });
    const found = Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('queueMetricsElsewhere'));
    expect(found).toHaveLength(expected ? 1 : 0);
  });

  test('keeps its logical ids', () => {
    const { template } = scaledGroup({ min: 0, max: 50 });
    expect(logicalIds(template, 'AWS::CloudWatch::Alarm')).toMatchInlineSnapshot(`
     [
       "ScalingIdleAlarmBE16B87A",
       "ScalingInAlarmB437A8D9",
       "ScalingInUpperAlarm8188951D",
       "ScalingOut1AlarmF5221CB2",
       "ScalingOut1UpperAlarm50428152",
       "ScalingOut5AlarmA0349136",
       "ScalingOut5UpperAlarmDCD81491",
       "ScalingWake723B476D",
       "ScalingWakeUpper40F22A4A",
     ]
    `);
    expect(logicalIds(template, 'AWS::AutoScaling::ScalingPolicy')).toMatchInlineSnapshot(`
     [
       "ScalingIdlePolicyD05719B7",
       "ScalingInPolicy971DAC53",
       "ScalingInUpperPolicy46146BBC",
       "ScalingOut1PolicyB24D667D",
       "ScalingOut1UpperPolicyA1FAFEA6",
       "ScalingOut5PolicyA1C8DA76",
       "ScalingOut5UpperPolicy083691A9",
     ]
    `);
  });

  test('creates three alarms and three policies for a small group that always runs', () => {
    const { template, scaling } = scaledGroup();
    template.resourceCountIs('AWS::CloudWatch::Alarm', 3);
    template.resourceCountIs('AWS::AutoScaling::ScalingPolicy', 3);
    expect(scaling.alarms.map((alarm) => alarm.node.path)).toEqual([
      'Test/Scaling/Out1/Alarm',
      'Test/Scaling/Out5/Alarm',
      'Test/Scaling/In/Alarm',
    ]);
    expect(scaling.targetTrackingPolicies).toEqual([]);
  });

  test('sets the exact capacity of each step', () => {
    const { template } = scaledGroup({ max: 3 });
    template.hasResourceProperties('AWS::AutoScaling::ScalingPolicy', {
      PolicyType: 'StepScaling',
      AdjustmentType: 'ExactCapacity',
      EstimatedInstanceWarmup: Match.absent(),
      Cooldown: Match.absent(),
      StepAdjustments: [
        { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 1, ScalingAdjustment: 1 },
        { MetricIntervalLowerBound: 1, MetricIntervalUpperBound: 2, ScalingAdjustment: 2 },
        { MetricIntervalLowerBound: 2, ScalingAdjustment: 3 },
      ],
    });
    template.hasResourceProperties('AWS::AutoScaling::ScalingPolicy', {
      StepAdjustments: [
        { MetricIntervalUpperBound: -999_999, ScalingAdjustment: 1 },
        { MetricIntervalLowerBound: -999_999, MetricIntervalUpperBound: -999_998, ScalingAdjustment: 2 },
        { MetricIntervalLowerBound: -999_998, MetricIntervalUpperBound: 0, ScalingAdjustment: 3 },
      ],
    });
  });

  test('ignores late datapoints and reads gauges by their maximum, over five minutes by their average when the latency allows', () => {
    const alarms = Object.values(scaledGroup({ min: 0 }).template.findResources('AWS::CloudWatch::Alarm'));
    expect(alarms).toHaveLength(5);
    for (const { Properties: alarm } of alarms) {
      const periods = alarm.AlarmDescription.startsWith('Start from zero') ? 2 : 1;
      expect(alarm).toMatchObject({
        TreatMissingData: 'ignore',
        EvaluationPeriods: periods,
        DatapointsToAlarm: periods,
      });
      expect(JSON.stringify(alarm)).not.toMatch(/FILL|AVG\(|MAX\(|MIN\(|SUM\(/);
      const metrics = alarm.Metrics.filter((m: object) => 'MetricStat' in m);
      const expressions = alarm.Metrics.filter((m: object) => 'Expression' in m);
      expect(metrics.length).toBeLessThanOrEqual(10);
      expect(expressions.length).toBeLessThanOrEqual(10);
      for (const { Expression } of expressions) expect(Expression.length).toBeLessThanOrEqual(2048);
      for (const { MetricStat } of metrics) {
        const name: string = MetricStat.Metric.MetricName;
        if (name.startsWith('Approximate'))
          expect(MetricStat.Stat).toBe(MetricStat.Period === 300 ? 'Average' : 'Maximum');
        if (name.startsWith('NumberOf')) expect(MetricStat.Stat).toBe('Sum');
      }
    }
  });

  test('reads gauges by their maximum when the latency is below two reaction times', () => {
    const workload = new Workload({
      averageProcessingTime: Duration.minutes(3),
      acceptableLatency: Duration.seconds(539),
    });
    expect(JSON.stringify(scaledGroup({ workload }).template.toJSON())).not.toContain('"Average"');
  });

  test('prepares the group and declares the workload on it', () => {
    const { template } = scaledGroup({
      workload: new Workload({
        averageProcessingTime: Duration.seconds(10),
        p99ProcessingTime: Duration.seconds(30),
        acceptableLatency: Duration.minutes(10),
        concurrency: 4,
        peakRatePerSecond: 2,
        burst: 100,
      }),
      messageGroups: 40,
    });
    template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
      Properties: { MetricsCollection: [{ Granularity: '1Minute' }], DefaultInstanceWarmup: 60 },
      Metadata: {
        'cdk-queue-fleet:workload': {
          averageProcessingTimeSeconds: 10,
          p99ProcessingTimeSeconds: 30,
          acceptableLatencySeconds: 600,
          concurrency: 4,
          peakRatePerSecond: 2,
          burst: 100,
          messageGroups: 40,
        },
      },
    });
  });

  test('keeps the warm-up that the group already has', () => {
    const { stack, autoScalingGroup, queue } = plainGroup(1, 5);
    (autoScalingGroup.node.defaultChild as unknown as { defaultInstanceWarmup: number }).defaultInstanceWarmup = 0;
    new BacklogScaling(stack, 'Scaling', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD });
    Template.fromStack(stack).hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', { DefaultInstanceWarmup: 0 });
  });

  test('adds up several queues', () => {
    const { stack, autoScalingGroup, queue } = plainGroup(1, 5);
    const additionalQueues = [new WorkQueue(stack, 'Second'), new WorkQueue(stack, 'Third')];
    new BacklogScaling(stack, 'Scaling', { queue, additionalQueues, autoScalingGroup, workload: VIDEO_WORKLOAD });
    for (const { Properties } of Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'))) {
      expect(Properties.Metrics.filter((m: object) => 'MetricStat' in m)).toHaveLength(10);
    }
  });

  test('fails when the queues need more metrics than an alarm reads', () => {
    const build = (count: number, policy?: ScalingPolicy) => {
      const { stack, autoScalingGroup, queue } = plainGroup(1, 5);
      const additionalQueues = Array.from({ length: count - 1 }, (_, i) => new WorkQueue(stack, `Queue${i}`));
      return codeOf(
        () =>
          new BacklogScaling(stack, 'Scaling', {
            queue,
            additionalQueues,
            autoScalingGroup,
            workload: VIDEO_WORKLOAD,
            ...(policy && { policy }),
          }),
      );
    };
    expect(build(3)).toBeUndefined();
    expect(build(4)).toBe('ScalingMetricLimitExceeded');
    const depth = ScalingPolicy.queueDepth([
      { messages: 0, instances: 1 },
      { messages: 10, instances: 2 },
    ]);
    expect(build(10, depth)).toBeUndefined();
    expect(build(11, depth)).toBe('ScalingMetricLimitExceeded');
  });

  test('starts from zero and returns to it', () => {
    const { template } = scaledGroup({ min: 0, max: 4 });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: 'Stop the last instance after 15 minutes without any message',
      ComparisonOperator: 'LessThanOrEqualToThreshold',
      Threshold: 0,
    });
    template.hasResourceProperties('AWS::AutoScaling::ScalingPolicy', {
      StepAdjustments: [{ MetricIntervalUpperBound: 0, ScalingAdjustment: 0 }],
    });
    template.resourceCountIs('AWS::CloudWatch::Alarm', 5);
    template.resourceCountIs('AWS::AutoScaling::ScalingPolicy', 4);
  });

  test('fails when the sizes of the group are not known', () => {
    const { stack, autoScalingGroup, queue } = plainGroup(1, 5);
    const group = autoScalingGroup.node.defaultChild as unknown as { maxSize: string };
    group.maxSize = Token.asString({ Ref: 'Max' });
    const props = { queue, autoScalingGroup, workload: VIDEO_WORKLOAD };
    expect(codeOf(() => new BacklogScaling(stack, 'Unknown', props))).toBe('GroupCapacityUnknown');
    expect(codeOf(() => new BacklogScaling(stack, 'Known', { ...props, maxCapacity: 5 }))).toBeUndefined();
  });

  test.each([
    [0, 0, 'CapacityRangeReversed'],
    [0, 1, undefined],
    [2, 1, 'CapacityRangeReversed'],
    [2, 2, undefined],
  ])('checks a capacity of %d to %d', (minCapacity, maxCapacity, code) => {
    expect(codeOf(() => scaledGroup({ minCapacity, maxCapacity }))).toBe(code);
  });

  test.each([
    [0, 'MessageGroupsOutOfRange'],
    [1, undefined],
    [1.5, 'MessageGroupsOutOfRange'],
  ])('checks %d message groups', (messageGroups, code) => {
    expect(codeOf(() => scaledGroup({ messageGroups }))).toBe(code);
  });

  test('never grows a FIFO fleet beyond its message groups', () => {
    const { template } = scaledGroup({ fifo: true, messageGroups: 5 });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Metrics: Match.arrayWith([Match.objectLike({ Expression: 'IF(larger>5,5,larger)' })]),
    });
    expect(warnings({ fifo: true, messageGroups: 5 })).toEqual([]);
    expect(warnings({ fifo: true })).toEqual([expect.stringContaining('cdk-queue-fleet:fifoWithoutMessageGroups')]);
  });

  test('warns with numbers', () => {
    expect(warnings({})).toEqual([]);
    expect(warnings({ min: 0 })).toEqual([
      'with no instance running the first message waits about 270 s, and up to 20 minutes after 6 idle hours, because SQS then stops publishing metrics: keep one instance if that is too long [ack: cdk-queue-fleet:scaleToZeroWakesLate]',
    ]);
    const props = { averageProcessingTime: Duration.minutes(3), acceptableLatency: Duration.minutes(1) };
    expect(warnings({ min: 2, max: 6, workload: new Workload(props) })).toEqual([
      'worst wait after a jump of 6 instance-loads: 180 s, more than the acceptable 60 s, because a new instance takes about 270 s to help: keep 5 idle instances, use a warm pool, or accept 270 s [ack: cdk-queue-fleet:latencyBelowReaction]',
    ]);
    expect(
      warnings({
        workload: new Workload({ ...props, acceptableLatency: Duration.minutes(10), peakRatePerSecond: 0.1 }),
      }),
    ).toEqual([
      "the declared peak and burst need 18 instances, but at most 10 may run: raise 'maxCapacity' or accept longer waits [ack: cdk-queue-fleet:maxCapacityTooLow]",
    ]);
    expect(
      warnings({ workload: new Workload({ ...props, acceptableLatency: Duration.minutes(10), spot: true }) }),
    ).toEqual([expect.stringContaining('cdk-queue-fleet:spotShorterThanWork')]);
    expect(
      warnings({
        workload: new Workload({ averageProcessingTime: Duration.hours(1), acceptableLatency: Duration.hours(1) }),
      }),
    ).toEqual([expect.stringContaining('cdk-queue-fleet:drainBeyondHook')]);
  });
});

test('docs/errors.md lists every warning', () => {
  const page = readFileSync('docs/errors.md', 'utf8');
  for (const { id, meaning } of Object.values(WARNINGS))
    expect(page).toMatch(new RegExp(`cdk-queue-fleet:${id}\` +\\| ${meaning.slice(0, 30).replace(/[()]/g, '.')}`));
});
