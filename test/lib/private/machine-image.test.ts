import { App, CfnParameter, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { checkMachineImage } from '../../../lib/private/machine-image';
import { Violations } from '../../../lib/private/violations';

const { latestAmazonLinux2, latestAmazonLinux2023, fromSsmParameter, resolveSsmParameterAtLaunch } = ec2.MachineImage;
const { ARM_64 } = ec2.AmazonLinuxCpuType;
const ARM = 't4g.small';
const INTEL = 'm7i.large';

function errorOf(machineImage: ec2.IMachineImage, instanceType: string): string | undefined {
  const stack = new Stack(new App(), 'Test', { env: { account: '111111111111', region: 'eu-west-1' } });
  const violations = new Violations();
  const launchTemplate = new ec2.LaunchTemplate(stack, 'LaunchTemplate', { machineImage });
  checkMachineImage(launchTemplate, new ec2.InstanceType(instanceType), violations);
  try {
    violations.throwIfAny();
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

test.each<[string, ec2.IMachineImage, string]>([
  ['Amazon Linux 2023 for arm64', latestAmazonLinux2023({ cpuType: ARM_64 }), ARM],
  ['Amazon Linux 2023 for x86_64', latestAmazonLinux2023(), INTEL],
  ['the same, kept', latestAmazonLinux2023({ cpuType: ARM_64, cachedInContext: true }), ARM],
  ['the same for containers', ecs.EcsOptimizedImage.amazonLinux2023(ecs.AmiHardwareType.ARM), ARM],
  ['an image by its id', ec2.MachineImage.genericLinux({ 'eu-west-1': 'ami-1' }), ARM],
  ['an image that is looked up', ec2.MachineImage.lookup({ name: 'workers-*' }), ARM],
  ['a parameter of their own', fromSsmParameter('/company/images/worker'), ARM],
  ['a parameter that is read at launch', resolveSsmParameterAtLaunch('/company/images/arm64/worker'), ARM],
  ['an instance type that only the deployment knows', latestAmazonLinux2023(), Token.asString({ Ref: 'Type' })],
])('accepts %s', (_, image, type) => {
  expect(errorOf(image, type)).toBeUndefined();
});

test('accepts an image that only the deployment knows', () => {
  const image: ec2.IMachineImage = {
    getImage: (scope) => ({
      imageId: new CfnParameter(scope, 'Image').valueAsString,
      osType: ec2.OperatingSystemType.LINUX,
      userData: ec2.UserData.forLinux(),
    }),
  };
  expect(errorOf(image, ARM)).toBeUndefined();
});

test.each<[string, ec2.IMachineImage, string]>([
  ['an image for x86_64 on arm64', latestAmazonLinux2023(), ARM],
  ['the same, kept, when it is looked up', latestAmazonLinux2023({ cachedInContext: true }), ARM],
  ['an image for arm64 on x86_64', latestAmazonLinux2023({ cpuType: ARM_64 }), INTEL],
  ['a parameter of their own', fromSsmParameter('/company/images/x86_64'), ARM],
  ['a parameter that is read at launch', resolveSsmParameterAtLaunch('/company/amd64'), ARM],
])('refuses %s', (_, image, type) => {
  expect(errorOf(image, type)).toMatch(/^MachineImageArchitectureDiffers: 'machineImage' \((x86_64|arm64)\) must have/);
});

test('says which processor to ask for', () => {
  expect(errorOf(latestAmazonLinux2023(), ARM)).toContain(
    "'instanceType' (t4g.small, arm64): leave it out, pass 'cpuType: ec2.AmazonLinuxCpuType.ARM_64'",
  );
});

test.each<[string, ec2.IMachineImage, string]>([
  ['Amazon Linux 2', latestAmazonLinux2(), INTEL],
  ['Amazon Linux 2', latestAmazonLinux2({ cpuType: ARM_64 }), ARM],
  ['Amazon Linux 2', ecs.EcsOptimizedImage.amazonLinux2(), INTEL],
  ['Amazon Linux 1', fromSsmParameter('/aws/service/ami-amazon-linux-latest/amzn-ami-hvm-x86_64-gp2'), INTEL],
  ['Bottlerocket', new ecs.BottleRocketImage(), INTEL],
  [
    'Ubuntu',
    fromSsmParameter('/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id'),
    ARM,
  ],
  ['Windows', ec2.MachineImage.latestWindows(ec2.WindowsVersion.WINDOWS_SERVER_2022_ENGLISH_FULL_BASE), INTEL],
  ['Windows', ec2.MachineImage.genericWindows({ 'eu-west-1': 'ami-1' }), INTEL],
])('refuses %s', (system, image, type) => {
  expect(errorOf(image, type)).toMatch(new RegExp(`^MachineImageNotSupported: 'machineImage' \\(${system}\\) must be`));
});
