import { Aspects, type IAspect, Stack } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct, IConstruct } from 'constructs';
import { grantInResourcePolicy, keyResource } from './grants';
import type { Violations } from './violations';

/* eslint-disable awscdk/require-passing-this -- `scope` is the construct that calls */

const CLOUDWATCH = 'cloudwatch.amazonaws.com';

/** An encrypted topic, closed to plain HTTP. */
export function createAlarmTopic(scope: Construct): sns.Topic {
  const key = new kms.Key(scope, 'Key', {
    description: `Alarms of ${scope.node.path}`,
    enableKeyRotation: true,
  });
  return new sns.Topic(scope, 'Topic', { masterKey: key, enforceSSL: true });
}

/** Refuses a topic that CloudWatch can never publish to: its alarms would vanish, told only by their history. */
export function checkAlarmTopic(violations: Violations, topic: sns.ITopic | undefined): void {
  const key = topic?.masterKey;
  const aliasName = key !== undefined && 'aliasName' in key ? String(key.aliasName) : undefined;
  if (aliasName !== 'alias/aws/sns') return;
  violations.add(
    'AlarmTopicKeyNotAllowed',
    `the key of 'alarmTopic' (${aliasName}) must be a customer managed key, because nobody can let CloudWatch use the AWS managed one: encrypt the topic with a key of your own`,
  );
}

/**
 * What an alarm of `scope` does to tell the topic. Lets CloudWatch publish where something would keep it out: the topic's
 * key, and a policy of the topic, which replaces the one by which SNS lets the own account in.
 */
export function alarmAction(scope: Construct, topic: sns.ITopic): SnsAction {
  const { account } = Stack.of(scope);
  const conditions = { StringEquals: { 'aws:SourceAccount': account } };
  if (topic.masterKey !== undefined) {
    grantInResourcePolicy(scope, keyResource(topic.masterKey), {
      principal: new iam.ServicePrincipal(CLOUDWATCH),
      actions: ['kms:GenerateDataKey*', 'kms:Decrypt'],
      conditions,
    });
  }
  Aspects.of(topic).add(new OpenToAlarms(topic, conditions));
  return new SnsAction(topic);
}

/** Sees the finished topic: a policy may come after the alarms. One that never comes is not made. */
class OpenToAlarms implements IAspect {
  constructor(
    private readonly topic: sns.ITopic,
    private readonly conditions: iam.Conditions,
  ) {}

  public visit(node: IConstruct): void {
    if (node !== this.topic || node.node.tryFindChild('Policy') === undefined) return;
    this.topic.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal(CLOUDWATCH)],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: this.conditions,
      }),
    );
  }
}
