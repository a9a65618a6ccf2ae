import { Annotations, type ResourceEnvironment } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { POLICY_NOT_APPLIED, type Warning } from './warnings';
import { writePolicy } from './written-policy';

/** Something with a resource policy that may turn out to be out of reach (imported). */
export interface PolicyResource {
  readonly env: ResourceEnvironment;
  /** What the warning calls it, for example `queue arn:…`. */
  readonly description: string;
  /** ARN in the grantee's identity policy. */
  readonly arn: string;
  /** How the resource names itself in its own policy. */
  readonly selfArn: string;
  addToResourcePolicy(statement: iam.PolicyStatement): iam.AddToResourcePolicyResult;
}

/** The resource policy of a queue. */
export function queueResource(queue: sqs.IQueue): PolicyResource {
  return {
    env: queue.env,
    description: 'queue',
    arn: queue.queueArn,
    selfArn: queue.queueArn,
    addToResourcePolicy: (statement) => queue.addToResourcePolicy(statement),
  };
}

/** The policy of a key. */
export function keyResource(key: kms.IKey): PolicyResource {
  return {
    env: key.env,
    description: 'key',
    arn: key.keyArn,
    selfArn: '*',
    addToResourcePolicy: (statement) => ({
      statementAdded: key.addToResourcePolicy(statement, true).statementAdded,
      // The L2 answers with its policy document, which nothing can depend on.
      policyDependable: key,
    }),
  };
}

/**
 * Grants actions to an IAM principal: in its own policy, and in the resource's when it belongs to another account.
 *
 * `iam.Grant` reports success even when the resource's policy took nothing; this one does not.
 */
export function grantToPrincipal(
  scope: Construct,
  resource: PolicyResource,
  grantee: iam.IGrantable,
  actions: readonly string[],
): iam.Grant {
  let refused: iam.PolicyStatement | undefined;
  const grant = iam.Grant.addToPrincipalOrResource({
    grantee,
    actions: [...actions],
    resourceArns: [resource.arn],
    resourceSelfArns: [resource.selfArn],
    resource: {
      env: resource.env,
      addToResourcePolicy: (statement) => {
        const result = resource.addToResourcePolicy(statement);
        if (!result.statementAdded) refused = statement;
        return result;
      },
    },
  });
  return refused === undefined ? grant : dropped(scope, resource, grantee, refused);
}

/** Adds a statement to the resource's policy only: for services, accounts and conditions that no identity policy expresses. */
export function grantInResourcePolicy(
  scope: Construct,
  resource: PolicyResource,
  statement: { principal: iam.IPrincipal; actions: readonly string[]; conditions?: iam.Conditions },
): iam.Grant {
  const policyStatement = new iam.PolicyStatement({
    principals: [statement.principal],
    actions: [...statement.actions],
    resources: [resource.selfArn],
    conditions: statement.conditions,
  });
  const result = resource.addToResourcePolicy(policyStatement);
  if (!result.statementAdded) return dropped(scope, resource, statement.principal, policyStatement);
  return iam.Grant.addStatementToResourcePolicy({
    grantee: statement.principal,
    actions: [...statement.actions],
    resourceArns: [resource.selfArn],
    statement: policyStatement,
    // The statement is already in the policy; this only makes a grant of the result.
    resource: { env: resource.env, addToResourcePolicy: () => result },
  });
}

/** One grant of several that only work together: successful only when each of them is. */
export function together(grantee: iam.IGrantable, grants: ReadonlyArray<iam.Grant | undefined>): iam.Grant {
  const present = grants.filter((grant) => grant !== undefined);
  const failed = present.find((grant) => !grant.success);
  if (failed !== undefined) return failed;
  const [first, ...others] = present;
  if (first === undefined) return iam.Grant.drop(grantee, 'nothing to grant');
  return others.reduce((all, grant) => all.combine(grant), first);
}

function dropped(
  scope: Construct,
  resource: PolicyResource,
  grantee: iam.IGrantable,
  statement: iam.PolicyStatement,
): iam.Grant {
  const arn = writePolicy(scope, resource.arn).json;
  const { json, note } = writePolicy(scope, statement.toStatementJson());
  warn(
    scope,
    POLICY_NOT_APPLIED,
    `The policy of the ${resource.description} ${arn} belongs to someone else: add this statement to it\n${json}${note}`,
  );
  return iam.Grant.drop(grantee, 'the policy of an imported resource');
}

/** Adds a warning of ours to a construct. */
export function warn(scope: Construct, warning: Warning, text: string): void {
  Annotations.of(scope).addWarningV2(`cdk-queue-fleet:${warning.id}`, text);
}
