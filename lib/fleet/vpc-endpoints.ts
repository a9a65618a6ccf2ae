import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** Properties of `VpcEndpoints`. */
export interface VpcEndpointsProps {
  /** The network that gets the endpoints. */
  readonly vpc: ec2.IVpc;

  /**
   * Subnets of the interface endpoints, one in each zone.
   *
   * @default - private subnets, else isolated ones
   */
  readonly subnets?: ec2.SubnetSelection;

  /**
   * Adds AWS Secrets Manager, for fleets with such secrets.
   *
   * @default false
   */
  readonly secretsManager?: boolean;

  /**
   * Adds Amazon ECR, for fleets that run a container.
   *
   * @default false
   */
  readonly containerRegistry?: boolean;

  /**
   * Adds CloudWatch metrics, for programs that call PutMetricData; the worker itself does not need it.
   *
   * @default false
   */
  readonly cloudWatchMetrics?: boolean;
}

/**
 * Private ways from a network without internet access to the services that a fleet of workers needs.
 *
 * Creates a gateway endpoint for S3 (free) and interface endpoints for SQS, KMS, CloudWatch Logs, Auto Scaling, SSM, SSM
 * messages and EC2 messages. Each interface endpoint is billed per zone and hour: with 7 endpoints in 2 zones, 14
 * endpoint hours each hour. A NAT gateway can cost less; it also opens the way to the whole internet.
 *
 * Every endpoint has a policy: only principals of this account pass, so that a stolen foreign credential cannot carry data
 * out. The S3 endpoint lets them reach buckets of this account, and anybody read the package repositories of Amazon Linux.
 *
 * @see https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
 *
 * @example
 * declare const vpc: ec2.Vpc;
 * declare const fleet: WorkerFleet;
 * const endpoints = new VpcEndpoints(this, 'Endpoints', { vpc });
 * endpoints.connections.allowDefaultPortFrom(fleet);
 */
export class VpcEndpoints extends Construct implements ec2.IConnectable {
  /** The interface endpoints, by the service's short name, for example `sqs`. */
  public readonly interfaceEndpoints: { [service: string]: ec2.InterfaceVpcEndpoint };

  /** The gateway endpoint of S3. */
  public readonly s3: ec2.GatewayVpcEndpoint;

  /** Who may use the interface endpoints: nobody until `connections.allowDefaultPortFrom(client)`. */
  public readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, props: VpcEndpointsProps) {
    super(scope, id);
    const services: { [service: string]: ec2.InterfaceVpcEndpointAwsService } = {
      sqs: ec2.InterfaceVpcEndpointAwsService.SQS,
      kms: ec2.InterfaceVpcEndpointAwsService.KMS,
      logs: ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
      autoscaling: ec2.InterfaceVpcEndpointAwsService.AUTOSCALING,
      ssm: ec2.InterfaceVpcEndpointAwsService.SSM,
      ssmmessages: ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
      ec2messages: ec2.InterfaceVpcEndpointAwsService.EC2_MESSAGES,
      ...(props.secretsManager && { secretsmanager: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER }),
      ...(props.containerRegistry && {
        ecrapi: ec2.InterfaceVpcEndpointAwsService.ECR,
        ecrdkr: ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
      }),
      ...(props.cloudWatchMetrics && { monitoring: ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING }),
    };
    const account = Stack.of(this).account;
    const ownPrincipals = { StringEquals: { 'aws:PrincipalAccount': account } };

    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Endpoints of AWS services: HTTPS from clients only',
      allowAllOutbound: false,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(443) });
    this.interfaceEndpoints = {};
    for (const [name, service] of Object.entries(services)) {
      const endpoint = new ec2.InterfaceVpcEndpoint(this, constructId(name), {
        vpc: props.vpc,
        service,
        subnets: props.subnets,
        securityGroups: [securityGroup],
        open: false,
      });
      endpoint.addToPolicy(
        new iam.PolicyStatement({
          sid: 'OwnAccount',
          principals: [new iam.AnyPrincipal()],
          actions: [`${IAM_PREFIXES[name] ?? name}:*`],
          resources: ['*'],
          conditions: ownPrincipals,
        }),
      );
      this.interfaceEndpoints[name] = endpoint;
    }

    this.s3 = new ec2.GatewayVpcEndpoint(this, 'S3', { vpc: props.vpc, service: ec2.GatewayVpcEndpointAwsService.S3 });
    const objects = (bucket: string): string =>
      Stack.of(this).formatArn({
        service: 's3',
        region: '',
        account: '',
        resource: bucket,
        resourceName: '*',
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      });
    this.s3.addToPolicy(
      new iam.PolicyStatement({
        sid: 'OwnBuckets',
        principals: [new iam.AnyPrincipal()],
        actions: ['s3:*'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:PrincipalAccount': account, 's3:ResourceAccount': account } },
      }),
    );
    this.s3.addToPolicy(
      new iam.PolicyStatement({
        sid: 'AmazonLinuxPackages',
        // The package manager sends unsigned requests.
        principals: [new iam.AnyPrincipal()],
        actions: ['s3:GetObject'],
        resources: [objects(`al2023-repos-${Stack.of(this).region}-de612dc2`)],
      }),
    );
    if (props.containerRegistry) {
      this.s3.addToPolicy(
        new iam.PolicyStatement({
          sid: 'ContainerLayers',
          principals: [new iam.AnyPrincipal()],
          actions: ['s3:GetObject'],
          resources: [objects(`prod-${Stack.of(this).region}-starport-layer-bucket`)],
        }),
      );
    }
  }
}

const CONSTRUCT_IDS: { [service: string]: string } = {
  sqs: 'Sqs',
  kms: 'Kms',
  logs: 'Logs',
  autoscaling: 'AutoScaling',
  ssm: 'Ssm',
  ssmmessages: 'SsmMessages',
  ec2messages: 'Ec2Messages',
  secretsmanager: 'SecretsManager',
  ecrapi: 'EcrApi',
  ecrdkr: 'EcrDocker',
  monitoring: 'Monitoring',
};

/** Where the prefix of a service's IAM actions is not its short name. */
const IAM_PREFIXES: { [service: string]: string } = { ecrapi: 'ecr', ecrdkr: 'ecr', monitoring: 'cloudwatch' };

function constructId(service: string): string {
  return CONSTRUCT_IDS[service] ?? service;
}
