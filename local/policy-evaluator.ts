/**
 * Decides what IAM would decide for the policies of a queue, its key and its users.
 *
 * It knows the closed set of elements that our templates use. Anything else throws: a policy that is only half
 * understood must not open or close a queue. Not modelled, because no template of ours has them: permissions
 * boundaries, session policies, service and resource control policies.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */

/** Who asks. */
export type Principal =
  | { readonly kind: 'aws'; readonly arn: string }
  | { readonly kind: 'service'; readonly service: string }
  | { readonly kind: 'anonymous' };

/** What is asked for. */
export interface AccessRequest {
  readonly principal: Principal;
  /** For example `sqs:SendMessage`. */
  readonly action: string;
  /** ARN of one resource. */
  readonly resource: string;
  /** Account of the resource, for ARNs that hold none (buckets). */
  readonly resourceAccount?: string;
  /** Condition keys, for example `aws:SecureTransport`. `aws:PrincipalArn` and `aws:PrincipalAccount` are filled in. */
  readonly context?: Readonly<Record<string, string>>;
}

/** A statement as it stands in a policy document, without intrinsics. */
export type Statement = Readonly<Record<string, unknown>>;

/** A policy document, without intrinsics. */
export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: Statement | readonly Statement[];
}

/** Everything that decides about one request. */
export interface EvaluationInput {
  /** Policies of the principal. */
  readonly identityPolicies?: readonly PolicyDocument[];
  /** Policy of the resource, for example of the queue. */
  readonly resourcePolicy?: PolicyDocument;
  /** Policy of a KMS key, when the resource is one: identity policies count only where this policy names the account. */
  readonly keyPolicy?: PolicyDocument;
  readonly request: AccessRequest;
}

/** What IAM decides, and the statement that decided. */
export interface Evaluation {
  readonly decision: 'allow' | 'explicitDeny' | 'implicitDeny';
  readonly statement?: Statement;
}

/** The policy holds something that this evaluator does not know. */
export class UnsupportedPolicyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnsupportedPolicyError';
  }
}

/** How closely a policy's principal fits: the very one, its whole account, or not at all. */
type Match = 'direct' | 'account' | 'none';

/** Decides one request. */
export function evaluate(input: EvaluationInput): Evaluation {
  const { request } = input;
  const identity = (input.identityPolicies ?? []).flatMap(statementsOf).filter((s) => applies(s, request));
  const ofResource = [input.resourcePolicy, input.keyPolicy]
    .flatMap((policy) => (policy === undefined ? [] : statementsOf(policy)))
    .map((statement) => ({ statement, match: principalMatch(statement, request.principal) }))
    .filter(({ statement, match }) => match !== 'none' && applies(statement, request));

  const denial =
    identity.find((s) => effectOf(s) === 'Deny') ??
    ofResource.find(({ statement }) => effectOf(statement) === 'Deny')?.statement;
  if (denial !== undefined) return { decision: 'explicitDeny', statement: denial };

  const identityAllow = identity.find((s) => effectOf(s) === 'Allow');
  const allows = ofResource.filter(({ statement }) => effectOf(statement) === 'Allow');
  const direct = allows.find(({ match }) => match === 'direct')?.statement;
  const delegated = allows.find(({ match }) => match === 'account')?.statement;

  const allowing = isSameAccount(request)
    ? (direct ?? sameAccountAllow(input, identityAllow, delegated))
    : crossAccountAllow(request.principal, identityAllow, direct ?? delegated);
  return allowing === undefined ? { decision: 'implicitDeny' } : { decision: 'allow', statement: allowing };
}

/** Within one account either policy is enough, but a key listens to identity policies only when its own policy says so. */
function sameAccountAllow(
  input: EvaluationInput,
  identityAllow: Statement | undefined,
  delegated: Statement | undefined,
): Statement | undefined {
  if (input.keyPolicy !== undefined && delegated === undefined) return undefined;
  return identityAllow;
}

/** Across accounts both sides must agree. A service has no policy of its own. */
function crossAccountAllow(
  principal: Principal,
  identityAllow: Statement | undefined,
  resourceAllow: Statement | undefined,
): Statement | undefined {
  if (principal.kind !== 'aws') return resourceAllow;
  return identityAllow === undefined ? undefined : resourceAllow;
}

function isSameAccount(request: AccessRequest): boolean {
  if (request.principal.kind !== 'aws') return false;
  return accountOf(request.principal.arn) === (request.resourceAccount ?? accountOf(request.resource));
}

function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

function statementsOf(policy: PolicyDocument): readonly Statement[] {
  const statements = policy.Statement;
  return (Array.isArray(statements) ? statements : [statements]) as readonly Statement[];
}

