import { type Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { join } from 'node:path';
import { Encryption, FleetEgress, WorkerCode, WorkerFleet, type WorkerFleetProps, WorkQueue } from '../../../lib';
import { findingsOf, hasCfnLint, RECOMMENDED_FLAGS } from '../../support/validators';

/** All that is acknowledged in AwsSolutions, NIST 800-53 R5, HIPAA and PCI DSS, with the reason. */
const ACKNOWLEDGED: Readonly<Record<string, string>> = {
  'AwsSolutions-IAM5[Resource::*]': 'Session Manager: none of its actions knows a resource that could be named',
  'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:autoScalingGroup:*:autoScalingGroupName/*]':
    'Conditioned on the tag of the own group; to name the group would be circular',
  'NIST.800.53.R5-VPCDefaultSecurityGroupClosed':
    'Nothing is in the default group; to close it takes a Lambda function',
  'HIPAA.Security-VPCDefaultSecurityGroupClosed': 'The same',
  'PCI.DSS.321-VPCDefaultSecurityGroupClosed': 'The same',
};

jest.setTimeout(60_000);

function acknowledgedFleet(stack: Stack, props: Partial<WorkerFleetProps>): void {
  const queue = new WorkQueue(stack, 'Jobs', { encryption: Encryption.customerManaged() });
  const fleet = new WorkerFleet(stack, 'Fleet', {
    queue,
    code: WorkerCode.fromModule(join(__dirname, 'fixtures/handler.ts')),
    logEncryptionKey: queue.encryptionKey,
    notificationsTopic: new sns.Topic(stack, 'Topic', { masterKey: queue.encryptionKey, enforceSSL: true }),
    ...props,
  });
  for (const [id, reason] of Object.entries(ACKNOWLEDGED)) Validations.of(fleet).acknowledge({ id, reason });
}

test('passes cdk-nag and cfn-lint, network included, with at most five acknowledgements', () => {
  expect(Object.keys(ACKNOWLEDGED).length).toBeLessThanOrEqual(5);
  const findings = findingsOf(
    (stack) => acknowledgedFleet(stack, { egress: FleetEgress.VPC_ENDPOINTS }),
    RECOMMENDED_FLAGS,
    {
      cfnLint: hasCfnLint(),
      allPacks: true,
    },
  );
  expect(findings).toEqual([]);
});

/** What a network with a way out brings besides, in any stack that has one; docs/worker-fleet.md names them. */
const FOUND_WITH_NAT = [
  'HIPAA.Security-VPCNoUnrestrictedRouteToIGW',
  'NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW',
  'PCI.DSS.321-VPCNoUnrestrictedRouteToIGW',
];

test('with a NAT gateway the packs object to the way out itself, and to nothing else; not to a given role and key either', () => {
  const build = (stack: Stack): void => {
    const assumedBy = new iam.ServicePrincipal('ec2.amazonaws.com');
    acknowledgedFleet(stack, {
      egress: FleetEgress.NAT_GATEWAY,
      role: new iam.Role(stack, 'Workers', { assumedBy }),
      volumeEncryptionKey: new kms.Key(stack, 'VolumeKey', { enableKeyRotation: true }),
    });
  };
  const findings = findingsOf(build, RECOMMENDED_FLAGS, { cfnLint: hasCfnLint(), allPacks: true });
  expect([...new Set(findings.map(({ rule }) => rule))].sort()).toEqual(FOUND_WITH_NAT);
  expect(findings.filter(({ path }) => !path.startsWith('Test/Fleet/Vpc/PublicSubnet'))).toEqual([]);
});
