import { join } from 'node:path';
import {
  AssetHashType,
  aws_cloudfront as cloudfront,
  aws_cloudfront_origins as origins,
  aws_s3 as s3,
  aws_s3_assets as assets,
  aws_s3_deployment as deployment,
  RemovalPolicy,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { pageBundle } from './bundle';

/** Metadata of a bucket by which a local run finds the page and its configuration. */
const PAGE_METADATA_KEY = 'cdk-queue-fleet:page';

/** Properties of {@link VideoPage}. */
export interface VideoPageProps {
  readonly accessLogsBucket: s3.IBucket;
}

/** The page on CloudFront, its files in a private bucket. */
export class VideoPage extends Construct {
  readonly bucket: s3.Bucket;
  readonly distribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, props: VideoPageProps) {
    super(scope, id);
    this.bucket = new s3.Bucket(this, 'Files', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      encryption: s3.BucketEncryption.S3_MANAGED,
      serverAccessLogsBucket: props.accessLogsBucket,
      serverAccessLogsPrefix: 'page/',
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.distribution = new cloudfront.Distribution(this, 'Distribution', {
      comment: 'Video upload page',
      defaultRootObject: 'index.html',
      enableLogging: true,
      logBucket: props.accessLogsBucket,
      logFilePrefix: 'cloudfront-page/',
      defaultBehavior: {
        origin: origins.S3BucketOrigin.withOriginAccessControl(this.bucket),
        viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        responseHeadersPolicy: cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
      },
    });
  }

  /** The origin that browsers send from the page. */
  get origin(): string {
    return `https://${this.distribution.distributionDomainName}`;
  }

  /**
   * Uploads the files and `config.json`, and notes both in the metadata of `bucket` for a local run.
   *
   * @param config what the page reads; may hold tokens
   * @param bucket one that the page's distribution does not depend on: the API that `config` names depends on the
   * distribution (by CORS), so that the page's own bucket would close a circle
   */
  deploy(config: Readonly<Record<string, unknown>>, bucket: s3.Bucket): void {
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
        deployment.Source.jsonData('config.json', config),
      ],
    });
    (bucket.node.defaultChild as s3.CfnBucket).addMetadata(PAGE_METADATA_KEY, { assetHash: files.assetHash, config });
  }
}
