import { CfnParameter, Token, Tokenization } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Violations } from './violations';

/** Public parameters of images whose system has no dnf, or not the packages of Amazon Linux 2023, which the boot needs. */
const OTHER_SYSTEMS: ReadonlyArray<readonly [RegExp, string]> = [
  [/amzn2-ami|\/amazon-linux-2\//, 'Amazon Linux 2'],
  [/amzn-ami/, 'Amazon Linux 1'],
  [/\/bottlerocket\//, 'Bottlerocket'],
  [/\/canonical\//, 'Ubuntu'],
  [/\/debian\//, 'Debian'],
  [/\/suse\//, 'SUSE'],
];

const ARCHITECTURES: ReadonlyArray<readonly [RegExp, ec2.InstanceArchitecture]> = [
  [/x86_64|amd64/, ec2.InstanceArchitecture.X86_64],
  [/arm64|aarch64/, ec2.InstanceArchitecture.ARM_64],
];

/**
 * Refuses an image that can be seen not to start on the instances, or not to run their boot script. Of an image by its id
 * nothing can be seen: then EC2 refuses the launch, or the boot fails.
 */
export function checkMachineImage(
  launchTemplate: ec2.LaunchTemplate,
  instanceType: ec2.InstanceType,
  violations: Violations,
): void {
  const name = imageName(launchTemplate.imageId);
  const system =
    launchTemplate.osType === ec2.OperatingSystemType.WINDOWS
      ? 'Windows'
      : OTHER_SYSTEMS.find(([pattern]) => pattern.test(name))?.[1];
  if (system !== undefined) {
    violations.add(
      'MachineImageNotSupported',
      `'machineImage' (${system}) must be Amazon Linux 2023 or an image made from it: leave it out, or use ec2.MachineImage.latestAmazonLinux2023()`,
    );
  }
  const architecture = ARCHITECTURES.find(([pattern]) => pattern.test(name))?.[1];
  if (architecture === undefined || Token.isUnresolved(instanceType.toString())) return;
  if (architecture !== instanceType.architecture) {
    const wanted = instanceType.architecture;
    const cpuType = wanted === ec2.InstanceArchitecture.ARM_64 ? 'ARM_64' : 'X86_64';
    violations.add(
      'MachineImageArchitectureDiffers',
      `'machineImage' (${architecture}) must have the architecture of 'instanceType' (${instanceType.toString()}, ${wanted}): leave it out, pass 'cpuType: ec2.AmazonLinuxCpuType.${cpuType}' to ec2.MachineImage.latestAmazonLinux2023(), or choose another 'instanceType'`,
    );
  }
}

/** The name of the public or own parameter that holds the image's id, where that is known; else the id. */
function imageName(imageId = ''): string {
  const token = Tokenization.reverseString(imageId).firstToken;
  if (token === undefined) return imageId;
  const parameter = 'target' in token ? token.target : undefined;
  return parameter instanceof CfnParameter ? String(parameter.default) : '';
}
