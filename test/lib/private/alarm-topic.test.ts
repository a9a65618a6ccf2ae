import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { FleetMonitoring, QueueAlarms, WorkQueue } from '../../../lib';
import type { Principal } from '../../../local/policy-evaluator';
import { ACCOUNT, DeployedStack } from '../../support/deployed-stack';
import { plainGroup, VIDEO_WORKLOAD } from '../../support/scaled-group';
import { refusalOf } from '../../support/refusals';

const CLOUDWATCH: Principal = { kind: 'service', service: 'cloudwatch.amazonaws.com' };
const OURS = { 'aws:SourceAccount': ACCOUNT };
const STRANGERS = { 'aws:SourceAccount': '222222222222' };

let stack: Stack;
let queue: WorkQueue;
beforeEach(() => {
  stack = new Stack(new App(), 'Test');
  queue = new WorkQueue(stack, 'Jobs');
});

const publish = (topic: sns.ITopic, context: Record<string, string>): string =>
  new DeployedStack(stack).ask(topic, CLOUDWATCH, 'sns:Publish', context);
const encrypt = (key: kms.IKey | undefined, context: Record<string, string>): string[] =>
  ['kms:GenerateDataKey', 'kms:Decrypt'].map((action) =>
    key === undefined ? 'no key' : new DeployedStack(stack).askKey(key, CLOUDWATCH, action, context),
  );

describe('the topic of alarms', () => {
  test('that QueueAlarms makes takes what CloudWatch publishes for this account, over TLS', () => {
    const { alarmTopic } = new QueueAlarms(stack, 'Alarms', { queue });
    expect(publish(alarmTopic, OURS)).toBe('allow');
    expect(publish(alarmTopic, STRANGERS)).toBe('implicitDeny');
    expect(publish(alarmTopic, { ...OURS, 'aws:SecureTransport': 'false' })).toBe('explicitDeny');
    expect(encrypt(alarmTopic.masterKey, OURS)).toEqual(['allow', 'allow']);
    expect(encrypt(alarmTopic.masterKey, STRANGERS)).toEqual(['implicitDeny', 'implicitDeny']);
  });

  test('that was given with a key and a policy lets CloudWatch in, also when the policy comes after the alarms', () => {
    const { stack: fleetStack, autoScalingGroup, queue: ours } = plainGroup(1, 10);
    stack = fleetStack;
    const masterKey = new kms.Key(stack, 'TopicKey');
    const alarmTopic = new sns.Topic(stack, 'Topic', { masterKey });
    new FleetMonitoring(stack, 'Monitoring', { queue: ours, autoScalingGroup, workload: VIDEO_WORKLOAD, alarmTopic });
    const partner = new iam.AccountPrincipal('333333333333');
    alarmTopic.addToResourcePolicy(
      new iam.PolicyStatement({ principals: [partner], actions: ['sns:Subscribe'], resources: [alarmTopic.topicArn] }),
    );
    expect(publish(alarmTopic, OURS)).toBe('allow');
    expect(publish(alarmTopic, STRANGERS)).toBe('implicitDeny');
    expect(encrypt(masterKey, OURS)).toEqual(['allow', 'allow']);
  });

  test('that many alarms share has each statement once', () => {
    const masterKey = new kms.Key(stack, 'TopicKey');
    const alarmTopic = new sns.Topic(stack, 'Topic', { masterKey, enforceSSL: true });
    for (const id of ['One', 'Two']) new QueueAlarms(stack, id, { queue, alarmTopic });
    const template = JSON.stringify([
      Template.fromStack(stack).findResources('AWS::SNS::TopicPolicy'),
      Template.fromStack(stack).findResources('AWS::KMS::Key'),
    ]);
    expect(template.match(/cloudwatch\.amazonaws\.com/g)).toHaveLength(2);
  });

  test('without a policy keeps the one that SNS gives it', () => {
    new QueueAlarms(stack, 'Alarms', { queue, alarmTopic: new sns.Topic(stack, 'Topic') });
    Template.fromStack(stack).resourceCountIs('AWS::SNS::TopicPolicy', 0);
  });

  test('under the key of someone else warns with the statement that it needs', () => {
    const masterKey = kms.Key.fromKeyArn(stack, 'Theirs', `arn:aws:kms:us-east-1:${ACCOUNT}:key/1234`);
    new QueueAlarms(stack, 'Alarms', { queue, alarmTopic: new sns.Topic(stack, 'Topic', { masterKey }) });
    Annotations.fromStack(stack).hasWarning(
      '/Test/Alarms',
      Match.stringLikeRegexp('key/1234.*belongs to someone else[^]*cloudwatch\\.amazonaws\\.com'),
    );
  });

  test('under the AWS managed key is refused by a fleet as well', () => {
    const error = refusalOf({
      attempt: () => {
        const { stack: fleetStack, autoScalingGroup, queue: ours } = plainGroup(1, 10);
        const masterKey = kms.Alias.fromAliasName(fleetStack, 'Managed', 'alias/aws/sns');
        const alarmTopic = new sns.Topic(fleetStack, 'Topic', { masterKey });
        const workload = VIDEO_WORKLOAD;
        new FleetMonitoring(fleetStack, 'Monitoring', { queue: ours, autoScalingGroup, workload, alarmTopic });
      },
    });
    expect(error.code).toBe('AlarmTopicKeyNotAllowed');
  });
});
