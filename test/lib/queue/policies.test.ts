import { App, Duration, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Principal } from '../../../local/policy-evaluator';
import { Encryption, FifoWorkQueue, Producer, WorkQueue } from '../../../lib';
import { ACCOUNT, DeployedStack, REGION } from '../../support/deployed-stack';

const OTHER = '222222222222';
const stranger: Principal = { kind: 'aws', arn: `arn:aws:iam::${OTHER}:role/Stranger` };
const anonymous: Principal = { kind: 'anonymous' };
const service = (name: string): Principal => ({ kind: 'service', service: `${name}.amazonaws.com` });
const SEND = 'sqs:SendMessage';
const RECEIVE = 'sqs:ReceiveMessage';

let stack: Stack;
beforeEach(() => {
  stack = new Stack(new App(), 'Test');
});

function roleOf(id: string, principal = 'ec2.amazonaws.com'): iam.Role {
  return new iam.Role(stack, id, { assumedBy: new iam.ServicePrincipal(principal) });
}

function keyOf(queue: { encryptionKey?: kms.IKey }): kms.IKey {
  if (queue.encryptionKey === undefined) throw new Error('no key');
  return queue.encryptionKey;
}

function deadLettersOf(queue: { deadLetterQueue?: sqs.IQueue }): sqs.IQueue {
  if (queue.deadLetterQueue === undefined) throw new Error('no dead-letter queue');
  return queue.deadLetterQueue;
}

describe('a consumer', () => {
  test('may receive, delete and decrypt; not send, purge, configure, or touch the dead-letter queue', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    const role = roleOf('Worker');
    expect(queue.addConsumer(role).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const worker = deployed.principalOf(role);

    for (const action of [RECEIVE, 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes']) {
      expect([action, deployed.ask(queue.queue, worker, action)]).toEqual([action, 'allow']);
    }
    for (const action of [SEND, 'sqs:PurgeQueue', 'sqs:SetQueueAttributes', 'sqs:DeleteQueue']) {
      expect([action, deployed.ask(queue.queue, worker, action)]).toEqual([action, 'implicitDeny']);
    }
    expect(deployed.ask(deadLettersOf(queue), worker, RECEIVE)).toBe('implicitDeny');
    expect(deployed.ask(deadLettersOf(queue), worker, SEND)).toBe('implicitDeny');
    expect(deployed.askKey(keyOf(queue), worker, 'kms:Decrypt')).toBe('allow');
    expect(deployed.askKey(keyOf(queue), worker, 'kms:GenerateDataKey')).toBe('implicitDeny');
  });

  test('is refused over plain HTTP, on both queues', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    const role = roleOf('Worker');
    queue.addConsumer(role);
    queue.addDeadLetterConsumer(role);
    const deployed = new DeployedStack(stack);
    const plain = { 'aws:SecureTransport': 'false' };
    expect(deployed.ask(queue.queue, deployed.principalOf(role), RECEIVE, plain)).toBe('explicitDeny');
    expect(deployed.ask(deadLettersOf(queue), deployed.principalOf(role), RECEIVE, plain)).toBe('explicitDeny');
    expect(deployed.ask(deadLettersOf(queue), deployed.principalOf(role), RECEIVE)).toBe('allow');
  });

  test('of another account is named in both policies, and nobody else of that account is', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    const foreign = iam.Role.fromRoleArn(stack, 'Foreign', `arn:aws:iam::${OTHER}:role/Worker`);
    expect(queue.addConsumer(foreign).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const worker: Principal = { kind: 'aws', arn: `arn:aws:iam::${OTHER}:role/Worker` };
    expect(deployed.ask(queue.queue, worker, RECEIVE)).toBe('allow');
    expect(deployed.askKey(keyOf(queue), worker, 'kms:Decrypt')).toBe('allow');
    expect(deployed.ask(queue.queue, worker, SEND)).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, stranger, RECEIVE)).toBe('implicitDeny');
    expect(deployed.askKey(keyOf(queue), stranger, 'kms:Decrypt')).toBe('implicitDeny');
  });

  test('on premise takes a role of IAM Roles Anywhere', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    const role = roleOf('OnPremise', 'rolesanywhere.amazonaws.com');
    expect(queue.addConsumer(role).success).toBe(true);
    const deployed = new DeployedStack(stack);
    expect(deployed.ask(queue.queue, deployed.principalOf(role), RECEIVE)).toBe('allow');
  });

  test('with quarantine may send to the dead-letter queue, not receive from it', () => {
    const queue = new FifoWorkQueue(stack, 'Jobs');
    const role = roleOf('Worker');
    queue.addConsumer(role);
    expect(queue.grantQuarantine(role).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const worker = deployed.principalOf(role);
    expect(deployed.ask(deadLettersOf(queue), worker, SEND)).toBe('allow');
    expect(deployed.ask(deadLettersOf(queue), worker, RECEIVE)).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, worker, SEND)).toBe('implicitDeny');
    expect(deployed.askKey(keyOf(queue), worker, 'kms:GenerateDataKey')).toBe('allow');
  });

  test('of the dead-letter queue may decrypt with the key of the source queue', () => {
    const deadLetterKey = new kms.Key(stack, 'DeadKey');
    const deadLetterQueue = new sqs.Queue(stack, 'Dead', {
      encryptionMasterKey: deadLetterKey,
      retentionPeriod: Duration.days(14),
    });
    const queue = new WorkQueue(stack, 'Jobs', { deadLetterQueue });
    const role = roleOf('Analyst');
    expect(queue.addDeadLetterConsumer(role).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const analyst = deployed.principalOf(role);
    expect(deployed.ask(deadLetterQueue, analyst, RECEIVE)).toBe('allow');
    expect(deployed.askKey(deadLetterKey, analyst, 'kms:Decrypt')).toBe('allow');
    expect(deployed.askKey(keyOf(queue), analyst, 'kms:Decrypt')).toBe('allow');
    expect(deployed.ask(queue.queue, analyst, RECEIVE)).toBe('implicitDeny');
  });

  test('an operator may move messages back, not receive new ones', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    const role = roleOf('Operator');
    expect(queue.grantRedrive(role).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const operator = deployed.principalOf(role);
    for (const action of [
      'sqs:StartMessageMoveTask',
      'sqs:ListMessageMoveTasks',
      'sqs:CancelMessageMoveTask',
      'sqs:ListDeadLetterSourceQueues',
      RECEIVE,
    ]) {
      expect([action, deployed.ask(deadLettersOf(queue), operator, action)]).toEqual([action, 'allow']);
    }
    expect(deployed.ask(queue.queue, operator, SEND)).toBe('allow');
    expect(deployed.ask(queue.queue, operator, 'sqs:GetQueueAttributes')).toBe('allow');
    expect(deployed.ask(queue.queue, operator, RECEIVE)).toBe('implicitDeny');
    expect(deployed.askKey(keyOf(queue), operator, 'kms:GenerateDataKey')).toBe('allow');
  });
});

