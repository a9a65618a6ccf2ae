/**
 * The CDK app of the worked example (`cdk.json`). Context, all optional:
 *
 * | key                     | value                                                                                |
 * | ----------------------- | ------------------------------------------------------------------------------------ |
 * | `ordered`               | `true`: each uploader's videos in order, by a FIFO queue                             |
 * | `access`                | `open` (default), `iam`, or `jwt` with `jwtIssuer` and `jwtAudience`                 |
 * | `page`                  | `false`: without the page                                                            |
 * | `pageOrigins`           | more origins whose pages may upload, separated by commas                             |
 * | `egress`                | `endpoints` (default) or `nat`                                                       |
 * | `maxCapacity`           | most instances, default 4                                                            |
 * | `ffmpeg`, `ffmpegArch`  | a static ffmpeg for the workers, and its architecture: `arm64` (default) or `x86_64` |
 * | `cdk-queue-fleet:local` | set by a local run: the workers use this machine's ffmpeg                            |
 */
import { App, aws_ec2 as ec2, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { FleetEgress } from '../lib';
import { acknowledgeFindings } from '../video/acknowledgements';
import { ApiAccess } from '../video/api-access';
import { findFfmpeg } from '../video/transcode/find-ffmpeg';
import { VideoUploadStack } from '../video/video-upload-stack';
import { packagedFfmpeg, type WorkerFfmpeg } from '../video/worker-ffmpeg';

const app = new App();
const context = (key: string): string | undefined => {
  const value: unknown = app.node.tryGetContext(key);
  return value === undefined || value === null ? undefined : String(value);
};

function access(): ApiAccess {
  const wanted = context('access') ?? 'open';
  switch (wanted) {
    case 'open':
      return ApiAccess.open();
    case 'iam':
      return ApiAccess.iam();
    case 'jwt': {
      const issuer = context('jwtIssuer');
      const audience = context('jwtAudience');
      if (issuer === undefined || audience === undefined) {
        throw new Error('access=jwt needs -c jwtIssuer=<https://…> and -c jwtAudience=<client id>');
      }
      return ApiAccess.jwt(issuer, audience.split(','));
    }
    default:
      throw new Error(`access is '${wanted}': use open, iam or jwt`);
  }
}

function ffmpeg(): WorkerFfmpeg {
  const file = context('ffmpeg');
  const { X86_64, ARM_64 } = ec2.InstanceArchitecture;
  if (file !== undefined) return { file, architecture: context('ffmpegArch') === 'x86_64' ? X86_64 : ARM_64 };
  const packaged = packagedFfmpeg();
  return context('cdk-queue-fleet:local') === 'true'
    ? { path: localFfmpeg(), architecture: packaged.architecture }
    : packaged;
}

/** This machine's ffmpeg. Without one nothing can be encoded here: the app ends with that one line. */
function localFfmpeg(): string {
  try {
    return findFfmpeg();
  } catch (error) {
    console.error((error as Error).message);
    return process.exit(1);
  }
}

const stack = new VideoUploadStack(app, 'VideoUpload', {
  description: 'Video upload: presigned uploads, an SQS queue and a fleet of encoders',
  ordered: context('ordered') === 'true',
  access: access(),
  ...(context('page') === 'false' && { page: false }),
  pageOrigins: context('pageOrigins')?.split(',') ?? [],
  egress: context('egress') === 'nat' ? FleetEgress.NAT_GATEWAY : FleetEgress.VPC_ENDPOINTS,
  maxCapacity: Number(context('maxCapacity') ?? 4),
  ffmpeg: ffmpeg(),
});

Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
acknowledgeFindings(stack);
app.synth();
