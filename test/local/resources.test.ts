import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openAssembly } from '../../local/assembly';
import { Resolution } from '../../local/resolution';
import { apiIds, readResources } from '../../local/resources';
import type { LocalResources } from '../../local/resource-types';

const getAtt = (id: string, attribute = 'Arn') => ({ 'Fn::GetAtt': [id, attribute] });
const ref = (id: string) => ({ Ref: id });

/** A template as CDK writes it, without the parts that a local run does not read. */
const TEMPLATE = {
  Queue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      VisibilityTimeout: 60,
      KmsMasterKeyId: getAtt('Key'),
      RedrivePolicy: { deadLetterTargetArn: getAtt('Dead'), maxReceiveCount: 3 },
    },
  },
  Dead: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead.fifo', FifoQueue: true } },
  Key: { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: { Statement: [] } } },
  QueuePolicy: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [ref('Queue')],
      PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: getAtt('Queue') }] },
    },
  },
  Media: {
    Type: 'AWS::S3::Bucket',
    Properties: {
      CorsConfiguration: {
        CorsRules: [
          {
            AllowedMethods: ['GET'],
            AllowedOrigins: [{ 'Fn::Join': ['', ['https://', getAtt('Cdn', 'DomainName')]] }],
            MaxAge: 5,
          },
        ],
      },
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Event: 's3:ObjectRemoved:*',
            Queue: getAtt('Queue'),
            Filter: { S3Key: { Rules: [{ Name: 'suffix', Value: '.mp4' }] } },
          },
        ],
      },
    },
    Metadata: { 'cdk-queue-fleet:page': { assetHash: 'page', config: { apiUrl: getAtt('Api', 'ApiEndpoint') } } },
  },
  MediaPolicy: {
    Type: 'AWS::S3::BucketPolicy',
    Properties: {
      Bucket: ref('Media'),
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Principal: { Service: 'cloudfront.amazonaws.com' }, Action: 's3:GetObject' }],
      },
    },
  },
  Notifications: {
    Type: 'Custom::S3BucketNotifications',
    Properties: {
      BucketName: ref('Media'),
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Events: ['s3:ObjectCreated:*'],
            QueueArn: getAtt('Queue'),
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'incoming/' }] } },
          },
        ],
      },
    },
  },
  Cdn: { Type: 'AWS::CloudFront::Distribution', Properties: {} },
  Role: { Type: 'AWS::IAM::Role', Properties: { Policies: [{ PolicyDocument: { Statement: [] } }] } },
  RolePolicy: {
    Type: 'AWS::IAM::Policy',
    Properties: {
      Roles: [ref('Role')],
      PolicyDocument: { Statement: [{ Effect: 'Allow', Resource: getAtt('Media') }] },
    },
  },
  Function: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: getAtt('Role'),
      Timeout: 10,
      Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::AccountId}' }, S3Key: 'code.zip' },
      Environment: { Variables: { QUEUE_URL: ref('Queue'), CDN: { 'Fn::Sub': 'https://${Cdn.DomainName}/media' } } },
    },
  },
  Python: { Type: 'AWS::Lambda::Function', Properties: { Runtime: 'python3.14', Code: { S3Key: 'code.zip' } } },
  Api: {
    Type: 'AWS::ApiGatewayV2::Api',
    Properties: { CorsConfiguration: { AllowOrigins: ['*'], AllowMethods: ['GET'] } },
  },
  Integration: {
    Type: 'AWS::ApiGatewayV2::Integration',
    Properties: { ApiId: ref('Api'), IntegrationUri: getAtt('Function') },
  },
  Route: {
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: ref('Api'),
      RouteKey: 'GET /x',
      Target: { 'Fn::Join': ['', ['integrations/', ref('Integration')]] },
    },
  },
  Topic: { Type: 'AWS::SNS::Topic', Properties: {} },
  Profile: { Type: 'AWS::IAM::InstanceProfile', Properties: { Roles: [ref('Role')] } },
  LaunchTemplate: {
    Type: 'AWS::EC2::LaunchTemplate',
    Properties: { LaunchTemplateData: { IamInstanceProfile: { Arn: getAtt('Profile') } } },
  },
  Group: {
    Type: 'AWS::AutoScaling::AutoScalingGroup',
    Properties: {
      MinSize: '1',
      MaxSize: '4',
      LaunchTemplate: { LaunchTemplateId: ref('LaunchTemplate') },
      LifecycleHookSpecificationList: [
        {
          LifecycleHookName: 'Drained',
          LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
          HeartbeatTimeout: 360,
          DefaultResult: 'CONTINUE',
        },
      ],
    },
    Metadata: {
      'cdk-queue-fleet:worker': {
        assetHash: 'worker',
        command: ['node', 'main.js'],
        environment: { QUEUE_FLEET_QUEUE_URL: ref('Queue'), CONCURRENCY: 2 },
      },
    },
  },
};