describe('Producer.bucket', () => {
  test('this bucket of this account only, and only S3', () => {
    const bucket = new s3.Bucket(stack, 'Uploads');
    const queue = new WorkQueue(stack, 'Jobs');
    expect(queue.addProducer(Producer.bucket(bucket)).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const arn = deployed.arnOf(bucket);
    const ask = (principal: Principal, context: Record<string, string>) => [
      deployed.ask(queue.queue, principal, SEND, context),
      deployed.askKey(keyOf(queue), principal, 'kms:GenerateDataKey', context),
    ];
    const s3Service = service('s3');

    expect(ask(s3Service, { 'aws:SourceArn': arn, 'aws:SourceAccount': ACCOUNT })).toEqual(['allow', 'allow']);
    // A bucket of the same name in another account, after the owner deleted this one.
    expect(ask(s3Service, { 'aws:SourceArn': arn, 'aws:SourceAccount': OTHER })).toEqual([
      'implicitDeny',
      'implicitDeny',
    ]);
    expect(ask(s3Service, { 'aws:SourceArn': `${arn}2`, 'aws:SourceAccount': ACCOUNT })[0]).toBe('implicitDeny');
    expect(ask(s3Service, {})).toEqual(['implicitDeny', 'implicitDeny']);
    expect(ask(service('sns'), { 'aws:SourceArn': arn, 'aws:SourceAccount': ACCOUNT })[0]).toBe('implicitDeny');
    expect(ask(anonymous, { 'aws:SourceArn': arn, 'aws:SourceAccount': ACCOUNT })[0]).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, s3Service, RECEIVE, { 'aws:SourceArn': arn, 'aws:SourceAccount': ACCOUNT })).toBe(
      'implicitDeny',
    );
  });

  test('two buckets share one statement, and each only that', () => {
    const buckets = ['One', 'Two', 'Three'].map((id) => new s3.Bucket(stack, id));
    const queue = new WorkQueue(stack, 'Jobs');
    for (const bucket of buckets) queue.addProducer(Producer.bucket(bucket));
    const deployed = new DeployedStack(stack);
    for (const bucket of buckets) {
      const context = { 'aws:SourceArn': deployed.arnOf(bucket), 'aws:SourceAccount': ACCOUNT };
      expect(deployed.ask(queue.queue, service('s3'), SEND, context)).toBe('allow');
    }
    const policy = stack.resolve(
      (queue.queue.node.findChild('Policy').node.defaultChild as sqs.CfnQueuePolicy).policyDocument,
    );
    expect(policy.Statement).toHaveLength(2);
  });
});

