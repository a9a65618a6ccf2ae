import {
  evaluate,
  UnsupportedPolicyError,
  type EvaluationInput,
  type Principal,
  type Statement,
} from '../../local/policy-evaluator';
import fc, { runs } from '../support/properties';

const ACCOUNT = '111111111111';
const OTHER_ACCOUNT = '222222222222';
const QUEUE = `arn:aws:sqs:eu-west-1:${ACCOUNT}:jobs`;
const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const worker: Principal = { kind: 'aws', arn: `arn:aws:iam::${ACCOUNT}:role/Worker` };
const stranger: Principal = { kind: 'aws', arn: `arn:aws:iam::${OTHER_ACCOUNT}:role/Worker` };
const s3: Principal = { kind: 'service', service: 's3.amazonaws.com' };

const allow = (more: Statement): Statement => ({
  Effect: 'Allow',
  Action: 'sqs:SendMessage',
  Resource: QUEUE,
  ...more,
});
const policy = (...statements: Statement[]) => ({ Version: '2012-10-17', Statement: statements });

function decide(input: Omit<EvaluationInput, 'request'>, principal: Principal, more: object = {}): string {
  return evaluate({ ...input, request: { principal, action: 'sqs:SendMessage', resource: QUEUE, ...more } }).decision;
}

