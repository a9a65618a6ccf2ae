import type * as iam from 'aws-cdk-lib/aws-iam';

/**
 * A role whose own permissions go to a managed policy.
 *
 * A managed policy as grantee cannot stand in the policy of a key or of another account's queue; the role can.
 */
export function managedPolicyGrantee(role: iam.IRole, policy: iam.ManagedPolicy): iam.IGrantable {
  const principal: iam.IPrincipal = {
    get grantPrincipal() {
      return principal;
    },
    assumeRoleAction: role.assumeRoleAction,
    policyFragment: role.policyFragment,
    principalAccount: role.principalAccount,
    addToPrincipalPolicy(statement) {
      policy.addStatements(statement);
      return { statementAdded: true, policyDependable: policy };
    },
  };
  return principal;
}
