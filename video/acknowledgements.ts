import { type CfnElement, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { VideoUploadStack } from './video-upload-stack';

/** A finding of cdk-nag's AwsSolutions pack, and why it is accepted. */
type Acknowledgement = readonly [id: string, reason: string];

/**
 * Findings that this example accepts, each at the construct that it is about and with the reason. A new finding anywhere
 * else still fails the synthesis.
 */
export function acknowledgeFindings(stack: VideoUploadStack): void {
  const { buckets, upload, distributions } = stack;
  const { fleet } = stack.videos;
  const arn = (bucket: IConstruct): string => `<${stack.getLogicalId(bucket.node.defaultChild as CfnElement)}.Arn>`;
  const resource = (pattern: string): string => `AwsSolutions-IAM5[Resource::${pattern}]`;

  for (const distribution of distributions) {
    acknowledge(distribution, [
      ['AwsSolutions-CFR1', 'Videos may be watched from every country'],
      ['AwsSolutions-CFR2', 'A web ACL costs more than this example; throttling of the API bounds abuse'],
      [
        'AwsSolutions-CFR4',
        "The minimum of TLS 1.2 only holds with one's own domain and certificate, which an example has not",
      ],
    ]);
  }
  acknowledge(upload.handler, [
    [BASIC_EXECUTION, 'Writes its own log group only'],
    [resource(`${arn(buckets.uploads)}/incoming/*`), 'Every upload has a key of its own below incoming/'],
    [resource(`${arn(buckets.media)}/*/status.json`), 'The status documents of all videos, and nothing else'],
  ]);
  if (!stack.hasAuthorizer) {
    acknowledge(upload.api, [
      [
        'AwsSolutions-APIG4',
        'Open by choice, for a trial: deploy with -c access=jwt or -c access=iam (docs/video-example.md)',
      ],
    ]);
  }
  acknowledge(fleet, [
    ['AwsSolutions-AS3', 'The alarms on the queue tell more than launches and terminations; WorkerFleet takes a topic'],
    ['AwsSolutions-EC23', 'The rule cannot read the CIDR block of a VPC, which is a token; it admits the VPC only'],
    [resource('*'), 'EC2 and Auto Scaling describe calls know no resource-level permission'],
    [
      resource(
        'arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:autoScalingGroup:*:autoScalingGroupName/*',
      ),
      "Conditioned on the fleet's own tag: naming the group would be circular",
    ],
    [resource(`${arn(buckets.uploads)}/incoming/*`), 'Every upload has a key of its own below incoming/'],
    [resource(`${arn(buckets.media)}/*`), 'Every video has a folder of its own'],
  ]);
  const notifications = stack.node.tryFindChild(NOTIFICATIONS);
  if (notifications !== undefined) {
    acknowledge(notifications, [[BASIC_EXECUTION, 'A provider of the CDK: writes its own log group only']]);
  }
  const deployment = stack.node.tryFindChild(DEPLOYMENT);
  if (deployment !== undefined) acknowledge(deployment, deploymentFindings(stack));
}

const BASIC_EXECUTION =
  'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]';

/** Singletons that aws-cdk-lib puts into the stack, by their fixed ids. */
const NOTIFICATIONS = 'BucketNotificationsHandler050a0587b7544547bf325f094a3db834';
const DEPLOYMENT = 'Custom::CDKBucketDeployment8693BB64968944B69AAFB0CC9EB8756C';

function deploymentFindings(stack: VideoUploadStack): readonly Acknowledgement[] {
  const reason = 'The provider of BucketDeployment, as aws-cdk-lib makes it; runs at deployment only';
  const { page } = stack;
  const files = page === undefined ? '' : stack.getLogicalId(page.bucket.node.defaultChild as CfnElement);
  return [
    BASIC_EXECUTION,
    'AwsSolutions-L1',
    ...['s3:GetObject*', 's3:GetBucket*', 's3:List*', 's3:DeleteObject*', 's3:Abort*'].map(
      (action) => `AwsSolutions-IAM5[Action::${action}]`,
    ),
    'AwsSolutions-IAM5[Resource::*]',
    'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*]',
    `AwsSolutions-IAM5[Resource::<${files}.Arn>/*]`,
  ].map((id) => [id, reason]);
}

function acknowledge(construct: IConstruct, findings: readonly Acknowledgement[]): void {
  for (const [id, reason] of findings) Validations.of(construct).acknowledge({ id, reason });
}
