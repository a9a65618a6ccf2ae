/** The fleet of a benchmark cell as a synthesized template: what a user of this library would deploy. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { QueueFleet, ScalingPolicy, WorkerCode, Workload } from '../../lib';

/** What the stack declares. */
export interface FleetDeclaration {
  readonly averageProcessingTimeSeconds: number;
  readonly p99ProcessingTimeSeconds: number;
  readonly acceptableLatencySeconds: number;
  readonly concurrency: number;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly warmPool?: boolean;
  /** With the alarm on the workers' own numbers. */
  readonly highResolution?: boolean;
}

/** Synthesizes a `QueueFleet` with its defaults: the drain of three times the p99, its hooks, and the default policy. */
export function fleetTemplate(declaration: FleetDeclaration): object {
  // Without bundling: nothing of the worker's code is in the template.
  const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Fleet');
  const workload = new Workload({
    averageProcessingTime: Duration.seconds(declaration.averageProcessingTimeSeconds),
    p99ProcessingTime: Duration.seconds(declaration.p99ProcessingTimeSeconds),
    acceptableLatency: Duration.seconds(declaration.acceptableLatencySeconds),
    concurrency: declaration.concurrency,
    warmPool: declaration.warmPool ?? false,
  });
  new QueueFleet(stack, 'Jobs', {
    workload,
    code: WorkerCode.command(['true']),
    // The whole group is prepared, as AWS does by default.
    ...(declaration.warmPool && { warmPool: { maxGroupPreparedCapacity: declaration.maxInstances } }),
    minCapacity: declaration.minInstances,
    maxCapacity: declaration.maxInstances,
    ...(declaration.highResolution === true ? { policy: ScalingPolicy.highResolution() } : {}),
  });
  return Template.fromStack(stack).toJSON() as object;
}
