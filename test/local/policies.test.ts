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
