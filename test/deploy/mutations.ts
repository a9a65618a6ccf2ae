/** Ways to break a template that a deployment accepts. Reading the stack back must notice each of them. */

/** A resource of a template, as loose as JSON is. */
export interface Resource {
  readonly Type: string;
  Properties?: Record<string, unknown>;
}

/** One way to break a template. `apply` changes the given properties and returns true, or returns false where it does not fit. */
export interface Mutation {
  readonly name: string;
  readonly type: string;
  apply(properties: Record<string, unknown>): boolean;
}

const asRecord = (value: unknown): Record<string, unknown> => value as Record<string, unknown>;

/** Adds one to the number at `key`, whether it is written as a number or as text. */
function increment(properties: Record<string, unknown>, key: string): boolean {
  if (properties[key] === undefined || Number.isNaN(Number(properties[key]))) return false;
  properties[key] = Number(properties[key]) + 1;
  return true;
}

/** Drops the last statement of a policy document. */
function dropStatement(properties: Record<string, unknown>, key: string): boolean {
  const statements = asRecord(properties[key])['Statement'] as unknown[];
  return statements.length > 1 && statements.pop() !== undefined;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'visibility timeout one second longer',
    type: 'AWS::SQS::Queue',
    apply: (p) => increment(p, 'VisibilityTimeout'),
  },
  {
    name: 'one more receive before the dead-letter queue',
    type: 'AWS::SQS::Queue',
    apply: (p) => p['RedrivePolicy'] !== undefined && increment(asRecord(p['RedrivePolicy']), 'maxReceiveCount'),
  },
  {
    name: 'a statement of a queue policy gone',
    type: 'AWS::SQS::QueuePolicy',
    apply: (p) => dropStatement(p, 'PolicyDocument'),
  },
  { name: 'a statement of the key policy gone', type: 'AWS::KMS::Key', apply: (p) => dropStatement(p, 'KeyPolicy') },
  { name: 'key rotation off', type: 'AWS::KMS::Key', apply: (p) => (p['EnableKeyRotation'] = false) === false },
  { name: 'another alarm threshold', type: 'AWS::CloudWatch::Alarm', apply: (p) => increment(p, 'Threshold') },
  {
    name: 'one more evaluation period',
    type: 'AWS::CloudWatch::Alarm',
    apply: (p) => increment(p, 'EvaluationPeriods'),
  },
  {
    name: 'another capacity in the first step',
    type: 'AWS::AutoScaling::ScalingPolicy',
    apply: (p) => {
      const [step] = (p['StepAdjustments'] as Array<Record<string, unknown>> | undefined) ?? [];
      return step !== undefined && increment(step, 'ScalingAdjustment');
    },
  },
  {
    name: 'a second more for the lifecycle hook',
    type: 'AWS::AutoScaling::AutoScalingGroup',
    apply: (p) => {
      const [hook] = (p['LifecycleHookSpecificationList'] as Array<Record<string, unknown>> | undefined) ?? [];
      return hook !== undefined && increment(hook, 'HeartbeatTimeout');
    },
  },
  {
    name: 'no notification from the bucket',
    type: 'Custom::S3BucketNotifications',
    apply: (p) => Object.keys((p['NotificationConfiguration'] = {})).length === 0,
  },
  {
    name: 'a statement of a role policy gone',
    type: 'AWS::IAM::Policy',
    apply: (p) => dropStatement(p, 'PolicyDocument'),
  },
  {
    name: 'uploads allowed from another origin',
    type: 'AWS::S3::Bucket',
    apply: (p) => {
      const [rule] = (asRecord(p['CorsConfiguration'] ?? {})['CorsRules'] as Array<Record<string, unknown>>) ?? [];
      if (rule === undefined) return false;
      rule['AllowedOrigins'] = ['https://elsewhere.example'];
      return true;
    },
  },
];

/** Applies `mutation` to the first resource that it fits, in place. @returns the resource's logical id, or undefined */
export function mutate(resources: Record<string, Resource>, mutation: Mutation): string | undefined {
  for (const [logicalId, resource] of Object.entries(resources)) {
    if (resource.Type === mutation.type && mutation.apply((resource.Properties ??= {}))) return logicalId;
  }
  return undefined;
}
