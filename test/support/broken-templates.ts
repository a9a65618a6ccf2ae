/** Templates that the rules are about. */
export type Resources = Readonly<Record<string, { readonly Type: string; readonly Properties: object }>>;

export const arnOf = (logicalId: string): object => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
export const queue = (properties: object = {}): Resources[string] => ({
  Type: 'AWS::SQS::Queue',
  Properties: properties,
});
export const deadLetters = (properties: object = {}): Resources[string] =>
  queue({ MessageRetentionPeriod: 1_209_600, ...properties });
export const redrive = (maxReceiveCount: number): object => ({
  RedrivePolicy: { deadLetterTargetArn: arnOf('Dlq'), maxReceiveCount },
});
export const policy = (...statements: object[]): Resources[string] => ({
  Type: 'AWS::SQS::QueuePolicy',
  Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: { Version: '2012-10-17', Statement: statements } },
});
export const s3Statement = {
  Effect: 'Allow',
  Principal: { Service: 's3.amazonaws.com' },
  Action: 'sqs:SendMessage',
  Resource: arnOf('Queue'),
  Condition: { ArnLike: { 'aws:SourceArn': arnOf('Bucket') } },
};
export const bucket: Resources[string] = {
  Type: 'AWS::S3::Bucket',
  Properties: {
    NotificationConfiguration: { QueueConfigurations: [{ Event: 's3:ObjectCreated:*', Queue: arnOf('Queue') }] },
  },
};
export const rootStatement = {
  Effect: 'Allow',
  Principal: { AWS: { 'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root' } },
  Action: 'kms:*',
  Resource: '*',
};
export const s3KeyStatement = {
  Effect: 'Allow',
  Principal: { Service: 's3.amazonaws.com' },
  Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
  Resource: '*',
};
export const key = (...statements: object[]): Resources[string] => ({
  Type: 'AWS::KMS::Key',
  Properties: { KeyPolicy: { Version: '2012-10-17', Statement: statements } },
});
export const steps = (...bounds: Array<[number | undefined, number | undefined]>): Resources[string] => ({
  Type: 'AWS::AutoScaling::ScalingPolicy',
  Properties: {
    AutoScalingGroupName: 'group',
    PolicyType: 'StepScaling',
    AdjustmentType: 'ExactCapacity',
    StepAdjustments: bounds.map(([lower, upper], index) => ({
      MetricIntervalLowerBound: lower,
      MetricIntervalUpperBound: upper,
      ScalingAdjustment: index + 1,
    })),
  },
});
export const targetTracking = (...returnData: Array<boolean | undefined>): Resources[string] => ({
  Type: 'AWS::AutoScaling::ScalingPolicy',
  Properties: {
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingConfiguration: {
      TargetValue: 1,
      CustomizedMetricSpecification: {
        Metrics: returnData.map((value, index) => ({ Id: `m${index}`, Expression: '1', ReturnData: value })),
      },
    },
  },
});

