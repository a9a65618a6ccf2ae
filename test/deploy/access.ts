/** Who of the example may do what, and what not: the least privilege that the deployed policies must give. */
import { FLEET_TAG } from '../../lib/private/fleet-role';

/** A role of the stack, by its path, or an AWS service that acts for a resource of the stack. */
export type Who = { readonly role: string } | { readonly service: string; readonly source: string };

/** A deployed resource by its path, an object in it, or a stranger by its ARN. */
export type Target = { readonly path: string; readonly key?: string } | { readonly arn: string };

/** One request, and what must be answered. */
export interface Access {
  readonly who: Who;
  readonly action: string;
  readonly on: Target;
  readonly allowed: boolean;
  /** Condition keys of the request. `group:tag` stands for the deployed group's own tag. */
  readonly context?: Readonly<Record<string, string>>;
}

export const GROUP = 'Videos/Fleet/Group/ASG';
/** Stands in {@link Access.context} for the value of the deployed group's tag. */
export const OWN_TAG = 'group:tag';

const WORKER = { role: 'Videos/Fleet/Role' };
const API = { role: 'Upload/Handler/ServiceRole' };
const NOTIFICATIONS = { role: 'BucketNotificationsHandler050a0587b7544547bf325f094a3db834/Role' };
const PAGE_DEPLOYMENT = { role: 'Custom::CDKBucketDeployment8693BB64968944B69AAFB0CC9EB8756C/ServiceRole' };
const FLOW_LOGS = { role: 'Videos/Fleet/FlowLogsRole' };
const S3 = { service: 's3.amazonaws.com', source: 'Buckets/Uploads' };
const OTHER_BUCKET_OF_S3 = { service: 's3.amazonaws.com', source: 'Buckets/Media' };
const CLOUDFRONT = { service: 'cloudfront.amazonaws.com', source: 'Delivery/Distribution' };
const PAGE_CLOUDFRONT = { service: 'cloudfront.amazonaws.com', source: 'Page/Distribution' };

const QUEUE = { path: 'Queue/Queue' };
const DEAD_LETTERS = { path: 'Queue/DeadLetterQueue' };
const KEY = { path: 'Queue/Key' };
const UPLOADS = { path: 'Buckets/Uploads' };
const MEDIA = { path: 'Buckets/Media' };
const PAGE = { path: 'Page/Files' };
const SOURCE = { path: 'Buckets/Uploads', key: 'incoming/a/source' };
const OUTSIDE = { path: 'Buckets/Uploads', key: 'elsewhere/a' };
const STATUS = { path: 'Buckets/Media', key: 'a/status.json' };
const VIDEO = { path: 'Buckets/Media', key: 'a/play.mp4' };
const INDEX = { path: 'Page/Files', key: 'index.html' };
/** Of the same account, but nothing of this stack. */
export const STRANGERS = {
  queue: { arn: 'arn:aws:sqs:us-east-1:123456789012:a-queue-of-somebody-else' },
  bucket: { arn: 'arn:aws:s3:::a-bucket-of-somebody-else' },
} as const;
const STRANGE_OBJECT = { arn: `${STRANGERS.bucket.arn}/a` };

type Grant = readonly [who: Who, on: Target, ...actions: string[]];
const rules = (allowed: boolean, grants: readonly Grant[], context?: Access['context']): readonly Access[] =>
  grants.flatMap(([who, on, ...actions]) =>
    actions.map((action) => ({ who, action, on, allowed, ...(context && { context }) })),
  );

const LIFE_CYCLE = [
  'autoscaling:CompleteLifecycleAction',
  'autoscaling:RecordLifecycleActionHeartbeat',
  'autoscaling:SetInstanceHealth',
  'autoscaling:SetInstanceProtection',
];
const QUEUE_OWNER = [
  'sqs:SendMessage',
  'sqs:PurgeQueue',
  'sqs:DeleteQueue',
  'sqs:SetQueueAttributes',
  'sqs:AddPermission',
];
const CONSUMER = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'];