describe('Producer.topic', () => {
  test('this topic only', () => {
    const topic = new sns.Topic(stack, 'Topic');
    const queue = new WorkQueue(stack, 'Jobs');
    expect(queue.addProducer(Producer.topic(topic)).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const context = { 'aws:SourceArn': deployed.arnOf(topic), 'aws:SourceAccount': ACCOUNT };
    expect(deployed.ask(queue.queue, service('sns'), SEND, context)).toBe('allow');
    expect(deployed.askKey(keyOf(queue), service('sns'), 'kms:GenerateDataKey', context)).toBe('allow');
    const other = { ...context, 'aws:SourceArn': `${context['aws:SourceArn']}2` };
    expect(deployed.ask(queue.queue, service('sns'), SEND, other)).toBe('implicitDeny');
    const foreign = { ...context, 'aws:SourceAccount': OTHER };
    expect(deployed.askKey(keyOf(queue), service('sns'), 'kms:GenerateDataKey', foreign)).toBe('implicitDeny');
  });

  test('may be encrypted with the queue’s own key', () => {
    const key = new kms.Key(stack, 'Key');
    const topic = new sns.Topic(stack, 'Topic', { masterKey: key });
    new WorkQueue(stack, 'Jobs', { encryption: Encryption.customerManaged(key) }).addProducer(Producer.topic(topic));
    expect(() => new DeployedStack(stack)).not.toThrow();
  });
});

describe('Producer.rule', () => {
  test('this rule only, on the queue and on its own dead-letter queue with its key', () => {
    const rule = new events.Rule(stack, 'Rule', { schedule: events.Schedule.rate(Duration.hours(1)) });
    const undeliverableKey = new kms.Key(stack, 'UndeliverableKey');
    const deadLetterQueue = new sqs.Queue(stack, 'Undeliverable', { encryptionMasterKey: undeliverableKey });
    const queue = new WorkQueue(stack, 'Jobs');
    expect(queue.addProducer(Producer.rule(rule, { deadLetterQueue })).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const context = { 'aws:SourceArn': deployed.arnOf(rule), 'aws:SourceAccount': ACCOUNT };
    const other = { ...context, 'aws:SourceArn': `${context['aws:SourceArn']}2` };
    for (const target of [queue.queue, deadLetterQueue]) {
      expect(deployed.ask(target, service('events'), SEND, context)).toBe('allow');
      expect(deployed.ask(target, service('events'), SEND, other)).toBe('implicitDeny');
    }
    for (const key of [keyOf(queue), undeliverableKey]) {
      expect(deployed.askKey(key, service('events'), 'kms:GenerateDataKey', context)).toBe('allow');
      expect(deployed.askKey(key, service('events'), 'kms:GenerateDataKey', { 'aws:SourceAccount': OTHER })).toBe(
        'implicitDeny',
      );
    }
  });
});

describe('Producer.schedule', () => {
  test('its role may send and nothing else', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    const grant = queue.addProducer(
      Producer.schedule('Nightly', { schedule: scheduler.ScheduleExpression.rate(Duration.days(1)) }),
    );
    expect(grant.success).toBe(true);
    const deployed = new DeployedStack(stack);
    const role = deployed.principalOf(queue.node.findChild('NightlyRole'));
    expect(deployed.ask(queue.queue, role, SEND)).toBe('allow');
    expect(deployed.ask(queue.queue, role, RECEIVE)).toBe('implicitDeny');
    expect(deployed.askKey(keyOf(queue), role, 'kms:GenerateDataKey')).toBe('allow');
    expect(deployed.ask(queue.queue, service('scheduler'), SEND)).toBe('implicitDeny');
  });

  test('does not fire before its role may send, and only the scheduler of this account may be it', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    queue.addProducer(Producer.schedule('Nightly', { schedule: scheduler.ScheduleExpression.rate(Duration.days(1)) }));
    const template = Template.fromStack(stack);
    const [schedule] = Object.values(template.findResources('AWS::Scheduler::Schedule'));
    const [policy = ''] = Object.keys(template.findResources('AWS::IAM::ManagedPolicy'));
    expect(policy).toMatch(/^JobsNightlyPolicy/);
    expect((schedule as { DependsOn?: string[] }).DependsOn).toEqual(expect.arrayContaining([policy]));
    // What the role may do is in a managed policy: compliance packs refuse inline ones.
    template.resourceCountIs('AWS::IAM::Policy', 0);
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: Match.objectLike({
        Statement: [
          Match.objectLike({
            Principal: { Service: 'scheduler.amazonaws.com' },
            Condition: {
              StringEquals: Match.objectLike({ 'aws:SourceAccount': stack.resolve(stack.account) as unknown }),
            },
          }),
        ],
      }),
    });
  });
});

