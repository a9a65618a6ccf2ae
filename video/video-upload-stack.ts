import { join } from 'node:path';
import {
  Annotations,
  aws_cloudfront as cloudfront,
  aws_ec2 as ec2,
  aws_iam as iam,
  CfnOutput,
  Duration,
  Size,
  Stack,
  type StackProps,
} from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { FifoWorkQueue, FleetEgress, Producer, QueueFleet, WorkerCode, Workload, WorkQueue } from '../lib';
import { ApiAccess } from './api-access';
import { INCOMING_PREFIX, POST_MAX_BYTES, UPLOAD_MAX_BYTES } from './contract';
import { MediaDelivery } from './media-delivery';
import { UploadApi } from './upload-api';
import { VideoBuckets } from './video-buckets';
import { VideoPage } from './video-page';
import { packagedFfmpeg, type WorkerFfmpeg, workerInstanceType } from './worker-ffmpeg';

/** Properties of {@link VideoUploadStack}. */
export interface VideoUploadStackProps extends StackProps {
  /** Keeps each uploader's videos in order by a FIFO queue. @default false */
  readonly ordered?: boolean;
  /** Who may call the upload API. @default ApiAccess.open() */
  readonly access?: ApiAccess;
  /** Deploys the page. @default - when the access is one that a browser can have */
  readonly page?: boolean;
  /** More origins whose pages may upload, exactly as a browser sends them. @default - only the deployed page's */
  readonly pageOrigins?: readonly string[];
  /** How the workers reach AWS. @default FleetEgress.VPC_ENDPOINTS */
  readonly egress?: FleetEgress;
  /** Most instances. @default 4 */
  readonly maxCapacity?: number;
  /** Where the workers' ffmpeg comes from. @default - the static one of the optional npm package */
  readonly ffmpeg?: WorkerFfmpeg;
}

/** Clips of about a minute on two processors, and how long an uploader should wait until work begins. */
const WORKLOAD = new Workload({
  averageProcessingTime: Duration.seconds(45),
  p99ProcessingTime: Duration.seconds(90),
  acceptableLatency: Duration.minutes(5),
});

/** Upload, queue, a fleet of encoders, and a page that plays the result. */
export class VideoUploadStack extends Stack {
  readonly queue: WorkQueue | FifoWorkQueue;
  readonly videos: QueueFleet;
  readonly buckets: VideoBuckets;
  readonly upload: UploadApi;
  readonly page: VideoPage | undefined;
  readonly distributions: readonly cloudfront.Distribution[];
  readonly hasAuthorizer: boolean;

  constructor(scope: Construct, id: string, props: VideoUploadStackProps = {}) {
    super(scope, id, props);
    const access = props.access ?? ApiAccess.open();
    const buckets = new VideoBuckets(this, 'Buckets');
    this.buckets = buckets;
    this.hasAuthorizer = access.authorizer !== undefined;
    const delivery = new MediaDelivery(this, 'Delivery', {
      mediaBucket: buckets.media,
      accessLogsBucket: buckets.accessLogs,
    });
    this.page =
      (props.page ?? access.fromBrowser)
        ? new VideoPage(this, 'Page', { accessLogsBucket: buckets.accessLogs })
        : undefined;
    const { page } = this;
    this.distributions = [delivery.distribution, ...(page === undefined ? [] : [page.distribution])];
    const origins = [...(page === undefined ? [] : [page.origin]), ...(props.pageOrigins ?? [])];
    buckets.allowOrigins(origins);

    this.queue = props.ordered === true ? this.orderedQueue() : this.unorderedQueue(buckets);
    this.videos = this.createFleet(props, buckets);

    this.upload = new UploadApi(this, 'Upload', {
      uploadsBucket: buckets.uploads,
      mediaBucket: buckets.media,
      access,
      mediaBaseUrl: delivery.baseUrl,
      pageOrigins: origins,
      ...(props.ordered === true && { queueUrl: this.queue.queue.queueUrl }),
    });
    const { upload } = this;
    if (this.queue instanceof FifoWorkQueue) this.queue.addProducer(Producer.role(upload.handler));
    page?.deploy(
      {
        apiUrl: upload.api.apiEndpoint,
        postMaxBytes: POST_MAX_BYTES,
        maxBytes: UPLOAD_MAX_BYTES,
        confirmUploads: props.ordered === true,
      },
      buckets.uploads,
    );

    new CfnOutput(this, 'ApiUrl', { value: upload.api.apiEndpoint });
    if (page !== undefined) new CfnOutput(this, 'PageUrl', { value: page.origin });
  }

