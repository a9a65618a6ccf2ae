import { aws_s3 as s3, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { INCOMING_PREFIX } from './contract';

/** The buckets of the example: what comes in, what goes out, and who asked for it. */
export class VideoBuckets extends Construct {
  readonly uploads: s3.Bucket;
  readonly media: s3.Bucket;
  readonly accessLogs: s3.Bucket;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const common: s3.BucketProps = {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      encryption: s3.BucketEncryption.S3_MANAGED,
    };
    // Parts of an upload that was neither completed nor aborted are in no listing, and are billed.
    const abortIncomplete: s3.LifecycleRule = {
      id: 'AbortIncompleteUploads',
      abortIncompleteMultipartUploadAfter: Duration.days(1),
    };
    this.accessLogs = new s3.Bucket(this, 'AccessLogs', {
      ...common,
      // CloudFront and S3 deliver their logs as the bucket's owner only with ACLs allowed.
      objectOwnership: s3.ObjectOwnership.OBJECT_WRITER,
      lifecycleRules: [{ expiration: Duration.days(90) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.uploads = new s3.Bucket(this, 'Uploads', {
      ...common,
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: 'uploads/',
      lifecycleRules: [abortIncomplete, { id: 'ExpireSources', prefix: INCOMING_PREFIX, expiration: Duration.days(7) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.media = new s3.Bucket(this, 'Media', {
      ...common,
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: 'media/',
      lifecycleRules: [abortIncomplete],
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  /** Lets pages of exactly these origins upload, and play what came of it. */
  allowOrigins(allowedOrigins: readonly string[]): void {
    if (allowedOrigins.length === 0) return;
    const { DELETE, GET, HEAD, POST, PUT } = s3.HttpMethods;
    const common = {
      allowedOrigins: [...allowedOrigins],
      allowedHeaders: ['*'],
      // A part's ETag is needed to complete an upload.
      exposedHeaders: ['ETag'],
      maxAge: Duration.hours(1).toSeconds(),
    };
    this.uploads.addCorsRule({ ...common, allowedMethods: [GET, PUT, POST, DELETE] });
    this.media.addCorsRule({ ...common, allowedMethods: [GET, HEAD] });
  }
}
