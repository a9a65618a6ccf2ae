/** Reads queues, buckets, functions, APIs, workers, page and policies of a template. */
import path from 'node:path';
import type { TemplateResource } from '../sim/template-parts';
import { WORKER_METADATA_KEY, type WorkerMetadata } from '../worker/contract';
import type { QueueNotification } from './edge/s3-events';
import { LocalRunError } from './errors';
import type { Resolution } from './resolution';
import {
  type ApiResource,
  type BucketResource,
  type FleetResource,
  type FunctionResource,
  type HookResource,
  type Json,
  type LocalResources,
  PAGE_METADATA_KEY,
  type PageResource,
  type PolicyResource,
  type QueueResource,
} from './resource-types';

/** Reads everything of the template that a local run starts. @throws LocalRunError, TemplateError */
export function readResources(resolution: Resolution): LocalResources {
  const reader = new ResourceReader(resolution);
  return reader.read();
}

/** Logical ids of the HTTP APIs, needed before their addresses are known. */
export function apiIds(resolution: Resolution): readonly string[] {
  return resolution.assembly.template.ofType('AWS::ApiGatewayV2::Api').map(({ logicalId }) => logicalId);
}

class ResourceReader {
  constructor(private readonly resolution: Resolution) {}

  read(): LocalResources {
    const { template } = this.resolution.assembly;
    const resourcePolicies = this.#resourcePolicies();
    return {
      queues: template.ofType('AWS::SQS::Queue').map((resource) => this.#queue(resource)),
      buckets: template.ofType('AWS::S3::Bucket').map((resource) => this.#bucket(resource, resourcePolicies)),
      functions: template.ofType('AWS::Lambda::Function').flatMap((resource) => this.#function(resource)),
      apis: template.ofType('AWS::ApiGatewayV2::Api').map((resource) => this.#api(resource)),
      fleet: this.#fleet(),
      page: this.#page(),
      resourcePolicies,
      identityPolicies: this.#identityPolicies(),
      roles: Object.fromEntries(
        template.ofType('AWS::IAM::Role').map(({ logicalId }) => [logicalId, this.resolution.arn(logicalId)]),
      ),
      leftOut: LEFT_OUT.flatMap(([type, text]) => {
        const { length } = template.ofType(type);
        return length === 0 ? [] : [`${length} ${type}: ${text}`];
      }),
    };
  }

  #properties(resource: TemplateResource): Json {
    return this.resolution.resolve(resource.properties, resource.logicalId) as Json;
  }

  #queue(resource: TemplateResource): QueueResource {
    const properties = this.#properties(resource);
    const { logicalId } = resource;
    const attributes: Record<string, string> = {};
    for (const name of QUEUE_ATTRIBUTES) {
      const value = properties[name];
      if (value === undefined) continue;
      attributes[name] = typeof value === 'object' ? JSON.stringify(value) : String(value);
    }
    const redrive = properties['RedrivePolicy'] as { deadLetterTargetArn?: string } | undefined;
    return {
      logicalId,
      name: this.resolution.physicalName(logicalId),
      arn: this.resolution.arn(logicalId),
      attributes,
      ...(redrive?.deadLetterTargetArn !== undefined && { deadLetterArn: redrive.deadLetterTargetArn }),
    };
  }

  #bucket(resource: TemplateResource, policies: readonly PolicyResource[]): BucketResource {
    const { logicalId } = resource;
    const name = this.resolution.physicalName(logicalId);
    const properties = this.#properties(resource);
    const rules = array((properties['CorsConfiguration'] as Json | undefined)?.['CorsRules']);
    const cors = rules.map((rule) => ({
      allowedOrigins: strings(rule['AllowedOrigins']),
      allowedMethods: strings(rule['AllowedMethods']),
      allowedHeaders: strings(rule['AllowedHeaders']),
      exposedHeaders: strings(rule['ExposedHeaders']),
      ...(rule['MaxAge'] !== undefined && { maxAgeSeconds: Number(rule['MaxAge']) }),
    }));
    const arn = this.resolution.arn(logicalId);
    return {
      logicalId,
      name,
      cors,
      notifications: [...this.#directNotifications(properties), ...this.#customNotifications(name)],
      readable: policies.some(({ attachedTo, document }) => attachedTo === arn && allowsDistribution(document)),
    };
  }

  /** The notifications that the bucket itself declares. */
  #directNotifications(properties: Json): readonly QueueNotification[] {
    const configuration = properties['NotificationConfiguration'] as Json | undefined;
    return array(configuration?.['QueueConfigurations']).map((entry, index) => ({
      id: `queue-${index}`,
      events: [String(entry['Event'])],
      queueArn: String(entry['Queue']),
      ...keyFilter(((entry['Filter'] as Json | undefined)?.['S3Key'] as Json | undefined)?.['Rules']),
    }));
  }

  /** The notifications that CDK sets by a custom resource. */
  #customNotifications(bucketName: string): readonly QueueNotification[] {
    return this.resolution.assembly.template.ofType('Custom::S3BucketNotifications').flatMap((resource) => {
      const properties = this.#properties(resource);
      if (properties['BucketName'] !== bucketName) return [];
      const configuration = properties['NotificationConfiguration'] as Json | undefined;
      return array(configuration?.['QueueConfigurations']).map((entry, index) => ({
        id: String(entry['Id'] ?? `${resource.logicalId}-${index}`),
        events: strings(entry['Events']),
        queueArn: String(entry['QueueArn']),
        ...keyFilter(((entry['Filter'] as Json | undefined)?.['Key'] as Json | undefined)?.['FilterRules']),
      }));
    });
  }

