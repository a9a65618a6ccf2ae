/** The worked example as `queue-fleet local` synthesizes it, without cdk-nag: what bench/synth/bare-app.ts is compared with. */
import { App, aws_ec2 as ec2 } from 'aws-cdk-lib';
import { VideoUploadStack } from '../../video/video-upload-stack';

const app = new App();
new VideoUploadStack(app, 'VideoUpload', {
  maxCapacity: 4,
  ffmpeg: { path: '/usr/bin/ffmpeg', architecture: ec2.InstanceArchitecture.X86_64 },
});
app.synth();
