import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { QueueProcessingFargateService } from 'aws-cdk-lib/aws-ecs-patterns';

/** What docs/comparison.md says about others whose code is at hand. The consumers are in test/messaging/peer-defects.test.ts. */
describe('the alternatives', () => {
  test('QueueProcessingService adds tasks by increments, and counts only visible messages', () => {
    const stack = new Stack(new App(), 'Test');
    new QueueProcessingFargateService(stack, 'Service', { image: ecs.ContainerImage.fromRegistry('worker') });
    const template = Template.fromStack(stack);

    const step = (adjustments: object[]) =>
      template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
        StepScalingPolicyConfiguration: Match.objectLike({
          AdjustmentType: 'ChangeInCapacity',
          StepAdjustments: adjustments,
        }),
      });
    step([{ MetricIntervalUpperBound: 0, ScalingAdjustment: -1 }]);
    step([
      { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 400, ScalingAdjustment: 1 },
      { MetricIntervalLowerBound: 400, ScalingAdjustment: 5 },
    ]);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { MetricName: 'ApproximateNumberOfMessagesVisible' });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { Threshold: 100 });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 1, MaxCapacity: 2 });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      TargetTrackingScalingPolicyConfiguration: { TargetValue: 50 },
    });
  });
});
