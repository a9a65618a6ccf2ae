import { ArnFormat, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { grantInResourcePolicy, keyResource, warn } from './grants';
import type { Violations } from './violations';
import { VOLUME_KEY_NEEDS_GRANT } from './warnings';
import { writePolicy } from './written-policy';

/** Refuses a key that EBS cannot use. */
export function checkVolumeKey(scope: Construct, key: kms.IKey | undefined, violations: Violations): void {
  const { region } = Stack.of(scope);
  if (key && Token.compareStrings(key.env.region, region) === TokenComparison.DIFFERENT) {
    violations.add(
      'VolumeKeyInAnotherRegion',
      `'volumeEncryptionKey' (${key.env.region}) must be in the region of the instances (${region}): name a key of that region`,
    );
  }
}

/**
 * Lets Auto Scaling launch and start instances whose volumes are under `key`. It does so as its service-linked role,
 * whatever the role of the instances may do.
 *
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html (read November 2026)
 */
export function allowVolumes(scope: Construct, key: kms.IKey): void {
  const stack = Stack.of(scope);
  const roleArn = stack.formatArn({
    service: 'iam',
    region: '',
    resource: 'role',
    resourceName: 'aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling',
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  if (Token.compareStrings(key.env.account, stack.account) === TokenComparison.DIFFERENT) {
    const keyArn = writePolicy(scope, key.keyArn).json;
    warn(
      scope,
      VOLUME_KEY_NEEDS_GRANT,
      `The key ${keyArn} of the volumes is in another account: its policy has to let account ${stack.account} use it and create grants, and from there a grant has to be created for AWSServiceRoleForAutoScaling, about which docs/worker-fleet.md says more`,
    );
    return;
  }
  const principal = new iam.ArnPrincipal(roleArn);
  const resource = keyResource(key);
  grantInResourcePolicy(scope, resource, {
    principal,
    actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
  });
  grantInResourcePolicy(scope, resource, {
    principal,
    actions: ['kms:CreateGrant'],
    conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
  });
}
