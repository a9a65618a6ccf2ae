import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3assets from 'aws-cdk-lib/aws-s3-assets';
import type { WeightedQueue } from '../fleet/worker-fleet-props';
import type { WorkerSecret } from '../fleet/worker-secret';
import { managedPolicyGrantee } from './managed-policy-grantee';

/** Key of the tag by which the role knows its own group. */
export const FLEET_TAG = 'cdk-queue-fleet:fleet';

/** What an instance may do. */
export interface RoleInput {
  /** Stands in the policies of keys and of other accounts' queues. */
  readonly role: iam.IRole;
  /** Attached to the role; a policy of its own, so that what users grant to the role later does not mix with it. */
  readonly policy: iam.ManagedPolicy;
  readonly queues: readonly WeightedQueue[];
  readonly asset: s3assets.Asset;
  readonly logGroup: logs.ILogGroup;
  readonly secrets: readonly WorkerSecret[];
  readonly repository?: ecr.IRepository;
  /** Value of `FLEET_TAG` on the group. */
  readonly fleetTag: string;
}

/**
 * Grants exactly what a worker needs.
 *
 * The group is named by a tag, not by its ARN: a policy that refers to the group is made after it, and the first instances
 * would then wait for permissions that wait for them.
 */
export function grantWorker(input: RoleInput): void {
  const { policy, queues, asset, logGroup } = input;
  const stack = Stack.of(policy);
  const grantee = managedPolicyGrantee(input.role, policy);
  for (const { queue } of queues) {
    queue.addConsumer(grantee);
    if (queue.deadLetterQueue) queue.grantQuarantine(grantee);
  }
  policy.addStatements(
    new iam.PolicyStatement({
      sid: 'OwnCode',
      actions: ['s3:GetObject'],
      // Not `asset.grantRead`: that opens every asset of the account.
      resources: [asset.bucket.arnForObjects(asset.s3ObjectKey)],
    }),
  );
  policy.addStatements(
    new iam.PolicyStatement({
      sid: 'OwnLogs',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
      resources: [logGroup.logGroupArn],
    }),
  );
  policy.addStatements(
    new iam.PolicyStatement({
      sid: 'OwnLifeCycle',
      actions: [
        'autoscaling:CompleteLifecycleAction',
        'autoscaling:RecordLifecycleActionHeartbeat',
        'autoscaling:SetInstanceHealth',
        'autoscaling:SetInstanceProtection',
      ],
      resources: [
        stack.formatArn({
          service: 'autoscaling',
          resource: 'autoScalingGroup',
          resourceName: '*:autoScalingGroupName/*',
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      conditions: { StringEquals: { [`aws:ResourceTag/${FLEET_TAG}`]: input.fleetTag } },
    }),
  );
  policy.addStatements(
    new iam.PolicyStatement({
      sid: 'SessionManager',
      // What an agent needs for sessions, without the managed policy's right to read every parameter of the account.
      // None of these actions knows a resource that could be named.
      actions: [
        'ssm:UpdateInstanceInformation',
        'ssmmessages:CreateControlChannel',
        'ssmmessages:CreateDataChannel',
        'ssmmessages:OpenControlChannel',
        'ssmmessages:OpenDataChannel',
      ],
      resources: ['*'],
    }),
  );
  for (const secret of input.secrets) secret.grantRead(grantee);
  input.repository?.grantPull(grantee);
}
