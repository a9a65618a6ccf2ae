import type { Duration } from 'aws-cdk-lib';
import type { CfnScalingPolicy } from 'aws-cdk-lib/aws-autoscaling';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Violations } from '../violations';
import type { Sizing } from '../../scaling/sizing';

/** What a policy is bound to. */
export interface PolicyContext {
  readonly scope: Construct;
  readonly queues: readonly sqs.IQueue[];
  readonly group: autoscaling.AutoScalingGroup;
  readonly sizing: Sizing;
  readonly min: number;
  readonly max: number;
  /** Messages that a FIFO queue can run at once, if declared. */
  readonly messageGroups?: number;
}

/** What a policy created. */
export interface PolicyResources {
  readonly alarms: cloudwatch.Alarm[];
  readonly targetTracking: CfnScalingPolicy[];
}

/** A policy: first says what is wrong, then creates its resources. */
export interface PolicyBinding {
  readonly validate: (context: PolicyContext, violations: Violations) => void;
  readonly bind: (context: PolicyContext) => PolicyResources;
  /** How often the workers have to publish, for a policy that reads their metrics. */
  readonly metricsInterval?: Duration;
}
