import type { Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Principal } from '../../local/policy-evaluator';
import { codeBlocksIn } from '../support/code-blocks';
import { DeployedStack } from '../support/deployed-stack';
import { runBlock, stackOf } from '../support/run-code-block';
import { VIDEO_WORKLOAD } from '../support/scaled-group';

/** The recipes are run: their stacks are synthesized and have the properties that the text promises. */

jest.setTimeout(60_000);

const RECIPES = join(__dirname, '../../docs/recipes');
const root = process.cwd();
let project: string;

beforeAll(() => {
  // A user's project, with the files that the recipes name.
  project = mkdtempSync(join(tmpdir(), 'queue-fleet-recipes-'));
  for (const file of ['src/handler.ts', 'lambda/index.js']) {
    mkdirSync(join(project, file, '..'), { recursive: true });
    writeFileSync(join(project, file), 'export const handler = async () => {};\n');
  }
  process.chdir(project);
});
afterAll(() => {
  process.chdir(root);
  rmSync(project, { recursive: true });
});

/** The TypeScript blocks of a recipe, in their order. */
function blocksOf(recipe: string): string[] {
  return codeBlocksIn(recipe, readFileSync(join(RECIPES, `${recipe}.md`), 'utf8')).map(({ code }) => code);
}

function block(recipe: string, index: number): string {
  const code = blocksOf(recipe)[index];
  if (code === undefined) throw new Error(`${recipe} has no block ${index}`);
  return code;
}

/** Asks IAM about constructs of a recipe's stack by their paths. */
function deployed(stack: Stack) {
  const all = new DeployedStack(stack);
  const at = (path: string) => {
    const found = stack.node.findAll().find((construct) => construct.node.path === `Recipe/${path}`);
    if (found === undefined) throw new Error(`no ${path}`);
    return found;
  };
  return {
    may: (role: string, action: string, queue: string) => all.ask(at(queue), all.principalOf(at(role)), action),
    mayUse: (role: string, action: string, key: string) =>
      all.askKey(at(key) as Key, all.principalOf(at(role)), action),
    mayDo: (principal: Principal, action: string, queue: string) => all.ask(at(queue), principal, action),
  };
}

