import { Stack, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { grantInResourcePolicy, keyResource, queueResource, together } from '../grants';
import { SEND_KEY_ACTIONS } from '../queue-access';
import { Violations } from '../violations';
import type { ProducerTarget } from './target';

/** Everyone in one account whom that account's own policies let send. */
export function bindAccount(target: ProducerTarget, accountId: string): iam.Grant {
  const violations = new Violations(target.scope);
  if (!Token.isUnresolved(accountId) && !/^\d{12}$/.test(accountId)) {
    violations.add('AccountIdNotValid', `'accountId' (${accountId}) must be 12 digits: check the account`);
  }
  violations.throwIfAny();
  return allowPrincipals(target, new iam.AccountPrincipal(accountId), {}, {});
}

/** Everyone in an AWS organization whom the own account's policies let send. */
export function bindOrganization(target: ProducerTarget, organizationId: string): iam.Grant {
  const violations = new Violations(target.scope);
  if (!Token.isUnresolved(organizationId) && !/^o-[a-z0-9]{10,32}$/.test(organizationId)) {
    violations.add(
      'OrganizationIdNotValid',
      `'organizationId' (${organizationId}) must look like o-a1b2c3d4e5: take it from AWS Organizations`,
    );
  }
  violations.throwIfAny();
  const ofOrganization = { 'aws:PrincipalOrgID': organizationId };
  return allowPrincipals(target, new iam.AnyPrincipal(), ofOrganization, ofOrganization);
}

/** Everyone of the queue's own account who comes through one VPC endpoint. */
export function bindVpcEndpoint(target: ProducerTarget, endpoint: ec2.IVpcEndpoint): iam.Grant {
  const account = Stack.of(target.scope).account;
  return allowPrincipals(
    target,
    new iam.AnyPrincipal(),
    { 'aws:SourceVpce': endpoint.vpcEndpointId, 'aws:PrincipalAccount': account },
    // SQS calls KMS itself, so the key never sees the endpoint.
    { 'kms:CallerAccount': account },
  );
}

function allowPrincipals(
  target: ProducerTarget,
  principal: iam.IPrincipal,
  queueConditions: Readonly<Record<string, string>>,
  keyConditions: Readonly<Record<string, string>>,
): iam.Grant {
  const stack = Stack.of(target.scope);
  const viaQueues = { 'kms:ViaService': `sqs.${stack.region}.${stack.urlSuffix}` };
  return together(principal, [
    grantInResourcePolicy(target.scope, queueResource(target.queue), {
      principal,
      actions: ['sqs:SendMessage', 'sqs:GetQueueUrl'],
      conditions: Object.keys(queueConditions).length === 0 ? undefined : { StringEquals: { ...queueConditions } },
    }),
    target.encryptionKey &&
      grantInResourcePolicy(target.scope, keyResource(target.encryptionKey), {
        principal,
        actions: SEND_KEY_ACTIONS,
        conditions: { StringEquals: { ...keyConditions, ...viaQueues } },
      }),
  ]);
}
