import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Encryption, Producer, WorkQueue } from '../../../lib';
import { ACCOUNT, REGION } from '../../support/deployed-stack';

describe('an imported queue tells the truth', () => {
  const queueArn = `arn:aws:sqs:${REGION}:${ACCOUNT}:theirs`;
  const keyArn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/theirs`;
  const imported = () =>
    WorkQueue.fromQueue(stack, 'Theirs', {
      queue: sqs.Queue.fromQueueAttributes(stack, 'Queue', { queueArn, keyArn }),
    });

  let stack: Stack;
  beforeEach(() => {
    stack = new Stack(new App(), 'Test', { env: { account: ACCOUNT, region: REGION } });
  });

  test('a service producer fails, and the warning holds the statement to apply', () => {
    const grant = imported().addProducer(
      Producer.topic(sns.Topic.fromTopicArn(stack, 'Topic', `arn:aws:sns:${REGION}:${ACCOUNT}:t`)),
    );
    expect(grant.success).toBe(false);
    const [warning] = Annotations.fromStack(stack).findWarning('/Test/Theirs', Match.stringLikeRegexp(queueArn));
    const text = String(warning?.entry.data);
    expect(text).toContain('[ack: cdk-queue-fleet:policyNotApplied]');
    expect(JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))).toEqual({
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queueArn,
      Condition: {
        ArnEquals: { 'aws:SourceArn': `arn:aws:sns:${REGION}:${ACCOUNT}:t` },
        StringEquals: { 'aws:SourceAccount': ACCOUNT },
      },
    });
    // The key has a warning of its own, although the queue's already failed.
    Annotations.fromStack(stack).hasWarning('/Test/Theirs', Match.stringLikeRegexp(keyArn));
  });

  test('the statement has no intrinsics: its owner may not use CloudFormation', () => {
    const anywhere = new Stack(new App(), 'Anywhere');
    const queue = WorkQueue.fromQueue(anywhere, 'Theirs', {
      queue: sqs.Queue.fromQueueAttributes(anywhere, 'Queue', { queueArn }),
    });
    queue.addProducer(Producer.topic(new sns.Topic(anywhere, 'Uploads')));
    queue.addProducer(Producer.bucket(new s3.Bucket(anywhere, 'Videos')));
    const texts = Annotations.fromStack(anywhere)
      .findWarning('/Anywhere/Theirs', Match.anyValue())
      .map(({ entry }) => String(entry.data));
    expect(texts.join()).not.toMatch(/Fn::|"Ref"|Token/);
    const statements = texts.map(
      (text) => JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as { Condition: object },
    );
    expect(statements.map(({ Condition }) => Condition)).toEqual([
      {
        ArnEquals: { 'aws:SourceArn': '<Ref of Anywhere/Uploads>' },
        StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' },
      },
      {
        ArnEquals: { 'aws:SourceArn': '<Arn of Anywhere/Videos>' },
        StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' },
      },
    ]);
    expect(texts[0]).toContain('Fill in what the deployment decides: <Ref of Anywhere/Uploads>, <AWS::AccountId>');
  });

  test('a role of this account works by its own policy', () => {
    const role = new iam.Role(stack, 'Worker', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });
    expect(imported().addConsumer(role).success).toBe(true);
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
  });

  test('a role of another account fails', () => {
    const foreign = iam.Role.fromRoleArn(stack, 'Foreign', `arn:aws:iam::222222222222:role/Worker`);
    expect(imported().addConsumer(foreign).success).toBe(false);
    Annotations.fromStack(stack).hasWarning('/Test/Theirs', Match.stringLikeRegexp('role/Worker'));
  });

  test('a queue of ours with an imported key is as honest', () => {
    const key = kms.Key.fromKeyArn(stack, 'Key', keyArn);
    const queue = new WorkQueue(stack, 'Jobs', { encryption: Encryption.customerManaged(key) });
    expect(queue.addProducer(Producer.bucket(new s3.Bucket(stack, 'Uploads'))).success).toBe(false);
    Annotations.fromStack(stack).hasWarning('/Test/Jobs', Match.stringLikeRegexp('kms:GenerateDataKey'));
  });
});
