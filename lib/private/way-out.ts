import { AspectPriority, Aspects, Resource, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { IConstruct } from 'constructs';
import { warn } from './grants';
import { NETWORK_WITHOUT_WAY_OUT } from './warnings';

/** A given network, where in it the workers are, and what they call there. */
export interface WayOut {
  readonly vpc: ec2.IVpc;
  readonly subnets: readonly ec2.ISubnet[];
  /** Whether a value of theirs is in AWS Secrets Manager. */
  readonly secretsManager: boolean;
  /** Whether one is a parameter of SSM. */
  readonly parameters: boolean;
  /** Whether they run an image of Amazon ECR. */
  readonly containerRegistry: boolean;
}

/** Without these no worker gets its code, its messages, its log group or its lifecycle hooks; the last part of an endpoint's name. */
const ALWAYS = ['s3', 'sqs', 'autoscaling', 'logs'] as const;

/**
 * Warns of workers that reach nothing, when everything has been made: endpoints and routes often come after the fleet.
 *
 * Only of a network of this app: what another one has is not known here. A subnet with any route of its own may have a
 * way out (a NAT gateway, a transit gateway, a proxy), so it is let be.
 */
export function guardWayOut(scope: IConstruct, wayOut: WayOut): void {
  if (!Resource.isOwnedResource(wayOut.vpc)) return;
  Aspects.of(scope).add(
    {
      visit: (node) => {
        if (node !== scope) return;
        const text = problemOf(scope, wayOut);
        if (text !== undefined) warn(scope, NETWORK_WITHOUT_WAY_OUT, text);
      },
    },
    // After those that make something.
    { priority: AspectPriority.READONLY },
  );
}

function problemOf(scope: IConstruct, wayOut: WayOut): string | undefined {
  const all = scope.node.root.node.findAll();
  const closed = closedSubnets(all, wayOut.subnets);
  if (closed.length === 0) return undefined;
  const endpoints = all.filter(isEndpoint).filter(({ vpcId }) => vpcId === wayOut.vpc.vpcId);
  const shut = endpoints.filter((endpoint) => admitsNobody(all, endpoint));
  const reached = (service: string, among: readonly ec2.CfnVPCEndpoint[]): boolean =>
    among.some((endpoint) => isFor(service, endpoint));
  const needed = neededServices(wayOut);
  const missing = needed.filter((service) => !reached(service, endpoints));
  const shutServices = needed.filter((service) => {
    const open = endpoints.filter((endpoint) => !shut.includes(endpoint));
    return !missing.includes(service) && !reached(service, open);
  });
  if (missing.length + shutServices.length === 0) return undefined;
  return [
    `The workers' subnets (${closed.join(', ')}) have no route out, so instances there are replaced without a line in a log:`,
    ...(missing.length > 0
      ? [
          `'vpc' has no endpoint for ${missing.join(', ')}: add new VpcEndpoints(this, 'Endpoints', { ${optionsOf(wayOut).join(', ')} }) and endpoints.connections.allowDefaultPortFrom(fleet), or choose subnets with a NAT gateway`,
        ]
      : []),
    ...(shutServices.length > 0
      ? [
          `the security groups of the endpoints for ${shutServices.join(', ')} admit nobody: call endpoints.connections.allowDefaultPortFrom(fleet)`,
        ]
      : []),
  ].join('\n');
}

function neededServices(wayOut: WayOut): string[] {
  return [
    ...ALWAYS,
    ...(wayOut.parameters ? ['ssm'] : []),
    ...(wayOut.secretsManager ? ['secretsmanager'] : []),
    ...(wayOut.containerRegistry ? ['ecr.api', 'ecr.dkr'] : []),
  ];
}

function optionsOf(wayOut: WayOut): string[] {
  return [
    'vpc',
    ...(wayOut.secretsManager ? ['secretsManager: true'] : []),
    ...(wayOut.containerRegistry ? ['containerRegistry: true'] : []),
  ];
}

/** Paths of the subnets of this app that no route leads out of. */
function closedSubnets(all: readonly IConstruct[], subnets: readonly ec2.ISubnet[]): string[] {
  const routed = new Set(all.flatMap(routeTablesOf));
  return subnets
    .filter((subnet) => Resource.isOwnedResource(subnet) && !routed.has(subnet.routeTable.routeTableId))
    .map(({ node }) => node.path);
}

/** The route tables that a construct adds routes to. */
function routeTablesOf(construct: IConstruct): string[] {
  if (ec2.CfnRoute.isCfnRoute(construct)) return [construct.routeTableId];
  if (ec2.CfnVPNGatewayRoutePropagation.isCfnVPNGatewayRoutePropagation(construct)) return construct.routeTableIds;
  return [];
}

function isEndpoint(construct: IConstruct): construct is ec2.CfnVPCEndpoint {
  return ec2.CfnVPCEndpoint.isCfnVPCEndpoint(construct);
}

/** Whether an endpoint leads to a service: also one that takes FIPS connections only, and in partitions with names of their own. */
function isFor(service: string, endpoint: ec2.CfnVPCEndpoint): boolean {
  const name = JSON.stringify(Stack.of(endpoint).resolve(endpoint.serviceName)) ?? '';
  return [`.${service}"`, `.${service}-fips"`, `.${service}.`].some((end) => name.includes(end));
}

/** Whether all security groups of an endpoint are of this app, and none has a rule that lets anybody in. */
function admitsNobody(all: readonly IConstruct[], { securityGroupIds = [] }: ec2.CfnVPCEndpoint): boolean {
  const shut = (id: string): boolean =>
    all.some(
      (construct) =>
        ec2.CfnSecurityGroup.isCfnSecurityGroup(construct) && construct.attrGroupId === id && hasNoIngress(construct),
    ) &&
    !all.some(
      (construct) => ec2.CfnSecurityGroupIngress.isCfnSecurityGroupIngress(construct) && construct.groupId === id,
    );
  return securityGroupIds.length > 0 && securityGroupIds.every(shut);
}

/** The rules are put together late, so they are asked as the template will show them. */
function hasNoIngress(group: ec2.CfnSecurityGroup): boolean {
  const rules: unknown = Stack.of(group).resolve(group.securityGroupIngress);
  return rules === undefined || (Array.isArray(rules) && rules.length === 0);
}
