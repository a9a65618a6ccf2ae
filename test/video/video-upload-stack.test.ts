import { App, aws_ec2 as ec2 } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { ApiAccess } from '../../video/api-access';
import { UPLOAD_MAX_BYTES } from '../../video/contract';
import { outputBytes } from '../../video/transcode/disk-space';
import { MAX_DURATION_SECONDS } from '../../video/transcode/handler';
import { planLadder } from '../../video/transcode/ladder';
import { VideoUploadStack, type VideoUploadStackProps } from '../../video/video-upload-stack';

interface PolicyProperties {
  readonly PolicyDocument: {
    readonly Statement: readonly { readonly Action: string | readonly string[]; readonly Resource: unknown }[];
  };
}

/** Without bundling: what the files hold is tested elsewhere. */
function synthesize(props: VideoUploadStackProps = {}): Template {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const ffmpeg = { path: '/usr/bin/ffmpeg', architecture: ec2.InstanceArchitecture.ARM_64 };
  return Template.fromStack(new VideoUploadStack(app, 'VideoUpload', { ffmpeg, ...props }));
}

/**
 * The example's own resources; those of the library's constructs have tests of their own. Hashes of assets and of what
 * depends on them change with every line of code.
 */
function ownResources(template: Template): unknown {
  const { Resources } = template.toJSON() as { Resources: Record<string, object> };
  const own = Object.entries(Resources).filter(([id]) => !/^(?:Videos|Queue)/.test(id));
  const text = JSON.stringify(Object.fromEntries(own))
    .replace(/[0-9a-f]{64}/g, '<hash>')
    .replace(/(Deployment|CustomResource)[0-9A-F]{8,}/g, '$1<hash>');
  return JSON.parse(text) as unknown;
}

