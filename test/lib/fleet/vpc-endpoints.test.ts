import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { VpcEndpoints } from '../../../lib';

describe('VpcEndpoints', () => {
  const stack = new Stack(new App(), 'Test');
  const vpc = new ec2.Vpc(stack, 'Vpc', {
    natGateways: 0,
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: [{ name: 'Workers', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  });
  const endpoints = new VpcEndpoints(stack, 'Endpoints', { vpc, secretsManager: true });
  const client = new ec2.SecurityGroup(stack, 'Client', { vpc });
  endpoints.connections.allowDefaultPortFrom(client);
  const template = Template.fromStack(stack);

  test('has one endpoint for each service that a worker calls', () => {
    expect(Object.keys(endpoints.interfaceEndpoints).sort()).toEqual(
      ['autoscaling', 'ec2messages', 'kms', 'logs', 'secretsmanager', 'sqs', 'ssm', 'ssmmessages'].sort(),
    );
    template.resourcePropertiesCountIs('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' }, 1);
  });

  test('each interface endpoint lets only principals of this account pass', () => {
    const found = template.findResources('AWS::EC2::VPCEndpoint', { Properties: { VpcEndpointType: 'Interface' } });
    expect(Object.keys(found)).toHaveLength(8);
    for (const { Properties } of Object.values(found)) {
      expect(Properties.PolicyDocument.Statement).toEqual([
        expect.objectContaining({ Condition: { StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } } }),
      ]);
    }
  });

  test('the S3 endpoint reaches own buckets and the packages of Amazon Linux, nothing else', () => {
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
      VpcEndpointType: 'Gateway',
      PolicyDocument: {
        Statement: [
          Match.objectLike({
            Sid: 'OwnBuckets',
            Condition: {
              StringEquals: {
                'aws:PrincipalAccount': { Ref: 'AWS::AccountId' },
                's3:ResourceAccount': { Ref: 'AWS::AccountId' },
              },
            },
          }),
          Match.objectLike({ Sid: 'AmazonLinuxPackages', Action: 's3:GetObject' }),
        ],
      },
    });
  });

  test('admits clients that were named, on the port of HTTPS, and nobody else', () => {
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: Match.stringLikeRegexp('^Endpoints of AWS services'),
      SecurityGroupIngress: Match.absent(),
    });
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 443, ToPort: 443 });
  });
});
