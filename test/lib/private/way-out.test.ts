import { App, SecretValue, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { VpcEndpoints, WorkerCode, WorkerFleet, type WorkerFleetProps, WorkerSecret, WorkQueue } from '../../../lib';

const HANDLER = `${__dirname}/../fleet/fixtures/handler.ts`;
const { PRIVATE_ISOLATED, PRIVATE_WITH_EGRESS } = ec2.SubnetType;

let stack: Stack;
beforeEach(() => {
  stack = new Stack(new App(), 'Test');
});

const network = (subnetType = PRIVATE_ISOLATED, scope = stack): ec2.Vpc =>
  new ec2.Vpc(scope, 'Vpc', { natGateways: 0, maxAzs: 2, subnetConfiguration: [{ name: 'Workers', subnetType }] });
const fleetIn = (vpc: ec2.IVpc, props: Partial<WorkerFleetProps> = {}, scope = stack): WorkerFleet =>
  new WorkerFleet(scope, 'Fleet', {
    queue: new WorkQueue(scope, 'Jobs'),
    code: WorkerCode.fromModule(HANDLER),
    vpc,
    ...props,
  });
const warningsOf = (of = stack): string[] =>
  Annotations.fromStack(of)
    .findWarning('*', Match.stringLikeRegexp('networkWithoutWayOut'))
    .map(({ entry }) => String(entry.data));

describe('a network without routes', () => {
  test.each([
    ['isolated', PRIVATE_ISOLATED] as const,
    ['private, without a NAT gateway', PRIVATE_WITH_EGRESS] as const,
  ])('warns of subnets that are %s, with what is missing and what to do', (_, subnetType) => {
    fleetIn(network(subnetType));
    const [text, ...more] = warningsOf();
    expect(more).toEqual([]);
    expect(text).toContain('Test/Vpc/WorkersSubnet1, Test/Vpc/WorkersSubnet2');
    expect(text).toContain("'vpc' has no endpoint for s3, sqs, autoscaling, logs:");
    expect(text).toContain("new VpcEndpoints(this, 'Endpoints', { vpc })");
    expect(text).not.toContain('admit nobody');
  });

  test('names only what is missing', () => {
    const vpc = network();
    vpc.addInterfaceEndpoint('Sqs', { service: ec2.InterfaceVpcEndpointAwsService.SQS });
    vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    fleetIn(vpc);
    expect(warningsOf()).toEqual([expect.stringContaining("'vpc' has no endpoint for autoscaling, logs:")]);
  });

  test('knows what secrets and containers need', () => {
    const secret = new secretsmanager.Secret(stack, 'Secret', { secretStringValue: SecretValue.unsafePlainText('a') });
    const vpc = network();
    const fleet = fleetIn(vpc, { secrets: { A: WorkerSecret.fromSecretsManager(secret) } });
    new VpcEndpoints(stack, 'Endpoints', { vpc }).connections.allowDefaultPortFrom(fleet);
    expect(warningsOf()).toEqual([
      expect.stringMatching(/no endpoint for secretsmanager: .*\{ vpc, secretsManager: true \}/),
    ]);
  });

  test('warns of endpoints that admit nobody', () => {
    const vpc = network();
    new VpcEndpoints(stack, 'Endpoints', { vpc });
    fleetIn(vpc);
    const [text, ...more] = warningsOf();
    expect(more).toEqual([]);
    expect(text).toContain('endpoints for sqs, autoscaling, logs admit nobody');
    expect(text).not.toContain('has no endpoint');
  });

  test('is fine with our endpoints, also when they come after the fleet and from another stack', () => {
    const networks = new Stack(stack.node.root as App, 'Networks');
    const vpc = network(PRIVATE_ISOLATED, networks);
    const fleet = fleetIn(vpc);
    const endpoints = new VpcEndpoints(networks, 'Endpoints', { vpc });
    fleet.connections.allowToDefaultPort(endpoints);
    expect(warningsOf()).toEqual([]);
  });

  test('is fine with endpoints of CDK, which admit the network', () => {
    const vpc = network();
    const { AUTOSCALING, CLOUDWATCH_LOGS, SQS_FIPS } = ec2.InterfaceVpcEndpointAwsService;
    vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    for (const [id, service] of Object.entries({ AUTOSCALING, CLOUDWATCH_LOGS, SQS_FIPS })) {
      vpc.addInterfaceEndpoint(id, { service });
    }
    fleetIn(vpc);
    expect(warningsOf()).toEqual([]);
  });

  test('does not take the endpoints of another network for its own', () => {
    const other = new Stack(stack.node.root as App, 'Other');
    // Of the same name, so that both have the same logical id.
    new VpcEndpoints(other, 'Endpoints', { vpc: network(PRIVATE_ISOLATED, other) });
    fleetIn(network());
    expect(warningsOf()).toEqual([expect.stringContaining('no endpoint for s3, sqs, autoscaling, logs')]);
  });
});

describe('a network that may have a way out', () => {
  test('by a NAT gateway', () => {
    fleetIn(new ec2.Vpc(stack, 'Vpc', { natGateways: 1 }));
    expect(warningsOf()).toEqual([]);
  });

  test('by public subnets that were named', () => {
    const vpc = network(ec2.SubnetType.PUBLIC);
    const fleet = fleetIn(vpc, { vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } });
    expect(fleet.vpc).toBe(vpc);
    expect(warningsOf()).toEqual([]);
  });

  test('by routes that were added', () => {
    const vpc = network();
    vpc.isolatedSubnets.forEach((subnet) =>
      (subnet as ec2.Subnet).addRoute('Out', { routerType: ec2.RouterType.TRANSIT_GATEWAY, routerId: 'tgw-1' }),
    );
    fleetIn(vpc);
    expect(warningsOf()).toEqual([]);
  });

  test('by what another app gave it', () => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['a', 'b'],
      isolatedSubnetIds: ['subnet-1', 'subnet-2'],
    });
    fleetIn(vpc);
    expect(warningsOf()).toEqual([]);
  });

  test('and the network that a fleet makes', () => {
    new WorkerFleet(stack, 'Fleet', { queue: new WorkQueue(stack, 'Jobs'), code: WorkerCode.fromModule(HANDLER) });
    expect(warningsOf()).toEqual([]);
  });
});