const KNOWN_ELEMENTS = new Set([
  'Sid',
  'Effect',
  'Principal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);

/** Whether action, resource and conditions of the statement fit the request. */
function applies(statement: Statement, request: AccessRequest): boolean {
  const unknown = Object.keys(statement).find((element) => !KNOWN_ELEMENTS.has(element));
  if (unknown !== undefined) throw new UnsupportedPolicyError(`statement element '${unknown}' is not supported`);
  return (
    oneOf(statement, 'Action', (pattern) => wildcard(pattern.toLowerCase(), request.action.toLowerCase())) &&
    oneOf(statement, 'Resource', (pattern) => wildcard(pattern, request.resource)) &&
    conditionsHold(statement, request)
  );
}

/** Whether a pattern of `element` fits, or none of `Not<element>` does. A policy of a resource may leave the resource out. */
function oneOf(statement: Statement, element: 'Action' | 'Resource', fits: (pattern: string) => boolean): boolean {
  const negative = statement[`Not${element}`];
  if (negative !== undefined) return !stringsOf(negative).some(fits);
  const positive = statement[element];
  if (positive === undefined && element === 'Action') {
    throw new UnsupportedPolicyError('a statement needs Action or NotAction');
  }
  return positive === undefined || stringsOf(positive).some(fits);
}

function effectOf(statement: Statement): 'Allow' | 'Deny' {
  const effect = statement['Effect'];
  if (effect !== 'Allow' && effect !== 'Deny') throw new UnsupportedPolicyError(`effect '${String(effect)}'`);
  return effect;
}

function principalMatch(statement: Statement, principal: Principal): Match {
  const element = statement['Principal'];
  if (element === '*') return 'direct';
  if (typeof element !== 'object' || element === null) {
    throw new UnsupportedPolicyError('a statement of a resource policy needs Principal');
  }
  const matches = Object.entries(element).map(([type, values]): Match => {
    if (type === 'Service') {
      return principal.kind === 'service' && stringsOf(values).includes(principal.service) ? 'direct' : 'none';
    }
    if (type !== 'AWS') throw new UnsupportedPolicyError(`principal type '${type}' is not supported`);
    const candidates = stringsOf(values);
    if (candidates.includes('*')) return 'direct';
    if (principal.kind !== 'aws') return 'none';
    if (candidates.some((candidate) => identitiesOf(principal.arn).includes(candidate))) return 'direct';
    const account = accountOf(principal.arn);
    return candidates.some((c) => c === account || new RegExp(`^arn:[a-z-]+:iam::${account}:root$`).test(c))
      ? 'account'
      : 'none';
  });
  return matches.includes('direct') ? 'direct' : matches.includes('account') ? 'account' : 'none';
}

/** A session is also its role. */
function identitiesOf(arn: string): readonly string[] {
  const session = /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(arn);
  if (session === null) return [arn];
  return [arn, `arn:${session[1]}:iam::${session[2]}:role/${session[3]}`];
}

function conditionsHold(statement: Statement, request: AccessRequest): boolean {
  const context = contextOf(request);
  return Object.entries((statement['Condition'] ?? {}) as Record<string, Record<string, unknown>>).every(
    ([operator, keys]) =>
      Object.entries(keys).every(([key, values]) =>
        conditionHolds(operator, context.get(key.toLowerCase()), stringsOf(values)),
      ),
  );
}

function contextOf(request: AccessRequest): ReadonlyMap<string, string> {
  const { principal } = request;
  const derived: Record<string, string> =
    principal.kind === 'aws'
      ? {
          'aws:PrincipalArn': identitiesOf(principal.arn).at(-1) ?? principal.arn,
          'aws:PrincipalAccount': accountOf(principal.arn),
        }
      : {};
  const all = { ...derived, ...request.context };
  return new Map(Object.entries(all).map(([key, value]) => [key.toLowerCase(), value]));
}

type Comparison = (pattern: string, value: string) => boolean;

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: (pattern, value) => pattern === value,
  StringEqualsIgnoreCase: (pattern, value) => pattern.toLowerCase() === value.toLowerCase(),
  StringLike: wildcard,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  Bool: (pattern, value) => pattern.toLowerCase() === value.toLowerCase(),
};

const NEGATED: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
};

/** One key of one operator. An absent key fails a positive operator and passes a negated one. */
function conditionHolds(operator: string, value: string | undefined, patterns: readonly string[]): boolean {
  if (operator === 'Null') return patterns.some((pattern) => (pattern === 'true') === (value === undefined));
  const optional = operator.endsWith('IfExists');
  const name = optional ? operator.slice(0, -'IfExists'.length) : operator;
  const negated = NEGATED[name];
  const compare = COMPARISONS[negated ?? name];
  if (compare === undefined) throw new UnsupportedPolicyError(`condition operator '${operator}' is not supported`);
  if (value === undefined) return optional || negated !== undefined;
  const found = patterns.some((pattern) => compare(pattern, value));
  return negated === undefined ? found : !found;
}

/** Compares the six parts of two ARNs one by one, so that a wildcard never reaches over a colon. */
function arnLike(pattern: string, value: string): boolean {
  const [patternParts, valueParts] = [arnParts(pattern), arnParts(value)];
  return (
    patternParts.length === valueParts.length &&
    patternParts.every((part, index) => wildcard(part, valueParts[index] ?? ''))
  );
}

/** The resource is the sixth part, colons included. */
function arnParts(arn: string): readonly string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), ...(parts.length > 5 ? [parts.slice(5).join(':')] : [])];
}

/** `*` is any text, `?` any one character. */
function wildcard(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 's').test(value);
}

function stringsOf(values: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(values) ? values : [values];
  return list.map((value) => {
    if (typeof value === 'boolean' || typeof value === 'number') return String(value);
    if (typeof value !== 'string') throw new UnsupportedPolicyError(`value ${JSON.stringify(value)} is not resolved`);
    if (value.includes('${')) throw new UnsupportedPolicyError(`policy variable in '${value}' is not supported`);
    return value;
  });
}
