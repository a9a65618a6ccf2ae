/** Ways to break a template that a deployment accepts. Reading the stack back must notice each of them. */
import type { Resource, Template } from './assembly';

type Json = Record<string, unknown>;

/** One way to break a template. */
interface Mutation {
  readonly name: string;
  readonly type: string;
  /** The one property that it changes. */
  readonly property: string;
  /** Gives the property's broken value, or undefined where it does not fit. The given value may be changed in place. */
  breakValue(value: unknown): unknown;
}

/** A mutation at the place where it was applied. */
export interface Damage {
  readonly name: string;
  /** `LogicalId.Property`, as reading back spells it. */
  readonly place: string;
}

const oneMore = (value: unknown): unknown =>
  value === undefined || Number.isNaN(Number(value)) ? undefined : Number(value) + 1;

/** Changes `key` of an object, or does not fit. */
const inside =
  (key: string, change: (value: unknown) => unknown) =>
  (value: unknown): unknown => {
    const changed = value === undefined ? undefined : change((value as Json)[key]);
    if (changed === undefined) return undefined;
    (value as Json)[key] = changed;
    return value;
  };

/** Changes the first element of a list, or does not fit. */
const first =
  (change: (value: unknown) => unknown) =>
  (value: unknown): unknown => {
    const list = value as unknown[] | undefined;
    if (list === undefined) return undefined;
    const changed = change(list[0]);
    return changed === undefined ? undefined : [changed, ...list.slice(1)];
  };

const withoutLast = (value: unknown): unknown => {
  const list = value as unknown[];
  return Array.isArray(list) && list.length > 1 ? list.slice(0, -1) : undefined;
};
const withoutStatement = inside('Statement', withoutLast);
const becomes =
  (broken: unknown) =>
  (value: unknown): unknown =>
    value === undefined ? undefined : broken;

const mutation = (type: string, property: string, name: string, breakValue: (value: unknown) => unknown): Mutation => ({
  name,
  type: `AWS::${type}`,
  property,
  breakValue,
});

