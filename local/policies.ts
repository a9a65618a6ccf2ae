/** The template's own policies, asked for every request. */
import type { LocalAssembly } from './assembly';
import type { AccessRequest, Authorize } from './edge/authorizer';
import { evaluate, type EvaluationInput, type PolicyDocument, UnsupportedPolicyError } from './policy-evaluator';
import type { LocalResources, PolicyResource, QueueResource } from './resource-types';

/** What the authorizer reads of the template. */
export interface AuthorizerResources extends Pick<LocalResources, 'resourcePolicies' | 'identityPolicies'> {
  /** Queues with their keys; a key that is not in the template is not asked. */
  readonly queues?: readonly Pick<QueueResource, 'arn' | 'attributes'>[];
}

/** What an operation on a queue with a customer's key needs of the key, beside the right on the queue. */
const KEY_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  'sqs:SendMessage': ['kms:GenerateDataKey', 'kms:Decrypt'],
  'sqs:ReceiveMessage': ['kms:Decrypt'],
};

/**
 * Decides by the policies of the queue or bucket, of the role that signed, and of the queue's key.
 *
 * The run's own administrator (scenarios, the panel) may do everything. A policy that the evaluator does not understand
 * is told to `warn` once and does not decide.
 */
export function createAuthorizer(
  resources: AuthorizerResources,
  assembly: Pick<LocalAssembly, 'account'>,
  warn: (text: string) => void,
): Authorize {
  const ofResource = group(resources.resourcePolicies);
  const ofRole = group(resources.identityPolicies);
  const keyOf = new Map(resources.queues?.map(({ arn, attributes }) => [arn, attributes['KmsMasterKeyId'] ?? '']));
  const warned = new Set<string>();
  const judge = (input: EvaluationInput): string | undefined => {
    try {
      const { decision } = evaluate(input);
      if (decision === 'allow') return undefined;
      return decision === 'explicitDeny' ? 'a policy denies it explicitly' : 'no policy of the template allows it';
    } catch (error) {
      if (!(error instanceof UnsupportedPolicyError)) throw error;
      if (!warned.has(error.message)) warn(`a policy was not evaluated and does not decide here: ${error.message}`);
      warned.add(error.message);
      return undefined;
    }
  };
  return (request) => {
    const { principal, resource, action } = request;
    if (principal && 'session' in principal && principal.roleArn === undefined) return undefined;
    const bucketArn = /^arn:[^:]+:s3:::[^/]+/.exec(resource)?.[0];
    const policies = ofResource.get(bucketArn ?? resource) ?? [];
    const identityPolicies = identityPoliciesOf(principal, ofRole);
    const asking = asked(request, assembly.account);
    const refusal = judge({
      identityPolicies,
      ...(policies.length > 0 && { resourcePolicy: merge(policies) }),
      request: {
        ...asking,
        action,
        resource,
        // A bucket's ARN holds no account, and `*` (operations on no queue in particular) is the account's own.
        ...((bucketArn !== undefined || resource === '*') && { resourceAccount: assembly.account }),
      },
    });
    if (refusal !== undefined) return refusal;
    const key = keyOf.get(resource) ?? '';
    const keyPolicies = ofResource.get(key);
    if (!keyPolicies) return undefined;
    const context = { ...asking.context, ...keyContext(resource, assembly.account) };
    for (const keyAction of KEY_ACTIONS[action] ?? []) {
      const request = { ...asking, context, action: keyAction, resource: key };
      const refused = judge({ identityPolicies, keyPolicy: merge(keyPolicies), request });
      if (refused !== undefined) return `it needs ${keyAction} on the queue's key ${key}, and ${refused}`;
    }
    return undefined;
  };
}

/** Condition keys that SQS fills in when it uses a key for its caller. */
function keyContext(queueArn: string, account: string): Readonly<Record<string, string>> {
  return {
    'kms:ViaService': `sqs.${queueArn.split(':')[3] ?? ''}.amazonaws.com`,
    'kms:CallerAccount': account,
    'kms:EncryptionContext:aws:sqs:arn': queueArn,
  };
}

const EVERYTHING: PolicyDocument = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

/** The policies of a role; the root of an account may do what no policy of a resource denies. */
function identityPoliciesOf(
  principal: AccessRequest['principal'],
  ofRole: ReadonlyMap<string, readonly PolicyDocument[]>,
): readonly PolicyDocument[] {
  if (!principal || 'service' in principal) return [];
  if (principal.role === undefined) return principal.roleArn?.endsWith(':root') === true ? [EVERYTHING] : [];
  return ofRole.get(principal.role) ?? [];
}

/** Who asks, with the condition keys that AWS would fill in. */
function asked({ principal }: AccessRequest, account: string) {
  // Requests run over plain HTTP on the loopback interface, and stand for TLS on AWS.
  const context: Record<string, string> = { 'aws:SecureTransport': 'true' };
  if (principal === undefined) return { principal: { kind: 'anonymous' as const }, context };
  if ('service' in principal) {
    return {
      principal: { kind: 'service' as const, service: principal.service },
      context: { ...context, 'aws:SourceArn': principal.sourceArn, 'aws:SourceAccount': account },
    };
  }
  return { principal: { kind: 'aws' as const, arn: principal.roleArn ?? '' }, context };
}

function group(policies: readonly PolicyResource[]): ReadonlyMap<string, readonly PolicyDocument[]> {
  const grouped = new Map<string, PolicyDocument[]>();
  for (const { attachedTo, document } of policies) {
    grouped.set(attachedTo, [...(grouped.get(attachedTo) ?? []), document as unknown as PolicyDocument]);
  }
  return grouped;
}

/** One document of several: a resource has one policy on AWS, whichever template resources wrote it. */
function merge(policies: readonly PolicyDocument[]): PolicyDocument {
  return { Statement: policies.flatMap(({ Statement }) => Statement) };
}
