import { createRequire } from 'node:module';
import { join } from 'node:path';
import { aws_ec2 as ec2 } from 'aws-cdk-lib';

/** How the workers get their ffmpeg: Amazon Linux 2023 has none in its repositories. */
export interface WorkerFfmpeg {
  /** File that travels in the worker's asset, as `bin/ffmpeg`. */
  readonly file?: string;
  /** Path that the workers are told instead: for a local run, where copying 66 MB would only take time. */
  readonly path?: string;
  /** Architecture that the file runs on; decides the instance type. */
  readonly architecture: ec2.InstanceArchitecture;
}

const PACKAGES: readonly (readonly [ec2.InstanceArchitecture, string])[] = [
  [ec2.InstanceArchitecture.ARM_64, '@ffmpeg-installer/linux-arm64'],
  [ec2.InstanceArchitecture.X86_64, '@ffmpeg-installer/linux-x64'],
];

/**
 * The static ffmpeg of the optional npm packages, arm64 first since its instances cost less. npm installs only the
 * package of this machine's architecture; the workers then get instances of the same.
 *
 * @returns a choice without a file when no package is installed
 */
export function packagedFfmpeg(): WorkerFfmpeg {
  const require = createRequire(join(__dirname, 'package.json'));
  for (const [architecture, name] of PACKAGES) {
    try {
      return { architecture, file: require.resolve(`${name}/ffmpeg`) };
    } catch {
      // Not installed: npm skips packages of other architectures.
    }
  }
  return { architecture: ec2.InstanceArchitecture.ARM_64 };
}

/** Instances that suit an encoder of this architecture: two processors, 4 GiB. */
export function workerInstanceType(architecture: ec2.InstanceArchitecture): ec2.InstanceType {
  const { C6G, C6A } = ec2.InstanceClass;
  const instanceClass = architecture === ec2.InstanceArchitecture.ARM_64 ? C6G : C6A;
  return ec2.InstanceType.of(instanceClass, ec2.InstanceSize.LARGE);
}