  #function(resource: TemplateResource): readonly FunctionResource[] {
    const { logicalId, properties: raw } = resource;
    const key = (raw['Code'] as Json | undefined)?.['S3Key'];
    const runtime = String(raw['Runtime'] ?? '');
    if (typeof key !== 'string' || !runtime.startsWith('nodejs')) return [];
    const directory = this.resolution.assembly.assetPath(key.replace(/\.\w+$/, ''));
    if (directory === undefined) return [];
    const properties = this.#properties(resource);
    const environment = (properties['Environment'] as Json | undefined)?.['Variables'] ?? {};
    return [
      {
        logicalId,
        name: this.resolution.physicalName(logicalId),
        directory,
        handler: String(properties['Handler']),
        environment: texts(environment),
        timeoutSeconds: Number(properties['Timeout'] ?? 3),
        memoryMegabytes: Number(properties['MemorySize'] ?? 128),
        role: targetOf(raw['Role']),
      },
    ];
  }

  #api({ logicalId, properties: raw }: TemplateResource): ApiResource {
    const { template } = this.resolution.assembly;
    const ownedBy = (resource: TemplateResource): boolean => targetOf(resource.properties['ApiId']) === logicalId;
    const functionOf = new Map(
      template
        .ofType('AWS::ApiGatewayV2::Integration')
        .filter(ownedBy)
        .map((resource) => [resource.logicalId, functionId(resource.properties['IntegrationUri'])]),
    );
    const routes = template
      .ofType('AWS::ApiGatewayV2::Route')
      .filter(ownedBy)
      .flatMap(({ properties }) => {
        const id = functionOf.get(targetOf(lastItem(properties['Target'])) ?? '');
        return id === undefined ? [] : [{ routeKey: String(properties['RouteKey']), functionId: id }];
      });
    const cors = this.resolution.resolve(raw['CorsConfiguration'], logicalId) as Json | undefined;
    return {
      logicalId,
      routes,
      cors: cors && {
        allowedOrigins: strings(cors['AllowOrigins']),
        allowedMethods: strings(cors['AllowMethods']),
        allowedHeaders: strings(cors['AllowHeaders']),
        exposedHeaders: strings(cors['ExposeHeaders']),
        ...(cors['MaxAge'] !== undefined && { maxAgeSeconds: Number(cors['MaxAge']) }),
      },
    };
  }

  #fleet(): FleetResource | undefined {
    const { template } = this.resolution.assembly;
    const groups = template
      .ofType('AWS::AutoScaling::AutoScalingGroup')
      .filter(({ metadata }) => metadata[WORKER_METADATA_KEY] !== undefined);
    const [group, ...others] = groups;
    if (!group) return undefined;
    if (others.length > 0) {
      throw new LocalRunError(
        `${template.file} has ${groups.length} worker groups (${groups.map(({ logicalId }) => logicalId).join(', ')}): ` +
          'a local run starts one; split the stack, or pass a template with one',
      );
    }
    const { logicalId } = group;
    const worker = this.resolution.resolve(group.metadata[WORKER_METADATA_KEY], logicalId) as unknown as WorkerMetadata;
    const directory = this.resolution.assembly.assetPath(worker.assetHash);
    if (directory === undefined) {
      throw new LocalRunError(
        `${template.file}: ${logicalId}: the worker's asset ${worker.assetHash} is not beside the template: pass the app or cdk.out`,
      );
    }
    const properties = this.#properties(group);
    return {
      logicalId,
      name: this.resolution.physicalName(logicalId),
      min: Number(properties['MinSize'] ?? 0),
      max: Number(properties['MaxSize'] ?? 1),
      hooks: this.#hooks(group, properties),
      directory: path.resolve(directory),
      command: worker.command,
      environment: texts(worker.environment),
      role: this.#roleOfGroup(group),
    };
  }

  #hooks(group: TemplateResource, properties: Json): readonly HookResource[] {
    const inline = array(properties['LifecycleHookSpecificationList']);
    const separate = this.resolution.assembly.template
      .ofType('AWS::AutoScaling::LifecycleHook')
      .filter((hook) => targetOf(hook.properties['AutoScalingGroupName']) === group.logicalId)
      .map((hook) => ({ LifecycleHookName: this.resolution.physicalName(hook.logicalId), ...this.#properties(hook) }));
    return [...inline, ...(separate as readonly Json[])].map((hook) => ({
      name: String(hook['LifecycleHookName']),
      transition: String(hook['LifecycleTransition']).endsWith('INSTANCE_LAUNCHING') ? 'launching' : 'terminating',
      heartbeatTimeoutSeconds: Number(hook['HeartbeatTimeout'] ?? 3600),
      defaultResult: hook['DefaultResult'] === 'CONTINUE' ? 'CONTINUE' : 'ABANDON',
    }));
  }

  /** Group, launch template, instance profile, role. */
  #roleOfGroup(group: TemplateResource): string | undefined {
    const { resources } = this.resolution.assembly.template;
    const specification = (group.properties['LaunchTemplate'] ??
      ((group.properties['MixedInstancesPolicy'] as Json | undefined)?.['LaunchTemplate'] as Json | undefined)?.[
        'LaunchTemplateSpecification'
      ]) as Json | undefined;
    const launchTemplate = resources.get(targetOf(specification?.['LaunchTemplateId']) ?? '');
    const data = launchTemplate?.properties['LaunchTemplateData'] as Json | undefined;
    const profile = data?.['IamInstanceProfile'] as Json | undefined;
    const instanceProfile = resources.get(targetOf(profile?.['Arn'] ?? profile?.['Name']) ?? '');
    return targetOf((instanceProfile?.properties['Roles'] as readonly unknown[] | undefined)?.[0]);
  }

  #page(): PageResource | undefined {
    for (const { logicalId, metadata } of this.resolution.assembly.template.ofType('AWS::S3::Bucket')) {
      if (metadata[PAGE_METADATA_KEY] === undefined) continue;
      const page = this.resolution.resolve(metadata[PAGE_METADATA_KEY], logicalId) as Json;
      const directory = this.resolution.assembly.assetPath(String(page['assetHash']));
      if (directory === undefined) continue;
      return { directory, config: (page['config'] as Json | undefined) ?? {} };
    }
    return undefined;
  }

  #resourcePolicies(): readonly PolicyResource[] {
    const { template } = this.resolution.assembly;
    const arnOf = (reference: unknown): readonly string[] => {
      const id = targetOf(reference);
      return id === undefined ? [] : [this.resolution.arn(id)];
    };
    return [
      ...template.ofType('AWS::SQS::QueuePolicy').flatMap((resource) => {
        const document = this.#properties(resource)['PolicyDocument'] as Json;
        const queues = (resource.properties['Queues'] as readonly unknown[] | undefined) ?? [];
        return queues.flatMap(arnOf).map((attachedTo) => ({ attachedTo, document }));
      }),
      ...template.ofType('AWS::S3::BucketPolicy').flatMap((resource) => {
        const document = this.#properties(resource)['PolicyDocument'] as Json;
        return arnOf(resource.properties['Bucket']).map((attachedTo) => ({ attachedTo, document }));
      }),
      ...template.ofType('AWS::KMS::Key').flatMap((resource) => {
        const document = this.#properties(resource)['KeyPolicy'] as Json | undefined;
        return document === undefined ? [] : [{ attachedTo: this.resolution.arn(resource.logicalId), document }];
      }),
    ];
  }

  #identityPolicies(): readonly PolicyResource[] {
    const { template } = this.resolution.assembly;
    const attached = [...template.ofType('AWS::IAM::Policy'), ...template.ofType('AWS::IAM::ManagedPolicy')].flatMap(
      (resource) => {
        const document = this.#properties(resource)['PolicyDocument'] as Json;
        const roles = (resource.properties['Roles'] as readonly unknown[] | undefined) ?? [];
        return roles.flatMap((role) => {
          const id = targetOf(role);
          return id === undefined ? [] : [{ attachedTo: id, document }];
        });
      },
    );
    const inline = template.ofType('AWS::IAM::Role').flatMap((resource) =>
      array(this.#properties(resource)['Policies']).map((policy) => ({
        attachedTo: resource.logicalId,
        document: policy['PolicyDocument'] as Json,
      })),
    );
    return [...attached, ...inline];
  }
}

