import { App, Aws, Fn, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { writePolicy } from '../../../lib/private/written-policy';

const env = { account: '123456789012', region: 'cn-north-1' };

function written(make: (stack: Stack) => unknown, props: { env?: typeof env } = {}) {
  const stack = new Stack(new App(), 'Test', props);
  const { json, note } = writePolicy(stack, make(stack));
  return { value: JSON.parse(json) as unknown, note };
}

describe('a policy for somebody without CloudFormation', () => {
  test.each<[string, (stack: Stack) => unknown, string, string]>([
    ['text', () => 'sqs:SendMessage', 'sqs:SendMessage', 'sqs:SendMessage'],
    ['an account', () => Aws.ACCOUNT_ID, '<AWS::AccountId>', '123456789012'],
    ['a partition', () => `arn:${Aws.PARTITION}:s3:::b`, 'arn:<AWS::Partition>:s3:::b', 'arn:aws-cn:s3:::b'],
    ['a join', () => Fn.join('/', ['a', Aws.REGION]), 'a/<AWS::Region>', 'a/cn-north-1'],
    ['a substitution', () => Fn.sub('x-${AWS::Region}-${Name}'), 'x-<AWS::Region>-<Name>', 'x-cn-north-1-<Name>'],
    ['an attribute', (stack) => new sqs.Queue(stack, 'Jobs').queueArn, '<Arn of Test/Jobs>', '<Arn of Test/Jobs>'],
    ['an import', () => Fn.importValue('theirs'), '<Fn::ImportValue "theirs">', '<Fn::ImportValue "theirs">'],
  ])('%s', (_, make, anywhere, known) => {
    expect(written(make).value).toBe(anywhere);
    expect(written(make, { env }).value).toBe(known);
  });

  test('says what to fill in, once each', () => {
    const statement = (stack: Stack) => {
      const { queueArn } = new sqs.Queue(stack, 'Jobs');
      return new iam.PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queueArn, `${queueArn}-dead`] });
    };
    const { value, note } = written((stack) => statement(stack).toStatementJson(), { env });
    expect(value).toEqual({
      Action: 'sqs:SendMessage',
      Effect: 'Allow',
      Resource: ['<Arn of Test/Jobs>', '<Arn of Test/Jobs>-dead'],
    });
    expect(note).toContain('Fill in what the deployment decides: <Arn of Test/Jobs> (');
    expect(written(() => env.account).note).toBe('');
  });
});
