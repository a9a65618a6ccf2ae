import { Stack, Token, TokenComparison } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { Violations } from './violations';

/** Refuses a role that cannot be the one of instances: its account at once, whom it trusts when everything has been said. */
export function checkRole(scope: Construct, role: iam.IRole | undefined, violations: Violations): void {
  if (role === undefined) return;
  const { account } = Stack.of(scope);
  if (Token.compareStrings(role.env.account, account) === TokenComparison.DIFFERENT) {
    violations.add(
      'RoleInAnotherAccount',
      `'role' (account ${role.env.account}) must be in the account of its instances (${account}): name a role of that account`,
    );
  }
  // Nobody knows here whom an imported role trusts.
  if (iam.Role.isRole(role)) scope.node.addValidation({ validate: () => checkTrust(scope, role) });
}

function checkTrust(scope: Construct, role: iam.Role): string[] {
  const trust = JSON.stringify(Stack.of(role).resolve(role.assumeRolePolicy));
  // The service is `ec2.amazonaws.com`, or `ec2.` and what the partition of the deployment says.
  if (/"(ec2\.[^"]*|\*)"/.test(trust)) return [];
  const violations = new Violations(scope);
  violations.add(
    'RoleNotForInstances',
    `'role' (${role.node.path}) must trust ec2.amazonaws.com, because instances get no credentials from it otherwise: set 'assumedBy' to that service`,
  );
  violations.throwIfAny();
  return [];
}

/** Whether policies can be attached. A role that was imported as immutable says yes to everything and drops it. */
export function takesPolicies(scope: Construct, role: iam.IRole): boolean {
  if (iam.Role.isRole(role)) return true;
  const probe = new Probe(scope, 'RoleProbe');
  // A LazyRole hands on what it is told only after somebody asked for its name.
  if (role.roleName) role.attachInlinePolicy(probe);
  scope.node.tryRemoveChild(probe.node.id);
  return probe.attached;
}

/** An empty policy that takes note of being attached. CDK leaves empty policies out of the template. */
class Probe extends iam.Policy {
  /** Whether a role took it. */
  public attached = false;

  public override attachToRole(): void {
    this.attached = true;
  }
}