describe('readResources', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'resources-'));
    for (const hash of ['page', 'code', 'worker']) writeFileSync(path.join(directory, `asset.${hash}`), '');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const read = async (resources: object = TEMPLATE): Promise<LocalResources> => {
    const file = path.join(directory, 'Stack.template.json');
    writeFileSync(file, JSON.stringify({ Resources: resources }));
    const assembly = await openAssembly(file);
    const endpoints = { aws: 'http://127.0.0.1:1', page: 'http://127.0.0.1:2', apis: { Api: 'http://127.0.0.1:3' } };
    const resolution = new Resolution(assembly, endpoints);
    expect(apiIds(resolution)).toEqual(['Api'].filter((id) => id in resources));
    return readResources(resolution);
  };
  const queueArn = 'arn:aws:sqs:us-east-1:000000000000:Stack-Queue';

  test('queues keep their attributes, names and dead-letter queues', async () => {
    const { queues } = await read();
    expect(queues).toMatchObject([
      {
        name: 'Stack-Queue',
        arn: queueArn,
        attributes: { VisibilityTimeout: '60' },
        deadLetterArn: 'arn:aws:sqs:us-east-1:000000000000:dead.fifo',
      },
      { name: 'dead.fifo', attributes: { FifoQueue: 'true' } },
    ]);
  });

  test('buckets keep CORS, both kinds of notification, and who may read them', async () => {
    const { buckets } = await read();
    expect(buckets).toMatchObject([
      {
        name: 'stack-media',
        readable: true,
        // The distribution's origin is the local page's.
        cors: [{ allowedOrigins: ['http://127.0.0.1:2'], allowedMethods: ['GET'], maxAgeSeconds: 5 }],
        notifications: [
          { events: ['s3:ObjectRemoved:*'], queueArn, prefix: '', suffix: '.mp4' },
          { events: ['s3:ObjectCreated:*'], queueArn, prefix: 'incoming/', suffix: '' },
        ],
      },
    ]);
  });

  test('functions with bundled Node.js code have their environment resolved', async () => {
    const { functions } = await read();
    expect(functions).toMatchObject([
      {
        logicalId: 'Function',
        role: 'Role',
        timeoutSeconds: 10,
        environment: {
          QUEUE_URL: 'http://127.0.0.1:1/000000000000/Stack-Queue',
          CDN: 'http://127.0.0.1:2/media',
        },
      },
    ]);
  });

  test('routes lead to their functions', async () => {
    const { apis } = await read();
    expect(apis).toMatchObject([
      { routes: [{ routeKey: 'GET /x', functionId: 'Function' }], cors: { allowedOrigins: ['*'] } },
    ]);
  });

  test('the fleet has its hooks, role, command and environment', async () => {
    const { fleet } = await read();
    expect(fleet).toMatchObject({
      name: 'Stack-Group',
      min: 1,
      max: 4,
      role: 'Role',
      command: ['node', 'main.js'],
      environment: { QUEUE_FLEET_QUEUE_URL: 'http://127.0.0.1:1/000000000000/Stack-Queue', CONCURRENCY: '2' },
      hooks: [{ name: 'Drained', transition: 'terminating', heartbeatTimeoutSeconds: 360, defaultResult: 'CONTINUE' }],
    });
  });

  test('the page has its configuration, policies are with what they are attached to, the rest is named', async () => {
    const { page, resourcePolicies, identityPolicies, leftOut } = await read();
    expect(page).toMatchObject({ config: { apiUrl: 'http://127.0.0.1:3' } });
    expect(resourcePolicies.map(({ attachedTo }) => attachedTo)).toEqual([
      queueArn,
      'arn:aws:s3:::stack-media',
      'arn:aws:kms:us-east-1:000000000000:key/Stack-Key',
    ]);
    expect(identityPolicies.map(({ attachedTo }) => attachedTo)).toEqual(['Role', 'Role']);
    expect(leftOut).toEqual([expect.stringContaining('1 AWS::SNS::Topic')]);
  });

  test('fails when the worker’s code is not beside the template', async () => {
    rmSync(path.join(directory, 'asset.worker'));
    await expect(read()).rejects.toThrow("Group: the worker's asset worker is not beside the template");
  });

  test('fails when there are two worker groups', async () => {
    await expect(read({ ...TEMPLATE, Second: TEMPLATE.Group })).rejects.toThrow('has 2 worker groups (Group, Second)');
  });
});
