import { join } from 'node:path';
import {
  AssetHashType,
  type aws_apigatewayv2 as apigatewayv2,
  aws_cloudfront as cloudfront,
  aws_cloudfront_origins as origins,
  aws_s3 as s3,
  aws_s3_assets as assets,
  aws_s3_deployment as deployment,
  Fn,
  RemovalPolicy,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { pageBundle } from './bundle';

/** Metadata of the page's bucket by which a local run finds the page. */
const PAGE_METADATA_KEY = 'cdk-queue-fleet:page';

/** Properties of {@link VideoPage}. */
export interface VideoPageProps {
  readonly mediaBucket: s3.IBucket;
  readonly api: apigatewayv2.HttpApi;
  readonly accessLogsBucket: s3.IBucket;
  /** What the page reads from `config.json` besides the address of the API. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Removes the first segment of the path: `/media/<key>` and `/api/<route>` go to their origins without it. */
const STRIP_FIRST_SEGMENT = `
function handler(event) {
  event.request.uri = event.request.uri.replace(/^\\/[^/]*/, '') || '/';
  return event.request;
}`;

/**
 * The page on CloudFront: its files from a private bucket, `/media/*` from the media bucket and `/api/*` from the HTTP
 * API, so that one host serves everything but the uploads themselves.
 */
export class VideoPage extends Construct {
  readonly bucket: s3.Bucket;
  readonly distribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, props: VideoPageProps) {
    super(scope, id);
    const { api, mediaBucket, accessLogsBucket } = props;
    const viewerProtocolPolicy = cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS;

    this.bucket = new s3.Bucket(this, 'Files', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      serverAccessLogsBucket: accessLogsBucket,
      serverAccessLogsPrefix: 'page/',
      // Only copies of what the assembly holds.
      removalPolicy: RemovalPolicy.DESTROY,
      autoDeleteObjects: false,
    });
    const strip = new cloudfront.Function(this, 'StripFirstSegment', {
      code: cloudfront.FunctionCode.fromInline(STRIP_FIRST_SEGMENT),
      runtime: cloudfront.FunctionRuntime.JS_2_0,
    });
    const functionAssociations = [{ function: strip, eventType: cloudfront.FunctionEventType.VIEWER_REQUEST }];
    this.distribution = new cloudfront.Distribution(this, 'Distribution', {
      comment: 'Video upload page',
      defaultRootObject: 'index.html',
      minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
      enableLogging: true,
      logBucket: accessLogsBucket,
      logFilePrefix: 'cloudfront/',
      defaultBehavior: {
        origin: origins.S3BucketOrigin.withOriginAccessControl(this.bucket),
        viewerProtocolPolicy,
        responseHeadersPolicy: cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
      },
      additionalBehaviors: {
        '/media/*': {
          origin: origins.S3BucketOrigin.withOriginAccessControl(mediaBucket),
          viewerProtocolPolicy,
          functionAssociations,
        },
        '/api/*': {
          origin: new origins.HttpOrigin(Fn.select(2, Fn.split('/', api.apiEndpoint))),
          viewerProtocolPolicy,
          allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
          cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
          originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
          functionAssociations,
        },
      },
    });

    const files = new assets.Asset(this, 'Bundle', {
      path: join(__dirname, 'page'),
      assetHashType: AssetHashType.OUTPUT,
      bundling: pageBundle(),
    });
    new deployment.BucketDeployment(this, 'Deployment', {
      destinationBucket: this.bucket,
      distribution: this.distribution,
      sources: [
        deployment.Source.bucket(files.bucket, files.s3ObjectKey),
        deployment.Source.jsonData('config.json', { apiUrl: '/api', ...props.config }),
      ],
    });
    const resource = this.bucket.node.defaultChild as s3.CfnBucket;
    resource.addMetadata(PAGE_METADATA_KEY, {
      assetHash: files.assetHash,
      config: { apiUrl: api.apiEndpoint, ...props.config },
    });
  }

  /** The origin that browsers send from the page. */
  get origin(): string {
    return `https://${this.distribution.distributionDomainName}`;
  }
}
