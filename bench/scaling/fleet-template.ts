/** The fleet of a benchmark cell as a synthesized template: what a user of this library would deploy. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { BacklogScaling, WorkQueue, Workload } from '../../lib';

/** What the stack declares. */
export interface FleetDeclaration {
  readonly averageProcessingTimeSeconds: number;
  readonly p99ProcessingTimeSeconds: number;
  readonly acceptableLatencySeconds: number;
  readonly concurrency: number;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly warmPool: boolean;
}

/** Synthesizes a queue, a drained group and the library's default policy. */
export function fleetTemplate(declaration: FleetDeclaration): object {
  const stack = new Stack(new App(), 'Fleet');
  const workload = new Workload({
    averageProcessingTime: Duration.seconds(declaration.averageProcessingTimeSeconds),
    p99ProcessingTime: Duration.seconds(declaration.p99ProcessingTimeSeconds),
    acceptableLatency: Duration.seconds(declaration.acceptableLatencySeconds),
    concurrency: declaration.concurrency,
    warmPool: declaration.warmPool,
  });
  const group = new autoscaling.AutoScalingGroup(stack, 'Workers', {
    vpc: new ec2.Vpc(stack, 'Vpc'),
    instanceType: new ec2.InstanceType('c7g.large'),
    machineImage: ec2.MachineImage.latestAmazonLinux2023(),
    minCapacity: declaration.minInstances,
    maxCapacity: declaration.maxInstances,
    requireImdsv2: true,
  });
  // What WorkerFleet sets for this workload: clamp(p99 + 60 s, 120 s, 7200 s).
  const heartbeatTimeout = Duration.seconds(
    Math.min(7_200, Math.max(120, Math.ceil(declaration.p99ProcessingTimeSeconds) + 60)),
  );
  group.addLifecycleHook('Drain', {
    lifecycleTransition: autoscaling.LifecycleTransition.INSTANCE_TERMINATING,
    heartbeatTimeout,
  });
  if (declaration.warmPool) group.addWarmPool({ minSize: 0, reuseOnScaleIn: true });
  const queue = new WorkQueue(stack, 'Jobs');
  new BacklogScaling(stack, 'Scaling', { queue, autoScalingGroup: group, workload });
  return Template.fromStack(stack).toJSON() as object;
}
