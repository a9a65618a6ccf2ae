/* eslint-disable awscdk/require-passing-this -- functions that build into the scope that they are given */
import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Violations } from './violations';

/** A network of two zones for workers; `throughNat` gives it public subnets and one NAT gateway, else it has no way out. */
export function createNetwork(scope: Construct, flowLogGroup: logs.LogGroup, throughNat: boolean): ec2.Vpc {
  return new ec2.Vpc(scope, 'Vpc', {
    maxAzs: 2,
    natGateways: throughNat ? 1 : 0,
    // Nothing of ours is in the default group; to close it takes a Lambda function.
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: throughNat
      ? [
          // For the NAT gateway, which has an address of its own; anything else that is put there gets none.
          { name: 'Public', subnetType: ec2.SubnetType.PUBLIC, mapPublicIpOnLaunch: false },
          { name: 'Private', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
        ]
      : [{ name: 'Workers', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    flowLogs: {
      Flows: {
        destination: ec2.FlowLogDestination.toCloudWatchLogs(flowLogGroup, flowLogRole(scope, flowLogGroup)),
      },
    },
  });
}

/** The subnets for workers of any network. */
export function workerSubnets(vpc: ec2.IVpc): ec2.SubnetSelection {
  if (vpc.privateSubnets.length > 0) return { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS };
  return { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
}

/** Refuses a given network where the workers' subnets have to be named: by default they are private. */
export function checkNetwork(vpc: ec2.IVpc | undefined, named: boolean, violations: Violations): void {
  if (vpc === undefined || named || vpc.privateSubnets.length + vpc.isolatedSubnets.length > 0) return;
  const has = vpc.publicSubnets.length > 0 ? 'public subnets only' : 'no known subnets';
  violations.add(
    'VpcWithoutPrivateSubnets',
    `'vpc' (${vpc.node.path}, ${has}) must have private or isolated subnets unless 'vpcSubnets' names others: add some, or set 'vpcSubnets', for example to { subnetType: ec2.SubnetType.PUBLIC } where public subnets give instances a public address`,
  );
}

/** A managed policy in place of the inline one that the L2 would add: NIST, HIPAA and PCI rules want it so. */
function flowLogRole(scope: Construct, logGroup: logs.LogGroup): iam.IRole {
  const stack = Stack.of(scope);
  const role = new iam.Role(scope, 'FlowLogsRole', {
    // Only for flow logs of this account: the service acts for others as well.
    assumedBy: new iam.ServicePrincipal('vpc-flow-logs.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: {
          'aws:SourceArn': stack.formatArn({ service: 'ec2', resource: 'vpc-flow-log', resourceName: '*' }),
        },
      },
    }),
  });
  new iam.ManagedPolicy(scope, 'FlowLogsPolicy', {
    roles: [role],
    statements: [
      new iam.PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    ],
  });
  return role.withoutPolicyUpdates();
}
