/** The template's own policies, asked for every request. */
import type { LocalAssembly } from './assembly';
import type { AccessRequest, Authorize } from './edge/authorizer';
import { evaluate, UnsupportedPolicyError, type PolicyDocument } from './policy-evaluator';
import type { LocalResources, PolicyResource } from './resource-types';

/**
 * Decides by the policies of the queue or bucket and of the role that signed.
 *
 * The run's own administrator (scenarios, the panel) may do everything. A policy that the evaluator does not understand
 * is told to `warn` once and does not decide.
 */
export function createAuthorizer(
  resources: Pick<LocalResources, 'resourcePolicies' | 'identityPolicies'>,
  assembly: Pick<LocalAssembly, 'account'>,
  warn: (text: string) => void,
): Authorize {
  const ofResource = group(resources.resourcePolicies);
  const ofRole = group(resources.identityPolicies);
  const warned = new Set<string>();
  return (request) => {
    const { principal, resource, action } = request;
    if (principal && 'session' in principal && principal.roleArn === undefined) return undefined;
    const bucketArn = /^arn:[^:]+:s3:::[^/]+/.exec(resource)?.[0];
    const policies = ofResource.get(bucketArn ?? resource) ?? [];
    const identityPolicies = identityPoliciesOf(principal, ofRole);
    try {
      const { decision } = evaluate({
        identityPolicies,
        ...(policies.length > 0 && { resourcePolicy: merge(policies) }),
        request: {
          ...asked(request, assembly.account),
          action,
          resource,
          // A bucket's ARN holds no account, and `*` (operations on no queue in particular) is the account's own.
          ...((bucketArn !== undefined || resource === '*') && { resourceAccount: assembly.account }),
        },
      });
      if (decision === 'allow') return undefined;
      return decision === 'explicitDeny' ? 'a policy denies it explicitly' : 'no policy of the template allows it';
    } catch (error) {
      if (!(error instanceof UnsupportedPolicyError)) throw error;
      if (!warned.has(error.message)) warn(`a policy was not evaluated and does not decide here: ${error.message}`);
      warned.add(error.message);
      return undefined;
    }
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
