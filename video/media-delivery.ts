import { aws_cloudfront as cloudfront, aws_cloudfront_origins as origins, type aws_s3 as s3 } from 'aws-cdk-lib';
import { Construct } from 'constructs';

/** Properties of {@link MediaDelivery}. */
export interface MediaDeliveryProps {
  readonly mediaBucket: s3.IBucket;
  readonly accessLogsBucket: s3.IBucket;
}

/**
 * CloudFront in front of the private media bucket. A distribution of its own, and not a path of the page's: the bucket's
 * CORS rule names the page's distribution, which therefore cannot also have the bucket as its origin.
 */
export class MediaDelivery extends Construct {
  readonly distribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, props: MediaDeliveryProps) {
    super(scope, id);
    this.distribution = new cloudfront.Distribution(this, 'Distribution', {
      comment: 'Finished videos',
      enableLogging: true,
      logBucket: props.accessLogsBucket,
      logFilePrefix: 'cloudfront-media/',
      defaultBehavior: {
        origin: origins.S3BucketOrigin.withOriginAccessControl(props.mediaBucket),
        viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        // The bucket answers CORS requests; it must see their Origin.
        originRequestPolicy: cloudfront.OriginRequestPolicy.CORS_S3_ORIGIN,
      },
    });
  }

  /** Address that keys are appended to. */
  get baseUrl(): string {
    return `https://${this.distribution.distributionDomainName}`;
  }
}
