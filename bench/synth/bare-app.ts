/**
 * The resources of the worked example without anything that makes them: each as the typed L1 of its service, read from the
 * template that the example gave, in an app with the same files to bundle and to copy. An author who
 * writes such a stack by hand does more than this, with the L2s of aws-cdk-lib.
 *
 * Environment: BARE_TEMPLATE, the template's file; BARE_ASSETS, the example's other assets, separated by colons.
 */
import { join } from 'node:path';
import { App, AssetHashType, type BundlingOptions, DockerImage, Stack } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import * as assets from 'aws-cdk-lib/aws-s3-assets';
import { writeWorkerAsset } from '../../lib/private/worker-bundle';
import { lambdaBundle, pageBundle } from '../../video/bundle';

const ROOT = join(__dirname, '../..');

const workerBundle: BundlingOptions = {
  command: ['worker'],
  image: DockerImage.fromRegistry('scratch'),
  local: {
    tryBundle: (folder: string): boolean => {
      writeWorkerAsset({ handlerEntry: join(ROOT, 'video/transcode/main.ts'), extraFiles: {} }, folder);
      return true;
    },
  },
};

const app = new App();
const stack = new Stack(app, 'VideoUpload');
new CfnInclude(stack, 'Template', { templateFile: process.env['BARE_TEMPLATE'] ?? '' });
const bundles = { Worker: workerBundle, Upload: lambdaBundle('lambda/uploads.ts'), Page: pageBundle() };
for (const [id, bundling] of Object.entries(bundles)) {
  const path = join(ROOT, id === 'Upload' ? 'lambda' : 'video');
  new assets.Asset(stack, id, { path, assetHashType: AssetHashType.OUTPUT, bundling });
}
for (const [index, path] of (process.env['BARE_ASSETS'] ?? '').split(':').entries()) {
  new assets.Asset(stack, `Copied${index}`, { path });
}
app.synth();