describe('within one account', () => {
  test.each([
    ['no policy', {}, 'implicitDeny'],
    ['an identity policy', { identityPolicies: [policy(allow({}))] }, 'allow'],
    [
      'a resource policy that names the role',
      { resourcePolicy: policy(allow({ Principal: { AWS: worker.arn } })) },
      'allow',
    ],
    ['a resource policy that names everyone', { resourcePolicy: policy(allow({ Principal: '*' })) }, 'allow'],
    [
      'a resource policy that names the account',
      { resourcePolicy: policy(allow({ Principal: { AWS: ROOT } })) },
      'implicitDeny',
    ],
    [
      'the account and an identity policy',
      { resourcePolicy: policy(allow({ Principal: { AWS: ROOT } })), identityPolicies: [policy(allow({}))] },
      'allow',
    ],
    [
      'a statement for another role',
      { resourcePolicy: policy(allow({ Principal: { AWS: `${worker.arn}2` } })) },
      'implicitDeny',
    ],
  ])('%s', (_, input, decision) => {
    expect(decide(input, worker)).toBe(decision);
  });

  test('a session is its role', () => {
    const session: Principal = { kind: 'aws', arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Worker/i-1` };
    const resourcePolicy = policy(allow({ Principal: { AWS: worker.arn } }));
    expect(decide({ resourcePolicy }, session)).toBe('allow');
  });
});

describe('across accounts', () => {
  const resourcePolicy = policy(allow({ Principal: { AWS: `arn:aws:iam::${OTHER_ACCOUNT}:root` } }));
  const identityPolicies = [policy(allow({}))];

  test.each([
    ['both sides agree', { resourcePolicy, identityPolicies }, 'allow'],
    ['only the resource agrees', { resourcePolicy }, 'implicitDeny'],
    ['only the identity agrees', { identityPolicies }, 'implicitDeny'],
  ])('%s', (_, input, decision) => {
    expect(decide(input, stranger)).toBe(decision);
  });

  test('an account may be named by its id', () => {
    const byId = policy(allow({ Principal: { AWS: OTHER_ACCOUNT } }));
    expect(decide({ resourcePolicy: byId, identityPolicies }, stranger)).toBe('allow');
  });
});

describe('services and anonymous callers', () => {
  const resourcePolicy = policy(allow({ Principal: { Service: ['s3.amazonaws.com', 'sns.amazonaws.com'] } }));

  test.each([
    ['a named service', s3, 'allow'],
    ['another service', { kind: 'service', service: 'events.amazonaws.com' } as const, 'implicitDeny'],
    ['anonymous', { kind: 'anonymous' } as const, 'implicitDeny'],
    ['a role', worker, 'implicitDeny'],
  ])('%s', (_, principal, decision) => {
    expect(decide({ resourcePolicy }, principal)).toBe(decision);
  });

  test('everyone is everyone', () => {
    expect(decide({ resourcePolicy: policy(allow({ Principal: { AWS: '*' } })) }, { kind: 'anonymous' })).toBe('allow');
  });
});

describe('a KMS key', () => {
  const key = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/1`;
  const identityPolicies = [policy({ Effect: 'Allow', Action: 'kms:Decrypt', Resource: key })];
  const ask = (keyPolicy: ReturnType<typeof policy>, principal = worker): string =>
    evaluate({ identityPolicies, keyPolicy, request: { principal, action: 'kms:Decrypt', resource: key } }).decision;

  test('hears identity policies only where its policy names the account', () => {
    const delegating = policy({ Effect: 'Allow', Principal: { AWS: ROOT }, Action: 'kms:*', Resource: '*' });
    const closed = policy({
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 'kms:*',
      Resource: '*',
    });
    expect(ask(delegating)).toBe('allow');
    expect(ask(closed)).toBe('implicitDeny');
    expect(ask(delegating, stranger)).toBe('implicitDeny');
  });
});

describe('deny', () => {
  const tlsOnly: Statement = {
    Effect: 'Deny',
    Principal: { AWS: '*' },
    Action: 'sqs:*',
    Resource: QUEUE,
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  };

  test('wins over every allow, for services too', () => {
    const resourcePolicy = policy(allow({ Principal: '*' }), tlsOnly);
    for (const principal of [worker, s3, { kind: 'anonymous' } as const]) {
      const plain = { context: { 'aws:SecureTransport': 'false' } };
      const result = evaluate({
        resourcePolicy,
        request: { principal, action: 'sqs:SendMessage', resource: QUEUE, ...plain },
      });
      expect(result).toEqual({ decision: 'explicitDeny', statement: tlsOnly });
      expect(decide({ resourcePolicy }, principal, { context: { 'aws:SecureTransport': 'true' } })).toBe('allow');
    }
  });

  test('of an identity policy wins too', () => {
    const identityPolicies = [policy(allow({}), { Effect: 'Deny', NotAction: 'sqs:ReceiveMessage', Resource: '*' })];
    expect(decide({ identityPolicies }, worker)).toBe('explicitDeny');
  });
});

describe('actions and resources', () => {
  test.each([
    ['sqs:SendMessage', true],
    ['SQS:sendmessage', true],
    ['sqs:Send*', true],
    ['sqs:?endMessage', true],
    ['*', true],
    ['sqs:Send', false],
    ['sqs.SendMessage', false],
  ])('action %s fits: %s', (action, fits) => {
    const identityPolicies = [policy(allow({ Action: ['sqs:GetQueueUrl', action] }))];
    expect(decide({ identityPolicies }, worker)).toBe(fits ? 'allow' : 'implicitDeny');
  });

  test.each([
    [{ NotAction: 'sqs:Receive*' }, 'allow'],
    [{ NotAction: ['sqs:Send*', 'sqs:Receive*'] }, 'implicitDeny'],
  ])('%j', (element, decision) => {
    const statement = { Effect: 'Allow', Resource: QUEUE, ...element };
    expect(decide({ identityPolicies: [policy(statement)] }, worker)).toBe(decision);
  });

  test.each([
    [{ Resource: `${QUEUE}*` }, 'allow'],
    [{ Resource: `arn:aws:sqs:*:${ACCOUNT}:JOBS` }, 'implicitDeny'],
    [{ NotResource: QUEUE, Resource: undefined }, 'implicitDeny'],
    [{ NotResource: `${QUEUE}-other`, Resource: undefined }, 'allow'],
  ])('%j', (element, decision) => {
    expect(decide({ identityPolicies: [policy(allow(element))] }, worker)).toBe(decision);
  });
});

describe('conditions', () => {
  const under = (Condition: object, context: Record<string, string>): string =>
    decide({ resourcePolicy: policy(allow({ Principal: '*', Condition })) }, s3, { context });

  test.each([
    [{ StringEquals: { 'aws:SourceAccount': [ACCOUNT, OTHER_ACCOUNT] } }, { 'AWS:sourceaccount': ACCOUNT }, true],
    [{ StringEquals: { 'aws:SourceAccount': ACCOUNT } }, { 'aws:SourceAccount': OTHER_ACCOUNT }, false],
    [{ StringEquals: { 'aws:SourceAccount': ACCOUNT } }, {}, false],
    [{ StringEqualsIfExists: { 'aws:SourceAccount': ACCOUNT } }, {}, true],
    [{ StringEqualsIgnoreCase: { k: 'ABC' } }, { k: 'abc' }, true],
    [{ StringNotEquals: { 'aws:SourceAccount': ACCOUNT } }, { 'aws:SourceAccount': OTHER_ACCOUNT }, true],
    [{ StringNotEquals: { 'aws:SourceAccount': [OTHER_ACCOUNT, ACCOUNT] } }, { 'aws:SourceAccount': ACCOUNT }, false],
    [{ StringNotEquals: { 'aws:SourceAccount': ACCOUNT } }, {}, true],
    [{ StringLike: { 'aws:PrincipalOrgID': 'o-*' } }, { 'aws:PrincipalOrgID': 'o-abc' }, true],
    [{ StringNotLike: { k: 'a?c' } }, { k: 'abc' }, false],
    [{ ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::up*' } }, { 'aws:SourceArn': 'arn:aws:s3:::uploads' }, true],
    [
      { ArnLike: { 'aws:SourceArn': 'arn:aws:*:topic' } },
      { 'aws:SourceArn': `arn:aws:sns:eu-west-1:${ACCOUNT}:topic` },
      false,
    ],
    [{ ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::uploads' } }, { 'aws:SourceArn': 'arn:aws:s3:::uploads2' }, false],
    [{ ArnNotLike: { 'aws:SourceArn': 'arn:aws:s3:::*' } }, { 'aws:SourceArn': 'arn:aws:s3:::uploads' }, false],
    [{ Bool: { 'aws:SecureTransport': true } }, { 'aws:SecureTransport': 'true' }, true],
    [{ Bool: { 'aws:SecureTransport': 'false' } }, { 'aws:SecureTransport': 'true' }, false],
    [{ Null: { 'aws:SourceVpce': 'true' } }, {}, true],
    [{ Null: { 'aws:SourceVpce': 'false' } }, {}, false],
    [{ Null: { 'aws:SourceVpce': 'false' } }, { 'aws:SourceVpce': 'vpce-1' }, true],
    [{ StringEquals: { a: '1', b: '2' } }, { a: '1' }, false],
    [{ StringEquals: { a: '1' }, Bool: { b: 'true' } }, { a: '1', b: 'true' }, true],
  ])('%j with %j: %s', (condition, context, holds) => {
    expect(under(condition, context as Record<string, string>)).toBe(holds ? 'allow' : 'implicitDeny');
  });

  test('knows the account of the principal', () => {
    const condition = { StringEquals: { 'aws:PrincipalAccount': ACCOUNT } };
    const resourcePolicy = policy(allow({ Principal: '*', Condition: condition }));
    expect(decide({ resourcePolicy }, worker)).toBe('allow');
    expect(decide({ resourcePolicy, identityPolicies: [policy(allow({}))] }, stranger)).toBe('implicitDeny');
    expect(decide({ resourcePolicy }, { kind: 'anonymous' })).toBe('implicitDeny');
  });
});

describe('refuses loudly', () => {
  test.each<[string, Statement]>([
    ['an unknown operator', allow({ Principal: '*', Condition: { 'ForAllValues:StringEquals': { k: 'v' } } })],
    ['an unknown element', allow({ Principal: '*', NotPrincipal: '*' })],
    ['an unknown type of principal', allow({ Principal: { Federated: 'accounts.google.com' } })],
    ['a statement without principal', allow({})],
    ['an unknown effect', allow({ Principal: '*', Effect: 'Maybe' })],
    ['an intrinsic', allow({ Principal: '*', Resource: { 'Fn::GetAtt': ['Queue', 'Arn'] } })],
    ['a policy variable', allow({ Principal: '*', Resource: 'arn:aws:sqs:::${aws:username}' })],
    ['a statement without action', { Effect: 'Allow', Principal: '*', Resource: '*' }],
  ])('%s', (_, statement) => {
    expect(() => decide({ resourcePolicy: policy(statement) }, worker)).toThrow(UnsupportedPolicyError);
  });
});

test('more deny statements never allow more', () => {
  const action = fc.constantFrom('sqs:SendMessage', 'sqs:*', 'sqs:ReceiveMessage', '*');
  const effect = fc.constantFrom('Allow', 'Deny');
  const principal = fc.constantFrom('*', { AWS: worker.arn }, { AWS: ROOT }, { Service: 's3.amazonaws.com' });
  const statement = fc.record({ Effect: effect, Action: action, Principal: principal, Resource: fc.constant('*') });
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 6 }), statement, (statements, extra) => {
      const before = decide({ resourcePolicy: policy(...statements) }, worker);
      const after = decide({ resourcePolicy: policy(...statements, { ...extra, Effect: 'Deny' }) }, worker);
      if (before !== 'allow') expect(after).not.toBe('allow');
      const wider = decide({ resourcePolicy: policy(...statements, { ...extra, Effect: 'Allow' }) }, worker);
      if (before === 'allow') expect(wider).toBe('allow');
      if (before === 'explicitDeny') expect(wider).toBe('explicitDeny');
    }),
    { numRuns: runs(300) },
  );
});
