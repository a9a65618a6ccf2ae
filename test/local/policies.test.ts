import { operatorOf, type Principal } from '../../local/edge/principals';
import { createAuthorizer } from '../../local/policies';

const ACCOUNT = '000000000000';
const QUEUE = `arn:aws:sqs:us-east-1:${ACCOUNT}:work`;
const role = (name: string): Principal => ({
  role: name,
  roleArn: `arn:aws:iam::${ACCOUNT}:role/${name}`,
  session: name,
});
const warned: string[] = [];
const authorize = createAuthorizer(
  {
    resourcePolicies: [
      {
        attachedTo: QUEUE,
        document: { Statement: [{ Effect: 'Deny', Principal: '*', Action: 'sqs:PurgeQueue', Resource: QUEUE }] },
      },
    ],
    identityPolicies: [
      {
        attachedTo: 'Worker',
        document: { Statement: [{ Effect: 'Allow', Action: 'sqs:ReceiveMessage', Resource: QUEUE }] },
      },
    ],
  },
  { account: ACCOUNT },
  (text) => warned.push(text),
);

describe('createAuthorizer', () => {
  test.each([
    ['a role may do what its policy allows', role('Worker'), 'sqs:ReceiveMessage', QUEUE, undefined],
    ['and nothing else', role('Worker'), 'sqs:SendMessage', QUEUE, 'no policy of the template allows it'],
    ['a role without a policy may do nothing', role('Other'), 'sqs:ReceiveMessage', QUEUE, 'no policy of the template'],
    ['nobody is nobody', undefined, 'sqs:ReceiveMessage', QUEUE, 'no policy of the template allows it'],
    ['the operator may do everything', operatorOf(ACCOUNT), 'sqs:SendMessage', QUEUE, undefined],
    ['the operator may list queues and buckets', operatorOf(ACCOUNT), 's3:ListAllMyBuckets', '*', undefined],
    ['the operator may use objects', operatorOf(ACCOUNT), 's3:GetObject', 'arn:aws:s3:::media/a', undefined],
    ['what is denied is denied to the operator too', operatorOf(ACCOUNT), 'sqs:PurgeQueue', QUEUE, 'explicitly'],
    [
      "the run's own administrator is above policies",
      { ...role('x'), role: undefined, roleArn: undefined },
      'sqs:PurgeQueue',
      QUEUE,
      undefined,
    ],
  ])('%s', (_, principal, action, resource, refusal) => {
    const answer = authorize({ principal, action, resource });
    if (refusal === undefined) expect(answer).toBeUndefined();
    else expect(answer).toContain(refusal);
    expect(warned).toEqual([]);
  });
});

describe('the key of a queue', () => {
  const KEY = `arn:aws:kms:us-east-1:${ACCOUNT}:key/k`;
  const allow = (Action: string | string[], Resource: string, more: object = {}) => ({
    Effect: 'Allow',
    Action,
    Resource,
    ...more,
  });
  const delegated = allow('kms:*', '*', { Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } });
  const toS3 = allow(['kms:GenerateDataKey', 'kms:Decrypt'], '*', {
    Principal: { Service: 's3.amazonaws.com' },
    Condition: { StringEquals: { 'aws:SourceAccount': ACCOUNT } },
  });
  const ask = (
    action: string,
    { key, worker, principal = role('Worker') }: { key: object[]; worker: object[]; principal?: Principal | object },
  ): string | undefined =>
    createAuthorizer(
      {
        queues: [{ arn: QUEUE, attributes: { KmsMasterKeyId: KEY } }],
        resourcePolicies: [
          { attachedTo: KEY, document: { Statement: key } },
          {
            attachedTo: QUEUE,
            document: { Statement: [allow('sqs:SendMessage', QUEUE, { Principal: { Service: 's3.amazonaws.com' } })] },
          },
        ],
        identityPolicies: [{ attachedTo: 'Worker', document: { Statement: [allow('sqs:*', QUEUE), ...worker] } }],
      },
      { account: ACCOUNT },
      (text) => warned.push(text),
    )({ principal: principal as Principal, action, resource: QUEUE });
  const s3 = { service: 's3.amazonaws.com', sourceArn: 'arn:aws:s3:::uploads' };

  test.each([
    [
      'a consumer with kms:Decrypt receives',
      'sqs:ReceiveMessage',
      { key: [delegated], worker: [allow('kms:Decrypt', KEY)] },
      undefined,
    ],
    ['a consumer without it does not', 'sqs:ReceiveMessage', { key: [delegated], worker: [] }, 'it needs kms:Decrypt'],
    ['it may delete all the same', 'sqs:DeleteMessage', { key: [delegated], worker: [] }, undefined],
    [
      'a producer needs a data key',
      'sqs:SendMessage',
      { key: [delegated], worker: [allow('kms:Decrypt', KEY)] },
      'it needs kms:GenerateDataKey',
    ],
    [
      'a key that does not listen to its account refuses',
      'sqs:ReceiveMessage',
      { key: [toS3], worker: [allow('kms:Decrypt', KEY)] },
      'it needs kms:Decrypt',
    ],
    [
      'through SQS only: SQS says so',
      'sqs:ReceiveMessage',
      {
        key: [delegated],
        worker: [
          allow('kms:Decrypt', KEY, {
            Condition: { StringEquals: { 'kms:ViaService': 'sqs.us-east-1.amazonaws.com' } },
          }),
        ],
      },
      undefined,
    ],
    [
      'S3 that the key lets in may send',
      'sqs:SendMessage',
      { key: [delegated, toS3], worker: [], principal: s3 },
      undefined,
    ],
    [
      'S3 that it does not may not',
      'sqs:SendMessage',
      { key: [delegated], worker: [], principal: s3 },
      'it needs kms:GenerateDataKey',
    ],
    [
      'the operator may',
      'sqs:SendMessage',
      { key: [delegated], worker: [], principal: operatorOf(ACCOUNT) },
      undefined,
    ],
  ])('%s', (_, action, given, refusal) => {
    const answer = ask(action, given);
    if (refusal === undefined) expect(answer).toBeUndefined();
    else expect(answer).toContain(refusal);
    expect(warned).toEqual([]);
  });
});