const QUEUE_ATTRIBUTES = [
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'DelaySeconds',
  'FifoQueue',
  'FifoThroughputLimit',
  'KmsDataKeyReusePeriodSeconds',
  'KmsMasterKeyId',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'RedriveAllowPolicy',
  'RedrivePolicy',
  'SqsManagedSseEnabled',
  'VisibilityTimeout',
] as const;

const LEFT_OUT: readonly (readonly [type: string, text: string])[] = [
  ['AWS::SNS::Topic', 'not emulated; alarms are shown instead of sent'],
  ['AWS::Events::Rule', 'not emulated; send the message yourself'],
  ['AWS::Scheduler::Schedule', 'not emulated; send the message yourself'],
  ['AWS::Lambda::EventSourceMapping', 'not emulated; only HTTP API routes call functions'],
  ['AWS::AutoScaling::ScheduledAction', 'not emulated'],
];

/** Logical id that a `Ref` or `Fn::GetAtt` points at. */
function targetOf(reference: unknown): string | undefined {
  if (typeof reference !== 'object' || reference === null) return undefined;
  const { Ref, 'Fn::GetAtt': attribute } = reference as { Ref?: string; 'Fn::GetAtt'?: unknown };
  if (typeof Ref === 'string') return Ref;
  const [id] = Array.isArray(attribute) ? (attribute as unknown[]) : String(attribute ?? '').split('.');
  return id === undefined || id === '' ? undefined : String(id);
}

