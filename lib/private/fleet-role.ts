import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import type { WeightedQueue } from '../fleet/worker-fleet-props';
import type { WorkerSecret } from '../fleet/worker-secret';
import { takesPolicies } from './given-role';
import { warn } from './grants';
import { managedPolicyGrantee, roleGrantee } from './managed-policy-grantee';
import { ROLE_NOT_EXTENDED } from './warnings';
import { writePolicy } from './written-policy';

/* eslint-disable awscdk/require-passing-this -- `scope` is the construct that calls */

/** Key of the tag by which the role knows its own group. */
export const FLEET_TAG = 'cdk-queue-fleet:fleet';

/** What an instance has to reach. */
export interface WorkerNeeds {
  readonly queues: readonly WeightedQueue[];
  readonly asset: s3assets.Asset;
  readonly logGroup: logs.ILogGroup;
  readonly secrets: readonly WorkerSecret[];
  readonly repository?: ecr.IRepository;
  /** Value of `FLEET_TAG` on the group. */
  readonly fleetTag: string;
}

/** The role of the instances. */
export interface WorkerRole {
  readonly role: iam.IRole;
  /** Attached to the role; a policy of its own, so that what users grant to the role later does not mix with it. */
  readonly policy?: iam.ManagedPolicy;
}

/**
 * The given role or a new one, with exactly what a worker needs.
 *
 * Also on a given role it is a managed policy in the fleet's stack: the role's own policy may be in a stack that this one
 * depends on, and the inline policies of two stacks that import one role can have one name.
 */
export function addWorkerRole(scope: Construct, given: iam.IRole | undefined, needs: WorkerNeeds): WorkerRole {
  const role =
    given ??
    new iam.Role(scope, 'Role', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      description: 'Queue workers',
    });
  if (!takesPolicies(scope, role)) {
    tellNeeds(scope, role, needs);
    return { role };
  }
  const policy = new iam.ManagedPolicy(scope, 'Policy', { description: 'Queue workers', roles: [role] });
  grantWorker(scope, managedPolicyGrantee(role, policy), needs);
  return { role, policy };
}

/** Warns with the policy that the owner of the role has to attach. */
function tellNeeds(scope: Construct, role: iam.IRole, needs: WorkerNeeds): void {
  const document = new iam.PolicyDocument();
  const grantee = roleGrantee(role, (statement) => {
    document.addStatements(statement);
    // Ignored but by CDK's report of precreated roles.
    role.addToPrincipalPolicy(statement);
    return { statementAdded: true, policyDependable: role };
  });
  grantWorker(scope, grantee, needs);
  const arn = writePolicy(scope, role.roleArn).json;
  const { json, note } = writePolicy(scope, document);
  warn(
    scope,
    ROLE_NOT_EXTENDED,
    `The role ${arn} takes no permissions from this app: have its owner attach this policy, about which docs/worker-fleet.md says more\n${json}${note}`,
  );
}

/**
 * Grants exactly what a worker needs.
 *
 * The group is named by a tag, not by its ARN: a policy that refers to the group is made after it, and the first instances
 * would then wait for permissions that wait for them.
 */
function grantWorker(scope: Construct, grantee: iam.IGrantable, needs: WorkerNeeds): void {
  const { queues, asset, logGroup } = needs;
  const stack = Stack.of(scope);
  const allow = (statement: iam.PolicyStatementProps): void => {
    grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement(statement));
  };
  for (const { queue } of queues) {
    queue.addConsumer(grantee);
    if (queue.deadLetterQueue) queue.grantQuarantine(grantee);
  }
  allow({
    sid: 'OwnCode',
    actions: ['s3:GetObject'],
    // Not `asset.grantRead`: that opens every asset of the account.
    resources: [asset.bucket.arnForObjects(asset.s3ObjectKey)],
  });
  allow({
    sid: 'OwnLogs',
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
    resources: [logGroup.logGroupArn],
  });
  allow({
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
    conditions: { StringEquals: { [`aws:ResourceTag/${FLEET_TAG}`]: needs.fleetTag } },
  });
  allow({
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
  });
  for (const secret of needs.secrets) secret.grantRead(grantee);
  needs.repository?.grantPull(grantee);
}