export const MUTATIONS: readonly Mutation[] = [
  mutation('SQS::Queue', 'VisibilityTimeout', 'visibility timeout one second longer', oneMore),
  mutation('SQS::Queue', 'MessageRetentionPeriod', 'messages kept for a minute', becomes(60)),
  mutation('SQS::Queue', 'ReceiveMessageWaitTimeSeconds', 'short polling', becomes(0)),
  mutation(
    'SQS::Queue',
    'RedrivePolicy',
    'one more receive before the dead-letter queue',
    inside('maxReceiveCount', oneMore),
  ),
  mutation(
    'SQS::Queue',
    'RedriveAllowPolicy',
    'any queue may use the dead-letter queue',
    inside('redrivePermission', becomes('allowAll')),
  ),
  mutation('SQS::QueuePolicy', 'PolicyDocument', 'the S3 producer forgotten in the queue policy', withoutStatement),
  mutation('KMS::Key', 'KeyPolicy', 'the S3 producer forgotten in the key policy', withoutStatement),
  mutation('KMS::Key', 'EnableKeyRotation', 'key rotation off', becomes(false)),
  mutation('CloudWatch::Alarm', 'Threshold', 'another alarm threshold', oneMore),
  mutation('CloudWatch::Alarm', 'EvaluationPeriods', 'one more evaluation period', oneMore),
  mutation('CloudWatch::Alarm', 'AlarmActions', 'an alarm that scales nothing', becomes([])),
  mutation('CloudWatch::Alarm', 'Metrics', 'another expression of an alarm', first(inside('Expression', becomes('v')))),
  mutation('CloudWatch::Alarm', 'TreatMissingData', 'missing data ignored', becomes('missing')),
  mutation(
    'AutoScaling::ScalingPolicy',
    'StepAdjustments',
    'another capacity in the first step',
    first(inside('ScalingAdjustment', oneMore)),
  ),
  mutation('AutoScaling::AutoScalingGroup', 'MaxSize', 'one more instance', oneMore),
  mutation(
    'AutoScaling::AutoScalingGroup',
    'LifecycleHookSpecificationList',
    'a second more for the lifecycle hook',
    first(inside('HeartbeatTimeout', oneMore)),
  ),
  mutation('AutoScaling::AutoScalingGroup', 'HealthCheckGracePeriod', 'a longer grace period', oneMore),
  mutation(
    'EC2::LaunchTemplate',
    'LaunchTemplateData',
    'the first version of the instance metadata service',
    inside('MetadataOptions', inside('HttpTokens', becomes('optional'))),
  ),
  mutation(
    'EC2::VPCEndpoint',
    'PolicyDocument',
    'an endpoint for every account',
    inside('Statement', first(inside('Condition', becomes({})))),
  ),
  mutation(
    'IAM::ManagedPolicy',
    'PolicyDocument',
    'a worker that may receive from every queue',
    inside('Statement', first(widened)),
  ),
  mutation('IAM::Policy', 'PolicyDocument', 'a statement of a role policy gone', withoutStatement),
  mutation(
    'IAM::Role',
    'AssumeRolePolicyDocument',
    'a role for another service',
    inside('Statement', first(inside('Principal', becomes({ Service: 'ecs-tasks.amazonaws.com' })))),
  ),
  mutation(
    'S3::Bucket',
    'CorsConfiguration',
    'uploads allowed from another origin',
    inside('CorsRules', first(inside('AllowedOrigins', becomes(['https://elsewhere.example'])))),
  ),
  mutation(
    'S3::Bucket',
    'PublicAccessBlockConfiguration',
    'public policies allowed',
    inside('BlockPublicPolicy', becomes(false)),
  ),
  mutation(
    'S3::Bucket',
    'LifecycleConfiguration',
    'objects kept a day longer',
    inside('Rules', first(inside('ExpirationInDays', oneMore))),
  ),
  mutation(
    'S3::BucketPolicy',
    'PolicyDocument',
    'plain HTTP allowed',
    inside('Statement', (list) => ((list as unknown[]).length > 1 ? (list as unknown[]).slice(1) : undefined)),
  ),
  mutation(
    'Lambda::Function',
    'Environment',
    'another limit for the handler',
    inside('Variables', inside('MAX_UPLOAD_BYTES', becomes('1'))),
  ),
  mutation('Lambda::Function', 'Timeout', 'a longer timeout of a function', oneMore),
  mutation('ApiGatewayV2::Route', 'RouteKey', 'another route', becomes('POST /elsewhere')),
  mutation('ApiGatewayV2::Api', 'CorsConfiguration', 'an API for every origin', inside('AllowOrigins', becomes(['*']))),
  mutation('ApiGatewayV2::Stage', 'DefaultRouteSettings', 'another throttle', inside('ThrottlingBurstLimit', oneMore)),
  mutation('Logs::LogGroup', 'RetentionInDays', 'logs kept longer', becomes(365)),
  {
    ...mutation('', 'NotificationConfiguration', 'no notification from the bucket', becomes({})),
    type: 'Custom::S3BucketNotifications',
  },
];

/** The first statement, of the queue's consumer, for any resource. */
function widened(statement: unknown): unknown {
  const { Action: actions } = statement as Json;
  return JSON.stringify(actions).includes('sqs:ReceiveMessage') ? { ...(statement as Json), Resource: '*' } : undefined;
}

/** Applies every mutation in place, each at a property of its own. @throws Error for a mutation that fits nowhere */
export function breakTemplate(template: Template): readonly Damage[] {
  const damages: Damage[] = [];
  for (const { name, type, property, breakValue } of MUTATIONS) {
    const place = Object.entries(template.Resources)
      .filter(([logicalId, { Type }]) => Type === type && !damages.some((d) => d.place === `${logicalId}.${property}`))
      .find(([, resource]) => breakProperty(resource, property, breakValue));
    if (place === undefined) throw new Error(`nothing in the template fits: ${name}`);
    damages.push({ name, place: `${place[0]}.${property}` });
  }
  return damages;
}

function breakProperty(resource: Resource, property: string, breakValue: Mutation['breakValue']): boolean {
  const properties = (resource.Properties ??= {});
  const broken = breakValue(structuredClone(properties[property]));
  if (broken === undefined) return false;
  properties[property] = broken;
  return true;
}
