import { Match } from 'aws-cdk-lib/assertions';
import { ScalingPolicy } from '../../../lib';
import type { QueueDepthStep } from '../../../lib';
import { scaledGroup } from '../../support/scaled-group';

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
