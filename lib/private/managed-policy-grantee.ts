import type * as iam from 'aws-cdk-lib/aws-iam';

/**
 * A role whose own permissions go to a managed policy.
 *
 * A managed policy as grantee cannot stand in the policy of a key or of another account's queue; the role can.
 */
export function managedPolicyGrantee(role: iam.IRole, policy: iam.ManagedPolicy): iam.IGrantable {
  return roleGrantee(role, (statement) => {
    policy.addStatements(statement);
    return { statementAdded: true, policyDependable: policy };
  });
}

/** A role whose own permissions go wherever `addToPrincipalPolicy` puts them. */
export function roleGrantee(
  role: iam.IRole,
  addToPrincipalPolicy: (statement: iam.PolicyStatement) => iam.AddToPrincipalPolicyResult,
): iam.IGrantable {
  const principal: iam.IPrincipal = {
    get grantPrincipal() {
      return principal;
    },
    assumeRoleAction: role.assumeRoleAction,
    policyFragment: role.policyFragment,
    principalAccount: role.principalAccount,
    addToPrincipalPolicy,
  };
  return principal;
}
