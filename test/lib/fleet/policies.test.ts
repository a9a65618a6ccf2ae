import { App, Stack } from 'aws-cdk-lib';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Asset } from 'aws-cdk-lib/aws-s3-assets';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { join } from 'node:path';
import { Encryption, WorkerCode, WorkerFleet, WorkerSecret, WorkQueue } from '../../../lib';
import { FLEET_TAG } from '../../../lib/private/fleet-role';
import { evaluate, type PolicyDocument } from '../../../local/policy-evaluator';
import { ACCOUNT, DeployedStack, REGION } from '../../support/deployed-stack';

describe('the role of a worker', () => {
  const stack = new Stack(new App(), 'Test');
  const queue = new WorkQueue(stack, 'Jobs');
  const other = new WorkQueue(stack, 'Other');
  const parameter = ssm.StringParameter.fromSecureStringParameterAttributes(stack, 'Parameter', {
    parameterName: '/own',
  });
  const secret = secretsmanager.Secret.fromSecretCompleteArn(
    stack,
    'Secret',
    `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:own-AbCdEf`,
  );
  const fleet = new WorkerFleet(stack, 'Fleet', {
    queue,
    code: WorkerCode.fromModule(join(__dirname, 'fixtures/handler.ts')),
    secrets: { A: WorkerSecret.fromParameter(parameter), B: WorkerSecret.fromSecretsManager(secret, 'password') },
  });
  const deployed = new DeployedStack(stack);
  const worker = deployed.principalOf(fleet.role);
  /** Value of the group's tag, as the deployment gives it. */
  const [ownTag] = (deployed.propertiesOf(fleet.autoScalingGroup)['Tags'] as { Key: string; Value: string }[])
    .filter(({ Key }) => Key === FLEET_TAG)
    .map(({ Value }) => Value);
  const arn = (service: string, resource: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
  const may = (action: string, resource: string, context = {}) => deployed.askArn(resource, worker, action, context);

  test.each(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'])(
    'may %s on its queue and on no other',
    (action) => {
      expect(deployed.ask(queue.queue, worker, action)).toBe('allow');
      expect(deployed.ask(other.queue, worker, action)).toBe('implicitDeny');
    },
  );

  test('may put poison into its own dead-letter queue, and nothing into any other queue', () => {
    const dead = (from: WorkQueue) => from.deadLetterQueue as sqs.IQueue;
    expect(deployed.ask(dead(queue), worker, 'sqs:SendMessage')).toBe('allow');
    expect(deployed.ask(dead(other), worker, 'sqs:SendMessage')).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, worker, 'sqs:SendMessage')).toBe('implicitDeny');
  });

  test('may use the key of its queue and of no other', () => {
    const stack = new Stack(new App(), 'Keys');
    const code = WorkerCode.fromModule(join(__dirname, 'fixtures/handler.ts'));
    const own = new WorkQueue(stack, 'Own', { encryption: Encryption.customerManaged() });
    const foreign = new WorkQueue(stack, 'Foreign', { encryption: Encryption.customerManaged() });
    const { role } = new WorkerFleet(stack, 'Fleet', { queue: own, code });
    const deployed = new DeployedStack(stack);
    const ask = (of: WorkQueue) =>
      of.encryptionKey && deployed.askKey(of.encryptionKey, deployed.principalOf(role), 'kms:Decrypt');
    expect(ask(own)).toBe('allow');
    expect(ask(foreign)).toBe('implicitDeny');
  });

  test('may read its own code and no other object', () => {
    const bucket = `arn:aws:s3:::cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;
    const { assetHash } = fleet.node.findChild('Code') as Asset;
    const object = `${bucket}/${assetHash}.zip`;
    expect(may('s3:GetObject', object)).toBe('allow');
    expect(may('s3:GetObject', `${bucket}/${'0'.repeat(64)}.zip`)).toBe('implicitDeny');
    expect(may('s3:GetObject', 'arn:aws:s3:::videos/1')).toBe('implicitDeny');
    expect(may('s3:PutObject', object)).toBe('implicitDeny');
    expect(may('s3:ListBucket', bucket)).toBe('implicitDeny');
  });

  test.each([
    'CompleteLifecycleAction',
    'RecordLifecycleActionHeartbeat',
    'SetInstanceProtection',
    'SetInstanceHealth',
  ])('may autoscaling:%s in its own group only', (action) => {
    const group = arn('autoscaling', 'autoScalingGroup:1-2-3:autoScalingGroupName/fleet');
    const tag = (value: string) => ({ [`aws:ResourceTag/${FLEET_TAG}`]: value });
    expect(may(`autoscaling:${action}`, group, tag(ownTag ?? ''))).toBe('allow');
    expect(may(`autoscaling:${action}`, group, tag('another'))).toBe('implicitDeny');
    expect(may(`autoscaling:${action}`, group)).toBe('implicitDeny');
  });

  test('may not change how many instances there are', () => {
    const group = arn('autoscaling', 'autoScalingGroup:1-2-3:autoScalingGroupName/fleet');
    const own = { [`aws:ResourceTag/${FLEET_TAG}`]: ownTag ?? '' };
    for (const action of ['SetDesiredCapacity', 'TerminateInstanceInAutoScalingGroup', 'UpdateAutoScalingGroup']) {
      expect([action, may(`autoscaling:${action}`, group, own)]).toEqual([action, 'implicitDeny']);
    }
  });

  test('may read its own secrets and no other', () => {
    expect(may('ssm:GetParameter', arn('ssm', 'parameter/own'))).toBe('allow');
    expect(may('ssm:GetParameter', arn('ssm', 'parameter/other'))).toBe('implicitDeny');
    expect(may('secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:own-AbCdEf'))).toBe('allow');
    expect(may('secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:other-AbCdEf'))).toBe('implicitDeny');
  });

  test('may write to its own log group and be reached by Session Manager, but not read parameters at large', () => {
    expect(may('logs:PutLogEvents', arn('logs', 'log-group:other'))).toBe('implicitDeny');
    expect(may('ssmmessages:OpenDataChannel', '*')).toBe('allow');
    expect(may('ssm:GetParameters', arn('ssm', 'parameter/other'))).toBe('implicitDeny');
    expect(may('ec2:DescribeInstances', '*')).toBe('implicitDeny');
  });
});

test('flow logs may take on their role for this account and no other', () => {
  const stack = new Stack(new App(), 'Flows');
  const fleet = new WorkerFleet(stack, 'Fleet', {
    queue: new WorkQueue(stack, 'Jobs'),
    code: WorkerCode.fromModule(join(__dirname, 'fixtures/handler.ts')),
  });
  const role = new DeployedStack(stack).propertiesOf(fleet.node.findChild('FlowLogsRole'));
  const take = (account: string) =>
    evaluate({
      identityPolicies: [],
      resourcePolicy: role['AssumeRolePolicyDocument'] as PolicyDocument,
      request: {
        principal: { kind: 'service', service: 'vpc-flow-logs.amazonaws.com' },
        action: 'sts:AssumeRole',
        resource: '*',
        context: {
          'aws:SourceAccount': account,
          'aws:SourceArn': `arn:aws:ec2:${REGION}:${account}:vpc-flow-log/fl-1`,
        },
      },
    }).decision;
  expect(take(ACCOUNT)).toBe('allow');
  expect(take('222222222222')).toBe('implicitDeny');
});