export const ACCESS: readonly Access[] = [
  ...rules(true, [
    [WORKER, QUEUE, ...CONSUMER, 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
    [WORKER, DEAD_LETTERS, 'sqs:SendMessage'],
    [WORKER, KEY, 'kms:Decrypt', 'kms:GenerateDataKey'],
    [WORKER, SOURCE, 's3:GetObject'],
    [WORKER, STATUS, 's3:GetObject', 's3:PutObject'],
    [WORKER, VIDEO, 's3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'],
    [WORKER, UPLOADS, 's3:ListBucket'],
    [WORKER, MEDIA, 's3:ListBucket'],
    [WORKER, { path: 'Videos/Fleet/Logs' }, 'logs:CreateLogStream', 'logs:PutLogEvents'],
    [API, SOURCE, 's3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
    [API, STATUS, 's3:GetObject'],
    [API, UPLOADS, 's3:ListBucket'],
    [API, MEDIA, 's3:ListBucket'],
    [NOTIFICATIONS, UPLOADS, 's3:PutBucketNotification'],
    [PAGE_DEPLOYMENT, INDEX, 's3:PutObject', 's3:GetObject', 's3:DeleteObject'],
    [FLOW_LOGS, { path: 'Videos/Fleet/FlowLogs' }, 'logs:PutLogEvents'],
    [S3, QUEUE, 'sqs:SendMessage'],
    [S3, KEY, 'kms:GenerateDataKey', 'kms:Decrypt'],
    [CLOUDFRONT, VIDEO, 's3:GetObject'],
    [PAGE_CLOUDFRONT, INDEX, 's3:GetObject'],
  ]),
  ...rules(true, [[WORKER, { path: GROUP }, ...LIFE_CYCLE]], {
    [`aws:ResourceTag/${FLEET_TAG}`]: OWN_TAG,
  }),
  ...rules(false, [
    [WORKER, QUEUE, ...QUEUE_OWNER],
    [WORKER, DEAD_LETTERS, ...CONSUMER, 'sqs:PurgeQueue', 'sqs:DeleteQueue', 'sqs:SetQueueAttributes'],
    [WORKER, STRANGERS.queue, ...CONSUMER, 'sqs:SendMessage', 'sqs:GetQueueAttributes'],
    [WORKER, KEY, 'kms:Encrypt', 'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:CreateGrant'],
    [WORKER, SOURCE, 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
    [WORKER, OUTSIDE, 's3:GetObject'],
    [WORKER, VIDEO, 's3:DeleteObject', 's3:ListMultipartUploadParts'],
    [WORKER, MEDIA, 's3:PutBucketPolicy', 's3:DeleteBucket'],
    [WORKER, STRANGE_OBJECT, 's3:GetObject', 's3:PutObject'],
    [WORKER, { path: 'Upload/Logs' }, 'logs:PutLogEvents'],
    [WORKER, { path: GROUP }, 'autoscaling:SetDesiredCapacity', 'autoscaling:UpdateAutoScalingGroup'],
    [API, OUTSIDE, 's3:PutObject', 's3:GetObject'],
    [API, SOURCE, 's3:DeleteObject'],
    [API, VIDEO, 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    [API, STATUS, 's3:PutObject'],
    [API, QUEUE, ...CONSUMER, ...QUEUE_OWNER, 'sqs:GetQueueAttributes'],
    [API, DEAD_LETTERS, ...CONSUMER, 'sqs:SendMessage'],
    [API, STRANGE_OBJECT, 's3:GetObject', 's3:PutObject'],
    [API, KEY, 'kms:Decrypt', 'kms:GenerateDataKey'],
    [NOTIFICATIONS, MEDIA, 's3:PutBucketNotification'],
    [NOTIFICATIONS, SOURCE, 's3:GetObject', 's3:PutObject'],
    [NOTIFICATIONS, UPLOADS, 's3:PutBucketPolicy'],
    [PAGE_DEPLOYMENT, SOURCE, 's3:GetObject', 's3:PutObject'],
    [PAGE_DEPLOYMENT, VIDEO, 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    [PAGE_DEPLOYMENT, PAGE, 's3:PutBucketPolicy', 's3:DeleteBucket'],
    [FLOW_LOGS, { path: 'Videos/Fleet/Logs' }, 'logs:PutLogEvents'],
    [S3, DEAD_LETTERS, 'sqs:SendMessage'],
    [S3, QUEUE, 'sqs:ReceiveMessage', 'sqs:DeleteMessage'],
    [OTHER_BUCKET_OF_S3, QUEUE, 'sqs:SendMessage'],
    [CLOUDFRONT, SOURCE, 's3:GetObject'],
    [CLOUDFRONT, VIDEO, 's3:PutObject'],
    [PAGE_CLOUDFRONT, VIDEO, 's3:GetObject'],
  ]),
  ...rules(false, [[WORKER, { path: GROUP }, ...LIFE_CYCLE]], {
    [`aws:ResourceTag/${FLEET_TAG}`]: 'another fleet',
  }),
  // Whatever was granted, not over plain HTTP.
  ...rules(
    false,
    [
      [WORKER, QUEUE, ...CONSUMER],
      [WORKER, DEAD_LETTERS, 'sqs:SendMessage'],
      [WORKER, SOURCE, 's3:GetObject'],
      [API, SOURCE, 's3:PutObject'],
      [S3, QUEUE, 'sqs:SendMessage'],
    ],
    { 'aws:SecureTransport': 'false' },
  ),
];

/** Which service may take on each role, by its trust policy. No other may. */
export const TRUST: Readonly<Record<string, string>> = {
  [WORKER.role]: 'ec2.amazonaws.com',
  [API.role]: 'lambda.amazonaws.com',
  [NOTIFICATIONS.role]: 'lambda.amazonaws.com',
  [PAGE_DEPLOYMENT.role]: 'lambda.amazonaws.com',
  [FLOW_LOGS.role]: 'vpc-flow-logs.amazonaws.com',
};