/** Function behind an integration's URI: a reference, or one inside the joined ARN of API Gateway. */
function functionId(uri: unknown): string | undefined {
  const found = JSON.stringify(uri ?? '').match(/"Fn::GetAtt":\["([^"]+)","(?:Arn|[^"]+)"\]/) ?? undefined;
  return found?.[1] ?? targetOf(uri);
}

/** The reference at the end of `integrations/<id>`, which CDK joins. */
function lastItem(target: unknown): unknown {
  const join = (target as { 'Fn::Join'?: [string, unknown[]] } | undefined)?.['Fn::Join'];
  return join ? join[1].at(-1) : target;
}

function keyFilter(rules: unknown): { prefix: string; suffix: string } {
  const value = (name: string): string => {
    const rule = array(rules).find((candidate) => String(candidate['Name']).toLowerCase() === name);
    return String(rule?.['Value'] ?? '');
  };
  return { prefix: value('prefix'), suffix: value('suffix') };
}

function allowsDistribution(document: Json): boolean {
  return array(document['Statement']).some(
    (statement) =>
      statement['Effect'] === 'Allow' &&
      JSON.stringify(statement['Principal'] ?? '').includes('cloudfront') &&
      JSON.stringify(statement['Action'] ?? '').includes('s3:GetObject'),
  );
}

function array(value: unknown): readonly Json[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? (value as Json[]) : [value as Json];
}

function strings(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : []).map(String);
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(value as object).map(([name, item]) => [name, String(item)]));
}
