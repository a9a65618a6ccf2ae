import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { BacklogScaling, FifoWorkQueue, WorkQueue, Workload } from '../../lib';
import type { BacklogScalingProps, IWorkQueue } from '../../lib';

/** Three minutes of work, ten minutes of acceptable wait, one at a time: Ld = 300 s, u = 1. */
export const VIDEO_WORKLOAD = new Workload({
  averageProcessingTime: Duration.minutes(3),
  p99ProcessingTime: Duration.minutes(12),
  acceptableLatency: Duration.minutes(10),
});

/** A stack with a queue and a plain group, before any scaling. */
export function plainGroup(min: number, max: number, options: { fifo?: boolean; stack?: Stack } = {}) {
  const { fifo = false, stack = new Stack(new App(), 'Test') } = options;
  const vpc = new ec2.Vpc(stack, 'Vpc', { natGateways: 0 });
  const autoScalingGroup = new autoscaling.AutoScalingGroup(stack, 'Group', {
    vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    instanceType: new ec2.InstanceType('t3.small'),
    machineImage: ec2.MachineImage.latestAmazonLinux2023(),
    minCapacity: min,
    maxCapacity: max,
  });
  const queue: IWorkQueue = fifo ? new FifoWorkQueue(stack, 'Queue') : new WorkQueue(stack, 'Queue');
  return { stack, autoScalingGroup, queue };
}

/** A queue and a group with a BacklogScaling between them, and its template. */
export function scaledGroup(
  options: Partial<BacklogScalingProps> & { min?: number; max?: number; fifo?: boolean } = {},
) {
  const { min = 1, max = 10, fifo = false, ...props } = options;
  const { stack, autoScalingGroup, queue } = plainGroup(min, max, { fifo });
  const scaling = new BacklogScaling(stack, 'Scaling', {
    queue,
    autoScalingGroup,
    workload: VIDEO_WORKLOAD,
    ...props,
  });
  return { stack, autoScalingGroup, queue, scaling, template: Template.fromStack(stack) };
}
