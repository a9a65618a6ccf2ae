import { readScalingModel } from '../../sim/read-scaling-model';
import { TemplateError } from '../../sim/template-parts';
import { GROUP_DIMENSIONS, metric, QUEUE_DIMENSIONS, stepTemplate, type TemplateOptions } from './fixtures/templates';

const read = (options: TemplateOptions = {}) => readScalingModel(stepTemplate(options), { file: 't.json' });

describe('readScalingModel', () => {
  test('reads queues with their redrive, the group, the alarm and the policy', () => {
    const model = read();
    expect(model.queues).toEqual([
      expect.objectContaining({ logicalId: 'Failed', visibilityTimeoutSeconds: 30, retentionSeconds: 1209600 }),
      expect.objectContaining({
        logicalId: 'Jobs',
        visibilityTimeoutSeconds: 60,
        fifo: false,
        redrive: { deadLetterQueue: 'Failed', maxReceiveCount: 3 },
      }),
    ]);
    expect(model.consumedQueues).toEqual(['Jobs']);
    expect(model.group).toMatchObject({ logicalId: 'Workers', minSize: 1, maxSize: 10, desiredCapacity: 1 });
    expect(model.alarms).toEqual([
      expect.objectContaining({
        logicalId: 'Deep',
        policies: ['Out'],
        returnId: 'm1',
        periodSeconds: 60,
        datapointsToAlarm: 1,
        treatMissingData: 'missing',
      }),
    ]);
    expect(model.policies).toEqual([
      {
        kind: 'step',
        logicalId: 'Out',
        adjustmentType: 'ExactCapacity',
        minAdjustmentMagnitude: 0,
        warmupSeconds: 60,
        steps: [
          { lower: 0, upper: 10, adjustment: 3 },
          { lower: 10, upper: Infinity, adjustment: 6 },
        ],
      },
    ]);
  });

  test('reads hooks, warm pool, protection and declared workload', () => {
    const model = read({
      group: { NewInstancesProtectedFromScaleIn: true },
      metadata: {
        'cdk-queue-fleet:workload': { averageProcessingTimeSeconds: 12 },
        'cdk-queue-fleet:worker': {
          environment: {
            QUEUE_FLEET_QUEUE_URL: { Ref: 'Jobs' },
            QUEUE_FLEET_CONCURRENCY: '4',
            QUEUE_FLEET_DRAIN_TIMEOUT_SECONDS: '900',
            QUEUE_FLEET_METRICS_NAMESPACE: 'Fleet',
          },
        },
      },
      resources: {
        Stop: {
          Type: 'AWS::AutoScaling::LifecycleHook',
          Properties: {
            AutoScalingGroupName: { Ref: 'Workers' },
            LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
            HeartbeatTimeout: 300,
          },
        },
        Pool: {
          Type: 'AWS::AutoScaling::WarmPool',
          Properties: {
            AutoScalingGroupName: { Ref: 'Workers' },
            MinSize: 2,
            InstanceReusePolicy: { ReuseOnScaleIn: true },
          },
        },
      },
    });
    expect(model.group.protectedFromScaleIn).toBe(true);
    expect(model.group.hooks).toEqual([
      { logicalId: 'Stop', transition: 'terminate', heartbeatSeconds: 300, defaultResult: 'ABANDON' },
    ]);
    expect(model.group.warmPool).toEqual({
      minSize: 2,
      maxPreparedCapacity: 10,
      state: 'Stopped',
      reuseOnScaleIn: true,
    });
    expect(model.workload).toEqual({ averageProcessingTimeSeconds: 12 });
    expect(model.worker).toMatchObject({ concurrency: 4, drainTimeoutSeconds: 900, metricsNamespace: 'Fleet' });
    expect(model.consumedQueues).toEqual(['Jobs']);
  });

  test('reads metric math of an alarm and of target tracking', () => {
    const model = read({
      alarm: {
        Namespace: undefined,
        Metrics: [
          metric('v', 'ApproximateNumberOfMessagesVisible'),
          metric('g', 'GroupDesiredCapacity'),
          { Id: 'need', Expression: 'IF((v >= 0) AND (g >= 0), v / g)' },
        ],
      },
      resources: {
        Tracking: {
          Type: 'AWS::AutoScaling::ScalingPolicy',
          Properties: {
            AutoScalingGroupName: { Ref: 'Workers' },
            PolicyType: 'TargetTrackingScaling',
            TargetTrackingConfiguration: {
              TargetValue: 4,
              CustomizedMetricSpecification: {
                Metrics: [
                  metric('v', 'ApproximateNumberOfMessagesVisible', 'Sum'),
                  metric('g', 'GroupInServiceInstances', 'Average'),
                  { Id: 'e', Expression: 'v / g', ReturnData: true },
                ],
              },
            },
          },
        },
      },
    });
    expect(model.alarms[0]).toMatchObject({ returnId: 'need', periodSeconds: 60 });
    expect(model.policies[1]).toMatchObject({
      kind: 'targetTracking',
      target: 4,
      returnId: 'e',
      disableScaleIn: false,
    });
  });

  test('keeps alarms that only notify, and lists those that it cannot evaluate', () => {
    const notify = (properties: object) => ({
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        ComparisonOperator: 'GreaterThanThreshold',
        Threshold: 0,
        Statistic: 'Maximum',
        EvaluationPeriods: 1,
        ...properties,
      },
    });
    const model = read({
      resources: {
        NotEmpty: notify({
          Namespace: 'AWS/SQS',
          MetricName: 'ApproximateNumberOfMessagesVisible',
          Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['Failed', 'QueueName'] } }],
        }),
        Errors: notify({ Namespace: 'AWS/Lambda', MetricName: 'Errors' }),
        Nightly: { Type: 'AWS::AutoScaling::ScheduledAction', Properties: {} },
      },
    });
    expect(model.alarms.map((alarm) => [alarm.logicalId, alarm.policies])).toEqual([
      ['Deep', ['Out']],
      ['NotEmpty', []],
    ]);
    expect(model.ignored).toEqual([
      { logicalId: 'Errors', reason: 'watches AWS/Lambda Errors, whose values are not known here' },
      { logicalId: 'Nightly', reason: 'scheduled actions are not modelled' },
    ]);
  });

  const math = (...metrics: object[]) => ({ alarm: { Namespace: undefined, Metrics: metrics } });
  const v = metric('v', 'ApproximateNumberOfMessagesVisible');

  test.each<[string, TemplateOptions, string, RegExp]>([
    [
      'an unknown metric math function',
      math(v, { Id: 'e', Expression: 'SQRT(v)' }),
      'Deep',
      /expression 'e' uses 'SQRT'/,
    ],
    [
      'an id that the alarm does not have',
      math(v, { Id: 'e', Expression: 'v + f' }),
      'Deep',
      /uses 'f', which is not an id/,
    ],
    ['an expression that refers to itself', math(v, { Id: 'e', Expression: 'e + v' }), 'Deep', /refers to itself/],
    [
      'two periods',
      math(v, metric('f', 'ApproximateNumberOfMessagesNotVisible', 'Maximum', 300), { Id: 'e', Expression: 'v+f' }),
      'Deep',
      /mixes periods \(60, 300 seconds\)/,
    ],
    [
      'two metrics that return data',
      math({ ...v, ReturnData: true }, { Id: 'e', Expression: 'v' }),
      'Deep',
      /returns data of 2 metrics/,
    ],
    [
      'a foreign metric',
      { alarm: { Namespace: 'AWS/EC2', MetricName: 'CPUUtilization', Dimensions: GROUP_DIMENSIONS } },
      'Deep',
      /watches AWS\/EC2 CPUUtilization/,
    ],
    [
      'a queue of another stack',
      { alarm: { Dimensions: [{ Name: 'QueueName', Value: 'elsewhere' }] } },
      'Deep',
      /queue 'elsewhere', which is not in the template/,
    ],
    [
      'a group metric that is not enabled',
      {
        group: { MetricsCollection: [] },
        ...math(v, metric('g', 'GroupDesiredCapacity'), { Id: 'e', Expression: 'v/g' }),
      },
      'Deep',
      /'MetricsCollection' does not enable/,
    ],
    ['a percentile', { alarm: { Statistic: undefined, ExtendedStatistic: 'p90' } }, 'Deep', /uses a percentile/],
    [
      'an anomaly band',
      { alarm: { Threshold: undefined, ComparisonOperator: 'GreaterThanUpperThreshold' } },
      'Deep',
      /only a fixed threshold/,
    ],
    ['a scaling action on OK', { alarm: { OKActions: [{ Ref: 'Out' }] } }, 'Deep', /only 'AlarmActions' are modelled/],
    ['an unknown adjustment type', { policy: { AdjustmentType: 'Double' } }, 'Out', /adjustment type "Double"/],
    [
      'a predictive policy',
      { policy: { PolicyType: 'PredictiveScaling', AdjustmentType: 'ExactCapacity' } },
      'Out',
      /'PredictiveScaling', which is not modelled/,
    ],
    [
      'a predefined tracked metric',
      {
        policy: {
          PolicyType: 'TargetTrackingScaling',
          TargetTrackingConfiguration: { PredefinedMetricSpecification: {} },
        },
      },
      'Out',
      /predefined metric/,
    ],
    ['a redrive policy that is no JSON', { queue: { RedrivePolicy: '{bad' } }, 'Jobs', /'{bad', which is not JSON/],
    ['a size that is no number', { group: { MaxSize: 'many' } }, 'Workers', /MaxSize "many"/],
    ['a maximum below the minimum', { group: { MinSize: 5, MaxSize: 2 } }, 'Workers', /MaxSize 2 below MinSize 5/],
    [
      'workload metadata without a time',
      { metadata: { 'cdk-queue-fleet:workload': {} } },
      'Workers',
      /without a number averageProcessingTimeSeconds/,
    ],
    [
      'a second scaled group',
      {
        resources: {
          Other: { Type: 'AWS::AutoScaling::AutoScalingGroup', Properties: { MaxSize: 1 } },
          P: { Type: 'AWS::AutoScaling::ScalingPolicy', Properties: { AutoScalingGroupName: { Ref: 'Other' } } },
        },
      },
      'template',
      /several Auto Scaling groups \(Workers, Other\): name one with '--group'/,
    ],
  ])('fails when it meets %s', (_, options, logicalId, reason) => {
    expect(() => read(options)).toThrow(TemplateError);
    expect(() => read(options)).toThrow(
      expect.objectContaining({ file: 't.json', logicalId, reason: expect.stringMatching(reason) }),
    );
  });

  test('finds queue and group by names that are made of parameters', () => {
    const name = { 'Fn::Sub': '${AWS::StackName}-jobs' };
    const group = { 'Fn::Join': ['-', ['workers', { Ref: 'AWS::Region' }]] };
    const model = read({
      queue: { QueueName: name },
      group: { AutoScalingGroupName: group },
      policy: { AutoScalingGroupName: group },
      alarm: { Dimensions: [{ Name: 'QueueName', Value: name }] },
      resources: {
        Drained: {
          Type: 'AWS::AutoScaling::LifecycleHook',
          Properties: {
            AutoScalingGroupName: { Ref: 'Workers' },
            LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
          },
        },
      },
    });
    expect(model.consumedQueues).toEqual(['Jobs']);
    expect(model.policies.map((policy) => policy.logicalId)).toEqual(['Out']);
    expect(model.group.hooks.map((hook) => hook.logicalId)).toEqual(['Drained']);
  });

  test('reads a queue whose name comes from another stack', () => {
    expect(read({ queue: { QueueName: { 'Fn::ImportValue': 'Name' } } }).consumedQueues).toEqual(['Jobs']);
  });

  test('reads a queue whose dead-letter queue is of another stack', () => {
    const policy = { deadLetterTargetArn: { 'Fn::ImportValue': 'Failed' }, maxReceiveCount: { Ref: 'AWS::AccountId' } };
    const [, jobs] = read({ queue: { RedrivePolicy: policy } }).queues;
    expect(jobs?.redrive).toEqual({ maxReceiveCount: 123456789012 });
    const text = { 'Fn::Sub': '{"deadLetterTargetArn":"${Failed.Arn}","maxReceiveCount":"4"}' };
    expect(read({ queue: { RedrivePolicy: text } }).queues[1]?.redrive).toEqual({
      deadLetterQueue: 'Failed',
      maxReceiveCount: 4,
    });
  });

  test('tells of a policy that no alarm runs, and of a group without a policy', () => {
    expect(read({ alarm: { AlarmActions: [] } }).ignored).toEqual([
      { logicalId: 'Out', reason: 'no alarm of the template runs this policy' },
    ]);
    expect(read({ alarm: { ActionsEnabled: false } }).ignored).toHaveLength(1);
    const { Failed, Jobs, Workers } = stepTemplate().Resources;
    expect(readScalingModel({ Resources: { Failed, Jobs, Workers } }, { file: 't.json' }).ignored).toEqual([
      { logicalId: 'Workers', reason: expect.stringContaining('its capacity stays as it is') },
    ]);
  });

  test('fails when the template has no queue, or no group', () => {
    const queue = { Type: 'AWS::SQS::Queue' };
    const none = () => readScalingModel({ Resources: { Topic: { Type: 'AWS::SNS::Topic' } } }, { file: 't.json' });
    expect(none).toThrow(
      "t.json: template: has no queue ('AWS::SQS::Queue'): an imported queue is not simulated, synthesize the fleet with a queue of its own for it",
    );
    expect(() => readScalingModel({ Resources: { Jobs: queue } }, { file: 't.json' })).toThrow(
      "t.json: template: has no Auto Scaling group ('AWS::AutoScaling::AutoScalingGroup')",
    );
  });

  test('takes custom metrics that the caller will hand in', () => {
    const custom = { alarm: { Namespace: 'Mine', MetricName: 'Busy', Dimensions: QUEUE_DIMENSIONS } };
    expect(() => read(custom)).toThrow(/watches Mine Busy/);
    const model = readScalingModel(stepTemplate(custom), {
      file: 't.json',
      customMetrics: [{ namespace: 'Mine', metricName: 'Busy' }],
    });
    expect(model.alarms[0]?.metrics[0]?.source).toEqual({ kind: 'custom', namespace: 'Mine', metricName: 'Busy' });
  });
});
