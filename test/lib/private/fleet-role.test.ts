import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WorkerCode, WorkerFleet, type WorkerFleetProps, WorkQueue } from '../../../lib';

const EC2 = new iam.ServicePrincipal('ec2.amazonaws.com');

/** Without bundling: what is in the asset does not matter to the role. */
const unbundled = () => new App({ context: { 'aws:cdk:bundling-stacks': [] } });

function addFleet(stack: Stack, props: Partial<WorkerFleetProps> = {}, id = 'Fleet'): WorkerFleet {
  return new WorkerFleet(stack, id, {
    queue: new WorkQueue(stack, `${id}Jobs`),
    code: WorkerCode.command(['true']),
    // A network of its own would bring roles and policies of its own.
    vpc: ec2.Vpc.fromVpcAttributes(stack, `${id}Vpc`, {
      vpcId: 'vpc-1',
      availabilityZones: ['a', 'b'],
      privateSubnetIds: ['subnet-1', 'subnet-2'],
    }),
    ...props,
  });
}

function policiesIn(stack: Stack): Array<{ id: string; Roles: unknown; PolicyDocument: unknown }> {
  return Object.entries(Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy')).map(
    ([id, { Properties }]) => ({
      id,
      Roles: Properties.Roles as unknown,
      PolicyDocument: Properties.PolicyDocument as unknown,
    }),
  );
}

const rolesIn = (stack: Stack): string[] => Object.keys(Template.fromStack(stack).findResources('AWS::IAM::Role'));

/** What a worker gets when the fleet makes its role. */
const OWN = (() => {
  const stack = new Stack(unbundled(), 'App');
  addFleet(stack);
  return policiesIn(stack)[0]?.PolicyDocument as { Statement: ReadonlyArray<{ Sid?: string; Resource: unknown }> };
})();

/** The statements with the number of their resources: in the warning what the template refers to stands by its path. */
const withoutNames = ({ Statement }: typeof OWN): object[] =>
  Statement.map(({ Resource, ...statement }) => ({ ...statement, resources: [Resource].flat().length }));

const warningsOf = (stack: Stack): string[] =>
  Annotations.fromStack(stack)
    .findWarning('*', Match.stringLikeRegexp('roleNotExtended'))
    .map(({ entry }) => String(entry.data));

describe('a given role', () => {
  test('gets what the fleet’s own would get, and the instances get it', () => {
    const stack = new Stack(unbundled(), 'App');
    const role = new iam.Role(stack, 'Workers', { assumedBy: EC2 });
    const fleet = addFleet(stack, { role });
    const ref = { Ref: stack.getLogicalId(role.node.defaultChild as iam.CfnRole) };
    expect(rolesIn(stack)).toEqual([ref.Ref]);
    const [policy, ...more] = policiesIn(stack);
    expect(more).toEqual([]);
    expect(policy).toMatchObject({ Roles: [ref], PolicyDocument: OWN });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::IAM::InstanceProfile', { Roles: [ref] });
    template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
      DependsOn: Match.arrayWith([policy?.id, ref.Ref].sort()),
    });
    expect(fleet.role).toBe(role);
    expect(warningsOf(stack)).toEqual([]);
  });

  test('may be in a stack that knows nothing of the fleet', () => {
    const app = unbundled();
    const platform = new Stack(app, 'Platform');
    const role = new iam.Role(platform, 'Workers', { assumedBy: EC2 });
    const stack = new Stack(app, 'App');
    addFleet(stack, { role });
    app.synth();
    expect(stack.dependencies).toEqual([platform]);
    expect(platform.dependencies).toEqual([]);
    expect(policiesIn(stack)).toHaveLength(1);
    expect(Template.fromStack(platform).findResources('AWS::IAM::Policy')).toEqual({});
  });

  test('may be imported, and shared by two fleets and what users grant', () => {
    const stack = new Stack(unbundled(), 'App');
    const role = iam.Role.fromRoleName(stack, 'Workers', 'workers');
    addFleet(stack, { role }, 'One');
    const two = addFleet(stack, { role }, 'Two');
    new s3.Bucket(stack, 'Bucket').grantRead(two);
    expect(rolesIn(stack)).toEqual([]);
    expect(policiesIn(stack).map(({ Roles }) => Roles)).toEqual([['workers'], ['workers']]);
    const template = Template.fromStack(stack);
    template.allResourcesProperties('AWS::IAM::InstanceProfile', { Roles: ['workers'] });
    template.resourceCountIs('AWS::IAM::Policy', 1);
    template.hasResourceProperties('AWS::IAM::Policy', { Roles: ['workers'] });
    expect(warningsOf(stack)).toEqual([]);
  });

  test('may be one that CDK makes only when it is needed', () => {
    const stack = new Stack(unbundled(), 'App');
    addFleet(stack, { role: new iam.LazyRole(stack, 'Workers', { assumedBy: EC2 }) });
    expect(policiesIn(stack).map(({ Roles }) => Roles)).toEqual([rolesIn(stack).map((Ref) => ({ Ref }))]);
  });
});

describe('a role that takes nothing', () => {
  const immutable: ReadonlyArray<[string, (stack: Stack) => iam.IRole]> = [
    ['imported so', (stack) => iam.Role.fromRoleName(stack, 'Workers', 'workers', { mutable: false })],
    [
      'imported so, with grants to resources',
      (stack) => iam.Role.fromRoleName(stack, 'Workers', 'workers', { mutable: false, addGrantsToResources: true }),
    ],
    ['of the app, wrapped', (stack) => new iam.Role(stack, 'Workers', { assumedBy: EC2 }).withoutPolicyUpdates()],
  ];

  test.each(immutable)('%s: a warning has the whole policy that it needs', (_, roleOf) => {
    const stack = new Stack(unbundled(), 'App');
    const role = roleOf(stack);
    addFleet(stack, { role });
    expect(policiesIn(stack)).toEqual([]);
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::IAM::Policy', 0);
    template.hasResourceProperties('AWS::IAM::InstanceProfile', { Roles: [stack.resolve(role.roleName)] });
    const [text = '', ...more] = warningsOf(stack);
    expect(more).toEqual([]);
    expect(text).toContain('docs/worker-fleet.md');
    const [json = ''] = /\{\n[^]*\n\}/.exec(text) ?? [];
    const parsed = JSON.parse(json) as typeof OWN;
    expect(withoutNames(parsed)).toEqual(withoutNames(OWN));
    expect(json).not.toMatch(/Fn::|"Ref"|Token|\[object|\$\{/);
    expect(json).toContain('"arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:autoScalingGroup:');
    expect(text).toContain('Fill in what the deployment decides: <Arn of App/FleetJobs/Queue>, ');
  });

  test('is in CDK’s report of precreated roles with all that it needs', () => {
    const app = unbundled();
    const stack = new Stack(app, 'App');
    iam.Role.customizeRoles(stack);
    addFleet(stack, { role: iam.Role.fromRoleName(stack, 'Workers', 'workers') });
    const { directory } = app.synth();
    const { roles } = JSON.parse(readFileSync(join(directory, 'iam-policy-report.json'), 'utf8')) as {
      roles: ReadonlyArray<{ roleName: string; identityPolicyStatements: ReadonlyArray<{ Sid?: string }> }>;
    };
    const { identityPolicyStatements = [] } = roles.find(({ roleName }) => roleName === 'workers') ?? {};
    expect(identityPolicyStatements.map(({ Sid }) => Sid)).toEqual(OWN.Statement.map(({ Sid }) => Sid));
  });
});
