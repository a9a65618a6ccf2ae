import { measurePolicy } from '../../../lib/private/policy-budget';
import { mergePolicy, type StatementJson } from '../../../lib/private/policy-merge';
import { evaluate, type PolicyDocument, type Principal } from '../../../local/policy-evaluator';
import fc, { runs } from '../../support/properties';

const QUEUE = 'arn:aws:sqs:eu-west-1:111111111111:jobs';
const statement = (more: StatementJson): StatementJson => ({
  Effect: 'Allow',
  Principal: { Service: 's3.amazonaws.com' },
  Action: 'sqs:SendMessage',
  Resource: QUEUE,
  ...more,
});
const from = (...arns: unknown[]): StatementJson =>
  statement({ Condition: { ArnEquals: { 'aws:SourceArn': arns.length === 1 ? arns[0] : arns } } });
const merge = (...statements: StatementJson[]): readonly StatementJson[] =>
  mergePolicy({ Version: '2012-10-17', Statement: statements }).Statement;

describe('mergePolicy', () => {
  test('joins the sources of one service', () => {
    expect(merge(from('a'), from('b'), from('c'))).toEqual([from('a', 'b', 'c')]);
  });

  test('joins intrinsics as well as texts', () => {
    const reference = { 'Fn::GetAtt': ['Bucket', 'Arn'] };
    expect(merge(from(reference), from('b'), from(reference))).toEqual([from(reference, 'b')]);
  });

  test('joins principals of one type', () => {
    const one = statement({ Principal: { AWS: 'a' } });
    expect(merge(one, statement({ Principal: { AWS: 'b' } }))).toEqual([statement({ Principal: { AWS: ['a', 'b'] } })]);
  });

  test('joins until nothing can be joined', () => {
    const [a, b] = ['x', 'y'].map((Action) => ['1', '2'].map((AWS) => statement({ Action, Principal: { AWS } })));
    expect(merge(...(a ?? []), ...(b ?? []))).toEqual([
      statement({ Action: ['x', 'y'], Principal: { AWS: ['1', '2'] } }),
    ]);
  });

  test.each<[string, StatementJson, StatementJson]>([
    ['effects differ', statement({}), statement({ Effect: 'Deny' })],
    ['two lists differ', from('a'), { ...from('b'), Action: 'sqs:GetQueueUrl' }],
    ['one has a condition and the other none', from('a'), statement({})],
    ['operators differ', from('a'), statement({ Condition: { ArnLike: { 'aws:SourceArn': 'a' } } })],
    [
      'the operator is negated, where a longer list matches less',
      statement({ Condition: { StringNotEquals: { k: 'a' } } }),
      statement({ Condition: { StringNotEquals: { k: 'b' } } }),
    ],
    ['they are named', statement({ Sid: 'A' }), statement({ Sid: 'B' })],
    ['types of principal differ', statement({ Principal: { AWS: 'a' } }), statement({ Principal: { Service: 'a' } })],
    [
      'the result would have more than seven actions',
      statement({ Action: ['1', '2', '3', '4', '5'] }),
      statement({ Action: ['6', '7', '8'] }),
    ],
  ])('leaves two statements alone when %s', (_, a, b) => {
    expect(merge(a, b)).toEqual([a, b]);
  });

  test('never changes who may do what, and never makes the policy bigger', () => {
    const subset = (...values: string[]) =>
      fc
        .subarray(values, { minLength: 1 })
        .map((list): string | string[] => (list.length === 1 ? (list[0] ?? '') : list));
    const account = (n: number): string => `arn:aws:iam::${String(n).repeat(12)}:role/Sender`;
    const condition = fc.dictionary(
      fc.constantFrom('StringEquals', 'StringNotEquals', 'StringLike', 'StringEqualsIfExists'),
      fc.dictionary(fc.constantFrom('k', 'l'), subset('v', 'w'), { minKeys: 1 }),
      { maxKeys: 2 },
    );
    const anyStatement = fc.record(
      {
        Effect: fc.constantFrom('Allow', 'Allow', 'Deny'),
        Principal: fc.oneof(
          fc.record({ AWS: subset(account(1), account(2), '*') }),
          fc.record({ Service: subset('s3.amazonaws.com', 'sns.amazonaws.com') }),
        ),
        Action: subset('sqs:SendMessage', 'sqs:ReceiveMessage'),
        Resource: fc.constant(QUEUE),
        Condition: condition,
      },
      { requiredKeys: ['Effect', 'Principal', 'Action', 'Resource'] },
    );
    const principals: Principal[] = [
      { kind: 'aws', arn: account(1) },
      { kind: 'service', service: 's3.amazonaws.com' },
      { kind: 'anonymous' },
    ];
    const contexts = [{}, { k: 'v' }, { k: 'w', l: 'v' }, { k: 'x', l: 'w' }];
    fc.assert(
      fc.property(fc.array(anyStatement, { minLength: 1, maxLength: 7 }), (statements) => {
        const before = { Statement: statements };
        const after = mergePolicy(before);
        expect(measurePolicy(after).statements).toBeLessThanOrEqual(statements.length);
        expect(measurePolicy(after).bytes).toBeLessThanOrEqual(measurePolicy(before).bytes);
        for (const principal of principals) {
          for (const action of ['sqs:SendMessage', 'sqs:ReceiveMessage']) {
            for (const context of contexts) {
              const request = { principal, action, resource: QUEUE, context: context as Record<string, string> };
              const ask = (policy: unknown) => evaluate({ resourcePolicy: policy as PolicyDocument, request }).decision;
              expect(ask(after)).toBe(ask(before));
            }
          }
        }
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('measurePolicy', () => {
  test('counts names that only the deployment knows as short as they can be', () => {
    const join = {
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }, ':root']],
    };
    const policy = { Statement: [statement({ Principal: { AWS: join } })] };
    const text = JSON.stringify({ Statement: [statement({ Principal: { AWS: 'arn:aws:iam::000000000000:root' } })] });
    expect(measurePolicy(policy).bytes).toBe(text.length);
  });

  test('counts statements, principals, conditions and actions', () => {
    expect(
      measurePolicy({
        Statement: [
          statement({ Principal: '*', Action: ['a', 'b', 'c'] }),
          statement({ Principal: { AWS: ['a', 'b'], Service: 'c' }, Condition: { Bool: { k: '1', l: '2' } } }),
        ],
      }),
    ).toMatchObject({ statements: 2, principals: 4, conditions: 2, actionsPerStatement: 3 });
  });
});