describe('VideoUploadStack', () => {
  const template = synthesize();

  test('is what it was', () => {
    expect(ownResources(template)).toMatchSnapshot();
  });

  test('every bucket blocks the public and refuses plain HTTP', () => {
    const buckets = template.findResources('AWS::S3::Bucket');
    expect(Object.keys(buckets)).toHaveLength(4);
    for (const { Properties } of Object.values(buckets)) {
      expect(Properties).toMatchObject({
        PublicAccessBlockConfiguration: { BlockPublicPolicy: true, BlockPublicAcls: true },
      });
    }
    const refusals = Object.values(template.findResources('AWS::S3::BucketPolicy')).filter((policy) =>
      JSON.stringify(policy).includes('"aws:SecureTransport":"false"'),
    );
    expect(refusals).toHaveLength(4);
  });

  test('uploads come from the page’s own origin, show their ETag and do not stay', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      CorsConfiguration: {
        CorsRules: [
          Match.objectLike({
            AllowedOrigins: [
              { 'Fn::Join': ['', ['https://', { 'Fn::GetAtt': [Match.stringLikeRegexp('^Page'), 'DomainName'] }]] },
            ],
            AllowedMethods: ['GET', 'PUT', 'POST', 'DELETE'],
            ExposedHeaders: ['ETag'],
          }),
        ],
      },
      LifecycleConfiguration: {
        Rules: [
          Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
          Match.objectLike({ Prefix: 'incoming/', ExpirationInDays: 7 }),
        ],
      },
    });
  });

  test('the API admits the same origin only, is throttled and writes access logs', () => {
    const [api] = Object.values(template.findResources('AWS::ApiGatewayV2::Api'));
    expect(JSON.stringify(api)).not.toContain('"*"');
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
      AccessLogSettings: Match.objectLike({ DestinationArn: Match.anyValue() }),
    });
  });

  test('the function may touch nothing but uploads and status documents', () => {
    const [policy] = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) =>
      id.startsWith('UploadHandler'),
    );
    const text = JSON.stringify(policy);
    expect(text).not.toContain('s3:*');
    expect(text).not.toContain('s3:DeleteObject');
    expect(text).toContain('/*/status.json');
  });

  test('workers may write media, also in parts that they can take back, and delete nothing', () => {
    const statements = Object.entries(
      template.toJSON().Resources as Record<string, { Type: string; Properties: object }>,
    )
      .filter(([id, { Type }]) => id.startsWith('VideosFleet') && /^AWS::IAM::.*Policy$/.test(Type))
      .flatMap(([, { Properties }]) => (Properties as PolicyProperties).PolicyDocument.Statement)
      .filter(({ Action }) => [Action].flat().some((action) => action.startsWith('s3:')));
    const ofMedia = statements.filter(({ Resource }) => /BucketsMedia.*"\/\*"/.test(JSON.stringify(Resource)));
    expect(ofMedia.flatMap(({ Action }) => Action)).toEqual([
      's3:GetObject',
      's3:PutObject',
      's3:AbortMultipartUpload',
    ]);
    expect(JSON.stringify(statements)).not.toContain('s3:Delete');
    const [media] = Object.entries(template.findResources('AWS::S3::Bucket')).filter(([id]) =>
      id.startsWith('BucketsMedia'),
    );
    expect(media?.[1].Properties).toMatchObject({
      LifecycleConfiguration: {
        Rules: [{ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' }],
      },
    });
  });

  test('the volume holds the system, the largest upload and all that the longest video at the highest rate makes', () => {
    const [launch] = Object.values(template.findResources('AWS::EC2::LaunchTemplate'));
    const { LaunchTemplateData } = launch?.Properties as {
      LaunchTemplateData: { BlockDeviceMappings: readonly { Ebs: { VolumeSize: number } }[] };
    };
    const gibibytes = LaunchTemplateData.BlockDeviceMappings[0]?.Ebs.VolumeSize ?? 0;
    // The image of Amazon Linux 2023 is a volume of 8 GiB.
    const bytes = 8 * 1024 ** 3 + UPLOAD_MAX_BYTES + outputBytes(planLadder(7680, 4320), MAX_DURATION_SECONDS);
    expect(gibibytes * 1024 ** 3).toBeGreaterThanOrEqual(bytes);
  });

  test('S3 tells the queue of new uploads, and of nothing else', () => {
    template.hasResourceProperties('Custom::S3BucketNotifications', {
      NotificationConfiguration: {
        QueueConfigurations: [
          Match.objectLike({
            Events: ['s3:ObjectCreated:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'incoming/' }] } },
          }),
        ],
      },
    });
  });

  test('a local run finds the page by its metadata', () => {
    const found = Object.values(template.findResources('AWS::S3::Bucket')).map(
      ({ Metadata }) => (Metadata as Record<string, unknown> | undefined)?.['cdk-queue-fleet:page'],
    );
    expect(found.filter((page) => page !== undefined)).toEqual([
      {
        assetHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        config: {
          apiUrl: { 'Fn::GetAtt': [expect.stringMatching(/^UploadApi/), 'ApiEndpoint'] },
          postMaxBytes: 100_000_000,
          maxBytes: 2_000_000_000,
          confirmUploads: false,
        },
      },
    ]);
  });

  test('ordered: a FIFO queue that the API writes to, and no notification of the bucket', () => {
    const ordered = synthesize({ ordered: true });
    ordered.resourceCountIs('Custom::S3BucketNotifications', 0);
    ordered.hasResourceProperties('AWS::SQS::Queue', { FifoQueue: true });
    ordered.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: { QUEUE_URL: Match.anyValue() } },
    });
    ordered.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'POST /uploads/{id}/complete' });
  });

  test('with an authorizer every route asks for it; signed requests come without a page', () => {
    const iam = synthesize({ access: ApiAccess.iam() });
    iam.allResourcesProperties('AWS::ApiGatewayV2::Route', { AuthorizationType: 'AWS_IAM' });
    iam.resourceCountIs('AWS::CloudFront::Distribution', 1);
    const jwt = synthesize({ access: ApiAccess.jwt('https://issuer.example.com', ['app']) });
    jwt.allResourcesProperties('AWS::ApiGatewayV2::Route', { AuthorizationType: 'JWT' });
    jwt.resourceCountIs('AWS::CloudFront::Distribution', 2);
  });

  test('warns when no ffmpeg travels with the workers', () => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
    const stack = new VideoUploadStack(app, 'VideoUpload', {
      ffmpeg: { architecture: ec2.InstanceArchitecture.ARM_64 },
    });
    expect(stack.node.metadata.filter(({ data }) => String(data).includes('No static ffmpeg'))).toHaveLength(1);
  });
});
