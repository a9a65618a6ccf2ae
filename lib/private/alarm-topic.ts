import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/* eslint-disable awscdk/require-passing-this -- `scope` is the construct that calls */

/** An encrypted topic that CloudWatch can publish to: with the AWS managed key its alarms would vanish. */
export function createAlarmTopic(scope: Construct): sns.Topic {
  const key = new kms.Key(scope, 'Key', {
    description: `Alarms of ${scope.node.path}`,
    enableKeyRotation: true,
  });
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['kms:GenerateDataKey*', 'kms:Decrypt'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  );
  return new sns.Topic(scope, 'Topic', { masterKey: key, enforceSSL: true });
}