describe('recipes', () => {
  test('S3 to FIFO: the function sends, the bucket does not', () => {
    const stack = stackOf(block('s3-to-fifo', 0));
    const template = Template.fromStack(stack);
    template.resourceCountIs('Custom::S3BucketNotifications', 0);
    template.allResourcesProperties('AWS::SQS::Queue', { FifoQueue: true });
    const iam = deployed(stack);
    expect(iam.may('Complete/ServiceRole', 'sqs:SendMessage', 'Orders/Queue')).toBe('allow');
    expect(iam.mayUse('Complete/ServiceRole', 'kms:GenerateDataKey', 'Orders/Key')).toBe('allow');
    expect(iam.may('Complete/ServiceRole', 'sqs:ReceiveMessage', 'Orders/Queue')).toBe('implicitDeny');
  });

  test('S3 to FIFO by events: S3 calls the function, which may send; what it cannot send is kept', () => {
    const stack = stackOf(block('s3-to-fifo', 2));
    const template = Template.fromStack(stack);
    template.hasResourceProperties('Custom::S3BucketNotifications', {
      NotificationConfiguration: { LambdaFunctionConfigurations: [{ Events: ['s3:ObjectCreated:*'] }] },
    });
    template.hasResourceProperties('AWS::Lambda::Function', { DeadLetterConfig: { TargetArn: Match.anyValue() } });
    const iam = deployed(stack);
    expect(iam.may('Forward/ServiceRole', 'sqs:SendMessage', 'Orders/Queue')).toBe('allow');
    for (const queue of ['Orders', 'Unsent']) {
      expect(iam.may('Forward/ServiceRole', 'sqs:SendMessage', `${queue}/Queue`)).toBe('allow');
      expect(iam.mayUse('Forward/ServiceRole', 'kms:GenerateDataKey', `${queue}/Key`)).toBe('allow');
    }
    expect(iam.may('Forward/ServiceRole', 'sqs:ReceiveMessage', 'Orders/Queue')).toBe('implicitDeny');
  });

  test('cross-account: the other account may send, no third one may', () => {
    const iam = deployed(stackOf(block('cross-account-producer', 0)));
    const role = (account: string): Principal => ({ kind: 'aws', arn: `arn:aws:iam::${account}:role/Sender` });
    expect(iam.mayDo(role('111122223333'), 'sqs:SendMessage', 'Jobs/Queue')).toBe('allow');
    expect(iam.mayDo(role('111122223333'), 'sqs:ReceiveMessage', 'Jobs/Queue')).toBe('implicitDeny');
    expect(iam.mayDo(role('222222222222'), 'sqs:SendMessage', 'Jobs/Queue')).toBe('implicitDeny');
    const sender = Template.fromStack(stackOf(block('cross-account-producer', 1)));
    expect(JSON.stringify(sender.findResources('AWS::IAM::Policy'))).toContain('sqs:SendMessage');
  });

  test('SNS fan-out: two raw subscriptions, one with a filter', () => {
    const template = Template.fromStack(stackOf(block('sns-fan-out', 0)));
    template.resourceCountIs('AWS::SNS::Subscription', 2);
    template.allResourcesProperties('AWS::SNS::Subscription', { RawMessageDelivery: true, Protocol: 'sqs' });
    template.hasResourceProperties('AWS::SNS::Subscription', { FilterPolicy: { kind: ['physical'] } });
    template.resourceCountIs('AWS::SQS::Queue', 4);
  });

  test('scale to zero: sleeps, wakes, and warns', () => {
    const stack = stackOf(block('scale-to-zero', 0));
    Template.fromStack(stack).hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      MinSize: '0',
      MaxSize: '4',
    });
    const ids = stack.node.findAll().map(({ node }) => node.id);
    expect(ids).toEqual(expect.arrayContaining(['Wake', 'Idle']));
    Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('scaleToZeroWakesLate'));
    const { reactionSeconds } = VIDEO_WORKLOAD._sizing();
    expect(readFileSync(join(RECIPES, 'scale-to-zero.md'), 'utf8')).toContain(
      `about ${reactionSeconds / 60} minutes by default`,
    );
    Template.fromStack(stackOf(block('scale-to-zero', 1))).hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(30 7 * * ? *)',
    });
  });

  test('on premise: a certificate of that name and authority may consume and quarantine, no more', () => {
    const stack = stackOf(block('on-premise-consumer', 0));
    const iam = deployed(stack);
    expect(iam.may('Worker', 'sqs:ReceiveMessage', 'Jobs/Queue')).toBe('allow');
    expect(iam.mayUse('Worker', 'kms:Decrypt', 'Jobs/Key')).toBe('allow');
    expect(iam.may('Worker', 'sqs:SendMessage', 'Jobs/Queue')).toBe('implicitDeny');
    expect(iam.may('Worker', 'sqs:SendMessage', 'Jobs/DeadLetterQueue')).toBe('allow');
    expect(iam.may('Worker', 'sqs:ReceiveMessage', 'Jobs/DeadLetterQueue')).toBe('implicitDeny');
    const trust = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Role')).flatMap(
      ({ Properties }) => Properties.AssumeRolePolicyDocument.Statement as Array<{ Action: string; Condition: object }>,
    );
    expect(trust.flatMap(({ Action }) => Action)).toEqual([
      'sts:AssumeRole',
      'sts:TagSession',
      'sts:SetSourceIdentity',
    ]);
    for (const { Condition } of trust) {
      expect(Condition).toEqual({
        ArnEquals: { 'aws:SourceArn': expect.anything() },
        StringEquals: { 'aws:PrincipalTag/x509Subject/CN': 'worker' },
      });
    }
  });

  test('redrive: the people on duty may move messages back, not take new ones', () => {
    const iam = deployed(stackOf(block('redrive', 0)));
    expect(iam.may('OnDuty', 'sqs:StartMessageMoveTask', 'Jobs/DeadLetterQueue')).toBe('allow');
    expect(iam.may('OnDuty', 'sqs:SendMessage', 'Jobs/Queue')).toBe('allow');
    expect(iam.mayUse('OnDuty', 'kms:GenerateDataKey', 'Jobs/Key')).toBe('allow');
    expect(iam.mayUse('OnDuty', 'kms:Decrypt', 'Jobs/Key')).toBe('allow');
    expect(iam.may('OnDuty', 'sqs:ReceiveMessage', 'Jobs/Queue')).toBe('implicitDeny');
  });

  test('Lambda: reports what failed, has time, and may quarantine', () => {
    const stack = stackOf(block('handler-on-lambda', 1));
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
    template.hasResourceProperties('AWS::SQS::Queue', { VisibilityTimeout: 360 });
    const iam = deployed(stack);
    expect(iam.may('Worker/ServiceRole', 'sqs:ReceiveMessage', 'Jobs/Queue')).toBe('allow');
    expect(iam.mayUse('Worker/ServiceRole', 'kms:Decrypt', 'Jobs/Key')).toBe('allow');
    expect(iam.mayUse('Worker/ServiceRole', 'kms:GenerateDataKey', 'Jobs/Key')).toBe('allow');
    expect(iam.may('Worker/ServiceRole', 'sqs:SendMessage', 'Jobs/DeadLetterQueue')).toBe('allow');
  });

  test.each([0, 1])('testing a stack: block %d runs', async (index) => {
    await runBlock(block('testing-a-stack', index));
  });

  test('none is left out', () => {
    const own = readFileSync(__filename, 'utf8');
    // The fleet of that page is counted in cost.test.ts.
    const pages = readdirSync(RECIPES).filter((file) => file !== 'cost-of-a-fleet.md');
    const stacks = pages.flatMap((file) => {
      const recipe = file.replace('.md', '');
      return blocksOf(recipe).flatMap((code, index) => (/\bthis\b/.test(code) ? [`block('${recipe}', ${index})`] : []));
    });
    expect(stacks.length).toBeGreaterThan(7);
    expect(stacks.filter((call) => !own.includes(call))).toEqual([]);
  });
});