/** One broken template a row: the rule, the resource to blame, the template. */
export const BROKEN: ReadonlyArray<readonly [rule: string, logicalId: string, resources: Resources]> = [
  ['QF_MAX_RECEIVE_COUNT_OUT_OF_RANGE', 'Queue', { Queue: queue(redrive(0)), Dlq: deadLetters() }],
  ['QF_MAX_RECEIVE_COUNT_OUT_OF_RANGE', 'Queue', { Queue: queue(redrive(5000)), Dlq: deadLetters() }],
  ['QF_RETENTION_OUT_OF_RANGE', 'Queue', { Queue: queue({ MessageRetentionPeriod: 59 }) }],
  ['QF_VISIBILITY_OUT_OF_RANGE', 'Queue', { Queue: queue({ VisibilityTimeout: 43_201 }) }],
  [
    'QF_VISIBILITY_LONGER_THAN_RETENTION',
    'Queue',
    { Queue: queue({ VisibilityTimeout: 600, MessageRetentionPeriod: 300 }) },
  ],
  ['QF_SHORT_POLL', 'Queue', { Queue: queue({ ReceiveMessageWaitTimeSeconds: 0 }) }],
  [
    'QF_FIFO_THROUGHPUT_HALF_SET',
    'Queue',
    { Queue: queue({ FifoQueue: true, FifoThroughputLimit: 'perMessageGroupId' }) },
  ],
  ['QF_FIFO_NAME', 'Queue', { Queue: queue({ FifoQueue: true, QueueName: 'jobs' }) }],
  ['QF_UNENCRYPTED_QUEUE', 'Queue', { Queue: queue({ SqsManagedSseEnabled: false }) }],
  ['QF_DEAD_LETTER_TYPE', 'Queue', { Queue: queue({ FifoQueue: true, ...redrive(3) }), Dlq: deadLetters() }],
  ['QF_DEAD_LETTER_RETENTION', 'Dlq', { Queue: queue(redrive(3)), Dlq: queue() }],
  [
    'QF_DEAD_LETTER_DENIES',
    'Dlq',
    { Queue: queue(redrive(3)), Dlq: deadLetters({ RedriveAllowPolicy: { redrivePermission: 'denyAll' } }) },
  ],
  ['QF_S3_PRODUCER_NOT_ALLOWED', 'Queue', { Queue: queue(), Bucket: bucket }],
  ['QF_S3_TO_FIFO', 'Queue', { Queue: queue({ FifoQueue: true }), Bucket: bucket, Policy: policy(s3Statement) }],
  [
    'QF_KEY_FORGETS_S3',
    'Key',
    {
      Queue: queue({ KmsMasterKeyId: arnOf('Key') }),
      Bucket: bucket,
      Policy: policy(s3Statement),
      Key: key(rootStatement),
    },
  ],
  [
    'QF_AWS_MANAGED_KEY_WITH_SERVICE',
    'Queue',
    { Queue: queue({ KmsMasterKeyId: 'alias/aws/sqs' }), Bucket: bucket, Policy: policy(s3Statement) },
  ],
  ['QF_CONFUSED_DEPUTY', 'Policy', { Queue: queue(), Policy: policy({ ...s3Statement, Condition: undefined }) }],
  [
    'QF_CONFUSED_DEPUTY',
    'Policy',
    { Queue: queue(), Policy: policy({ ...s3Statement, Condition: { Bool: { 'aws:SecureTransport': 'true' } } }) },
  ],
  [
    'QF_PUBLIC_QUEUE',
    'Policy',
    { Queue: queue(), Policy: policy({ Effect: 'Allow', Principal: '*', Action: 'sqs:*', Resource: arnOf('Queue') }) },
  ],
  [
    'QF_QUEUE_POLICY_TOO_LONG',
    'Policy',
    { Queue: queue(), Policy: policy(...Array.from({ length: 21 }, (_, i) => ({ ...s3Statement, Sid: `S${i}` }))) },
  ],
  ['QF_KEY_LOCKOUT', 'Key', { Key: key(s3KeyStatement) }],
  ['QF_STEP_GAP', 'Steps', { Steps: steps([0, 1], [2, undefined]) }],
  ['QF_STEP_OVERLAP', 'Steps', { Steps: steps([0, 2], [1, undefined]) }],
  ['QF_TWO_RETURN_DATA', 'Tracking', { Tracking: targetTracking(undefined, true) }],
  ['QF_TWO_RETURN_DATA', 'Tracking', { Tracking: targetTracking(false, false) }],
  [
    'QF_HOOK_HEARTBEAT_OUT_OF_RANGE',
    'Hook',
    { Hook: { Type: 'AWS::AutoScaling::LifecycleHook', Properties: { HeartbeatTimeout: 7_201 } } },
  ],
  [
    'QF_SUM_OF_A_GAUGE',
    'Alarm',
    {
      Alarm: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: { Namespace: 'AWS/SQS', MetricName: 'ApproximateNumberOfMessagesVisible', Statistic: 'Sum' },
      },
    },
  ],
  [
    'QF_MIN_ABOVE_MAX',
    'Group',
    { Group: { Type: 'AWS::AutoScaling::AutoScalingGroup', Properties: { MinSize: '3', MaxSize: '2' } } },
  ],
  [
    'QF_GROUP_WITHOUT_ROOM',
    'Group',
    { Group: { Type: 'AWS::AutoScaling::AutoScalingGroup', Properties: { MinSize: 0, MaxSize: 0 } } },
  ],
  [
    'QF_GROUP_WITHOUT_ROOM',
    'Group',
    { Group: { Type: 'AWS::AutoScaling::AutoScalingGroup', Properties: { MinSize: '0', MaxSize: '0' } } },
  ],
];
