import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { allowVolumes } from '../../../lib/private/volume-key';
import { ACCOUNT, DeployedStack, REGION } from '../../support/deployed-stack';

const AUTO_SCALING = `arn:aws:iam::${ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`;
const USE = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'];

let stack: Stack;
beforeEach(() => {
  stack = new Stack(new App(), 'Test');
});

const statementsOf = (of: Stack): Array<Record<string, unknown>> => {
  const [key] = Object.values(Template.fromStack(of).findResources('AWS::KMS::Key'));
  return key?.['Properties'].KeyPolicy.Statement as Array<Record<string, unknown>>;
};
const warningsOf = (of: Stack): string[] =>
  Annotations.fromStack(of)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => String(entry.data));

describe('a key of the app', () => {
  test('lets Auto Scaling use it, and create grants for resources of AWS', () => {
    allowVolumes(stack, new kms.Key(stack, 'Key'));
    const [, ...added] = statementsOf(stack);
    const arn = ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }];
    const Principal = { AWS: { 'Fn::Join': ['', [...arn, AUTO_SCALING.slice(AUTO_SCALING.indexOf(':role/'))]] } };
    expect(added).toEqual([
      { Effect: 'Allow', Principal, Action: USE, Resource: '*' },
      {
        Effect: 'Allow',
        Principal,
        Action: 'kms:CreateGrant',
        Resource: '*',
        Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
      },
    ]);
    expect(warningsOf(stack)).toEqual([]);
  });

  test('lets nobody else, and Auto Scaling only what it needs', () => {
    const key = new kms.Key(stack, 'Key');
    allowVolumes(stack, key);
    const role = new iam.Role(stack, 'Workers', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });
    const deployed = new DeployedStack(stack);
    const may = (action: string, context = {}, arn = AUTO_SCALING) =>
      deployed.askKey(key, { kind: 'aws', arn }, action, context);
    expect(may('kms:GenerateDataKeyWithoutPlaintext')).toBe('allow');
    expect(may('kms:CreateGrant', { 'kms:GrantIsForAWSResource': 'true' })).toBe('allow');
    expect(may('kms:CreateGrant', { 'kms:GrantIsForAWSResource': 'false' })).toBe('implicitDeny');
    expect(may('kms:ScheduleKeyDeletion')).toBe('implicitDeny');
    expect(may('kms:Decrypt', {}, deployed.arnOf(role))).toBe('implicitDeny');
    expect(may('kms:Decrypt', {}, AUTO_SCALING.replace('AutoScaling', 'Other'))).toBe('implicitDeny');
  });

  test('does so by an alias and from another stack, too', () => {
    const keys = new Stack(stack.node.root as App, 'Keys');
    const key = new kms.Key(keys, 'Key');
    allowVolumes(stack, new kms.Alias(keys, 'Alias', { aliasName: 'volumes', targetKey: key }));
    expect(statementsOf(keys).map(({ Action }) => Action)).toEqual(['kms:*', USE, 'kms:CreateGrant']);
    expect(warningsOf(stack)).toEqual([]);
  });
});

describe('a key of someone else', () => {
  const deployedTo = (account: string) => {
    const into = new Stack(new App(), 'Test', { env: { account, region: REGION } });
    allowVolumes(into, kms.Key.fromKeyArn(into, 'Key', `arn:aws:kms:${REGION}:${ACCOUNT}:key/theirs`));
    return into;
  };

  test('is told by two warnings which statements it needs', () => {
    const texts = warningsOf(deployedTo(ACCOUNT));
    const statements = texts.map((text) => {
      expect(text).toContain('[ack: cdk-queue-fleet:policyNotApplied]');
      return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as Record<string, unknown>;
    });
    expect(statements.map(({ Action }) => Action)).toEqual([USE, 'kms:CreateGrant']);
    expect(statements.map(({ Principal }) => Principal)).toEqual([{ AWS: AUTO_SCALING }, { AWS: AUTO_SCALING }]);
  });

  test('needs a grant when it is in another account', () => {
    const [text = '', ...more] = warningsOf(deployedTo('222222222222'));
    expect(more).toEqual([]);
    expect(text).toContain(`key/theirs`);
    expect(text).toContain('account 222222222222');
    expect(text).toContain('[ack: cdk-queue-fleet:volumeKeyNeedsGrant]');
  });
});