  private unorderedQueue(buckets: VideoBuckets): WorkQueue {
    const queue = new WorkQueue(this, 'Queue', {
      visibilityTimeout: WORKLOAD.visibilityTimeout,
      maxReceiveCount: WORKLOAD.maxReceiveCount,
    });
    queue.addProducer(Producer.bucket(buckets.uploads, { prefix: INCOMING_PREFIX }));
    return queue;
  }

  /** S3 cannot write to a FIFO queue: the API sends when the page says that an upload is complete. */
  private orderedQueue(): FifoWorkQueue {
    return new FifoWorkQueue(this, 'Queue', {
      visibilityTimeout: WORKLOAD.visibilityTimeout,
      maxReceiveCount: WORKLOAD.maxReceiveCount,
    });
  }

  private createFleet(props: VideoUploadStackProps, buckets: VideoBuckets): QueueFleet {
    const { file, path, architecture } = props.ffmpeg ?? packagedFfmpeg();
    const videos = new QueueFleet(this, 'Videos', {
      workload: WORKLOAD,
      queue: this.queue,
      code: WorkerCode.fromModule(join(__dirname, 'transcode', 'main.ts'), {
        ...(file !== undefined && { extraFiles: { 'bin/ffmpeg': file } }),
      }),
      instanceType: workerInstanceType(architecture),
      egress: props.egress ?? FleetEgress.VPC_ENDPOINTS,
      // The longest video at the highest rate, see transcode/disk-space.ts, and 8 GiB for the system.
      volumeSize: Size.gibibytes(24),
      minCapacity: 1,
      maxCapacity: props.maxCapacity ?? 4,
      // Each uploader is a message group: as many instances can work as there are people uploading.
      ...(props.ordered === true && { messageGroups: 100 }),
      environment: {
        UPLOADS_BUCKET: buckets.uploads.bucketName,
        MEDIA_BUCKET: buckets.media.bucketName,
        MAX_UPLOAD_BYTES: String(UPLOAD_MAX_BYTES),
        ...(path !== undefined && { FFMPEG_PATH: path }),
      },
    });
    const { fleet } = videos;
    fleet.vpc.addFlowLog('FlowLog', { destination: ec2.FlowLogDestination.toCloudWatchLogs() });
    if (file === undefined && path === undefined) {
      Annotations.of(this).addWarningV2(
        'cdk-queue-fleet:example-no-ffmpeg',
        'No static ffmpeg travels with the workers and Amazon Linux has none: run npm ci with optional dependencies, or set the context ffmpeg to a file',
      );
    }
    const allow = (actions: string[], resources: string[]): void => {
      fleet.role.addToPrincipalPolicy(new iam.PolicyStatement({ actions, resources }));
    };
    allow(['s3:GetObject'], [buckets.uploads.arnForObjects(`${INCOMING_PREFIX}*`)]);
    // Large files go in parts: PutObject is the right to begin, send and complete them, not to take them back.
    allow(['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'], [buckets.media.arnForObjects('*')]);
    // Listing tells 404 from 403 for a missing key, and finds the claims of a video.
    allow(['s3:ListBucket'], [buckets.uploads.bucketArn, buckets.media.bucketArn]);
    return videos;
  }
}