describe('Producer.schedule to a queue of another account', () => {
  test('names its role, which alone can stand in the policy of that queue', () => {
    const own = new Stack(new App(), 'Own', { env: { account: ACCOUNT, region: REGION } });
    const queue = WorkQueue.fromQueue(own, 'Jobs', {
      queue: sqs.Queue.fromQueueArn(own, 'Imported', `arn:aws:sqs:${REGION}:${OTHER}:jobs`),
    });
    const schedule = scheduler.ScheduleExpression.rate(Duration.days(1));
    expect(queue.addProducer(Producer.schedule('Nightly', { schedule })).success).toBe(false);
    Annotations.fromStack(own).hasWarning(
      '/Own/Jobs',
      Match.stringLikeRegexp('"Principal"[^]*<Arn of Own/Jobs/NightlyRole>'),
    );
  });
});

describe('Producer.role, .account, .organization and .vpcEndpoint', () => {
  test('a role may send and nothing else', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    const role = roleOf('Sender');
    expect(queue.addProducer(Producer.role(role)).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const sender = deployed.principalOf(role);
    expect(deployed.ask(queue.queue, sender, SEND)).toBe('allow');
    expect(deployed.ask(queue.queue, sender, RECEIVE)).toBe('implicitDeny');
    expect(deployed.askKey(keyOf(queue), sender, 'kms:GenerateDataKey')).toBe('allow');
    expect(deployed.askKey(keyOf(queue), sender, 'kms:Encrypt')).toBe('implicitDeny');
  });

  test('an account, and no other', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    expect(queue.addProducer(Producer.account(OTHER)).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const third: Principal = { kind: 'aws', arn: 'arn:aws:iam::333333333333:role/Stranger' };
    expect(deployed.ask(queue.queue, stranger, SEND)).toBe('allow');
    expect(deployed.askKey(keyOf(queue), stranger, 'kms:GenerateDataKey')).toBe('allow');
    expect(
      deployed.askKey(keyOf(queue), stranger, 'kms:GenerateDataKey', {
        'kms:ViaService': 's3.us-east-1.amazonaws.com',
      }),
    ).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, stranger, RECEIVE)).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, third, SEND)).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, anonymous, SEND)).toBe('implicitDeny');
  });

  test('an organization, and no other', () => {
    const queue = new WorkQueue(stack, 'Jobs');
    expect(queue.addProducer(Producer.organization('o-a1b2c3d4e5')).success).toBe(true);
    const deployed = new DeployedStack(stack);
    const inside = { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' };
    const outside = { 'aws:PrincipalOrgID': 'o-zzzzzzzzzz' };
    expect(deployed.ask(queue.queue, stranger, SEND, inside)).toBe('allow');
    expect(deployed.askKey(keyOf(queue), stranger, 'kms:GenerateDataKey', inside)).toBe('allow');
    for (const context of [outside, {}]) {
      expect(deployed.ask(queue.queue, stranger, SEND, context)).toBe('implicitDeny');
      expect(deployed.askKey(keyOf(queue), stranger, 'kms:GenerateDataKey', context)).toBe('implicitDeny');
    }
    expect(deployed.ask(queue.queue, anonymous, SEND)).toBe('implicitDeny');
  });

  test('a VPC endpoint, for the own account only', () => {
    const endpoint = ec2.InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(stack, 'Endpoint', {
      vpcEndpointId: 'vpce-1',
      port: 443,
    });
    const queue = new WorkQueue(stack, 'Jobs');
    expect(queue.addProducer(Producer.vpcEndpoint(endpoint)).success).toBe(true);
    const role = roleOf('Instance');
    const deployed = new DeployedStack(stack);
    const instance = deployed.principalOf(role);
    expect(deployed.ask(queue.queue, instance, SEND, { 'aws:SourceVpce': 'vpce-1' })).toBe('allow');
    expect(deployed.askKey(keyOf(queue), instance, 'kms:GenerateDataKey')).toBe('allow');
    expect(deployed.ask(queue.queue, instance, SEND, { 'aws:SourceVpce': 'vpce-2' })).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, instance, SEND)).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, stranger, SEND, { 'aws:SourceVpce': 'vpce-1' })).toBe('implicitDeny');
    expect(deployed.ask(queue.queue, anonymous, SEND, { 'aws:SourceVpce': 'vpce-1' })).toBe('implicitDeny');
  });
});

test('a bucket of another stack notifies without a cycle of stacks', () => {
  const app = new App();
  const storage = new Stack(app, 'Storage');
  const work = new Stack(app, 'Work');
  const bucket = new s3.Bucket(storage, 'Uploads');
  const queue = new WorkQueue(work, 'Jobs');
  queue.addProducer(Producer.bucket(bucket));
  expect(() => app.synth()).not.toThrow();
  expect(storage.dependencies).toEqual([]);
});
