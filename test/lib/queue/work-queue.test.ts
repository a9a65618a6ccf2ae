import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Encryption, Producer, WorkQueue } from '../../../lib';

function newStack(): Stack {
  return new Stack(new App(), 'Test');
}

describe('WorkQueue', () => {
  test('is encrypted, closed to plain HTTP and has its dead-letter queue by default', () => {
    const stack = newStack();
    new WorkQueue(stack, 'Jobs');
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
    template.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: Match.stringLikeRegexp('^Test-Jobs-[0-9a-f]{8}$'),
      VisibilityTimeout: 60,
      MessageRetentionPeriod: 345_600,
      ReceiveMessageWaitTimeSeconds: 20,
      RedrivePolicy: { maxReceiveCount: 3 },
      KmsDataKeyReusePeriodSeconds: 300,
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 1_209_600,
      RedriveAllowPolicy: { redrivePermission: 'byQueue' },
    });
    template.resourceCountIs('AWS::SQS::Queue', 2);
    template.resourceCountIs('AWS::SQS::QueuePolicy', 2);
    template.resourceCountIs('AWS::KMS::Key', 1);
  });

  test('a bucket and the queue that it notifies may share a stack and a key', () => {
    const stack = newStack();
    const key = new kms.Key(stack, 'Key');
    const bucket = new s3.Bucket(stack, 'Uploads', { encryptionKey: key });
    const queue = new WorkQueue(stack, 'Jobs', { encryption: Encryption.customerManaged(key) });
    expect(queue.addProducer(Producer.bucket(bucket, { prefix: 'uploads/' })).success).toBe(true);
    expect(() => Template.fromStack(stack)).not.toThrow();
  });

  test('a consumer gets what it needs and no more', () => {
    const stack = newStack();
    const queue = new WorkQueue(stack, 'Jobs', { visibilityTimeout: Duration.minutes(5) });
    const role = new iam.Role(stack, 'Worker', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });
    queue.addConsumer(role);
    queue.grantQuarantine(role);
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'sqs:SendMessage',
            Resource: { 'Fn::GetAtt': ['JobsDeadLetterQueue8CC426EE', 'Arn'] },
          }),
        ]),
      },
    });
  });
});
