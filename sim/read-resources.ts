/** Queues, groups, hooks, warm pools and policies, read from their CloudFormation properties. */
import { GROUP_METRICS, readMetricList, readSingleMetric, type MetricScope } from './read-metrics';
import {
  WORKLOAD_METADATA_KEY,
  type AdjustmentType,
  type GroupModel,
  type HookModel,
  type PolicyModel,
  type QueueModel,
  type RedriveModel,
  type StepModel,
  type WarmPoolModel,
  type WorkerModel,
  type WorkloadModel,
} from './scaling-model';
import { type Template } from './template';
import { isObject, TemplateError, type JsonObject, type TemplateResource } from './template-parts';

/** What the readers share: the template, resolved properties, and the error to throw. */
export interface Reader {
  readonly template: Template;
  readonly properties: (resource: TemplateResource) => JsonObject;
  readonly fail: (logicalId: string, reason: string) => Error;
}

/** Reads one queue; `names` maps physical names to logical ids. */
export function readQueue(read: Reader, resource: TemplateResource, names: ReadonlyMap<string, string>): QueueModel {
  const properties = read.properties(resource);
  const redrive = readRedrive(read, resource, names);
  return {
    logicalId: resource.logicalId,
    fifo: truthy(properties['FifoQueue']),
    visibilityTimeoutSeconds: numberOf(read, resource, properties, 'VisibilityTimeout', 30),
    delaySeconds: numberOf(read, resource, properties, 'DelaySeconds', 0),
    retentionSeconds: numberOf(read, resource, properties, 'MessageRetentionPeriod', 345_600),
    ...(redrive === undefined ? {} : { redrive }),
  };
}

function readRedrive(
  read: Reader,
  resource: TemplateResource,
  names: ReadonlyMap<string, string>,
): RedriveModel | undefined {
  const given = resource.properties['RedrivePolicy'];
  const isLiteral = isObject(given) && 'deadLetterTargetArn' in given;
  // Its parts one by one: a dead-letter queue of another stack is no reason to refuse the queue.
  const policy = isLiteral ? read.properties({ ...resource, properties: given }) : redrivePolicy(read, resource);
  if (policy === undefined) return undefined;
  const name = deadLetterArn(policy).split(':').at(-1) ?? '';
  const deadLetterQueue = names.get(name);
  return {
    maxReceiveCount: numberOf(read, resource, policy, 'maxReceiveCount', 10),
    ...(deadLetterQueue === undefined ? {} : { deadLetterQueue }),
  };
}

function redrivePolicy(read: Reader, resource: TemplateResource): JsonObject | undefined {
  const value = read.properties(resource)['RedrivePolicy'];
  if (typeof value !== 'string') return isObject(value) ? value : undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    throw read.fail(resource.logicalId, `has RedrivePolicy '${value}', which is not JSON`);
  }
}

/** Empty when the queue is not in the template. */
function deadLetterArn(policy: JsonObject): string {
  try {
    return String(policy['deadLetterTargetArn']);
  } catch (error) {
    if (error instanceof TemplateError) return '';
    throw error;
  }
}

/** Reads the group with its hooks and its warm pool. */
export function readGroup(read: Reader, resource: TemplateResource): GroupModel {
  const properties = read.properties(resource);
  const minSize = numberOf(read, resource, properties, 'MinSize', 0);
  const maxSize = numberOf(read, resource, properties, 'MaxSize', minSize);
  if (maxSize < minSize) throw read.fail(resource.logicalId, `has MaxSize ${maxSize} below MinSize ${minSize}`);
  const warmPool = readWarmPool(read, resource, maxSize);
  return {
    logicalId: resource.logicalId,
    minSize,
    maxSize,
    desiredCapacity: numberOf(read, resource, properties, 'DesiredCapacity', minSize),
    instanceWarmupSeconds: numberOf(read, resource, properties, 'DefaultInstanceWarmup', -1),
    cooldownSeconds: numberOf(read, resource, properties, 'Cooldown', 300),
    hooks: readHooks(read, resource, properties),
    ...(warmPool === undefined ? {} : { warmPool }),
    enabledMetrics: readEnabledMetrics(properties['MetricsCollection']),
    protectedFromScaleIn: truthy(properties['NewInstancesProtectedFromScaleIn']),
  };
}

function readEnabledMetrics(collection: unknown): ReadonlySet<string> {
  const enabled = new Set<string>();
  for (const entry of Array.isArray(collection) ? collection.filter(isObject) : []) {
    // A collection without a list of metrics enables all of them.
    const metrics = Array.isArray(entry['Metrics']) ? entry['Metrics'].map(String) : GROUP_METRICS;
    for (const metric of metrics) enabled.add(metric);
  }
  return enabled;
}

function readHooks(read: Reader, group: TemplateResource, properties: JsonObject): readonly HookModel[] {
  const inline = properties['LifecycleHookSpecificationList'];
  const specifications: { logicalId: string; hook: JsonObject }[] = (Array.isArray(inline) ? inline : [])
    .filter(isObject)
    .map((hook) => ({ logicalId: `${group.logicalId}.${String(hook['LifecycleHookName'])}`, hook }));
  const groupName = properties['AutoScalingGroupName'] ?? group.logicalId;
  for (const resource of read.template.ofType('AWS::AutoScaling::LifecycleHook')) {
    const hook = read.properties(resource);
    if (hook['AutoScalingGroupName'] === groupName) specifications.push({ logicalId: resource.logicalId, hook });
  }
  return specifications.map(({ logicalId, hook }) => ({
    logicalId,
    transition: hook['LifecycleTransition'] === 'autoscaling:EC2_INSTANCE_LAUNCHING' ? 'launch' : 'terminate',
    heartbeatSeconds: Number(hook['HeartbeatTimeout'] ?? 3_600),
    defaultResult: hook['DefaultResult'] === 'CONTINUE' ? 'CONTINUE' : 'ABANDON',
  }));
}

function readWarmPool(read: Reader, group: TemplateResource, maxSize: number): WarmPoolModel | undefined {
  const groupName = read.properties(group)['AutoScalingGroupName'] ?? group.logicalId;
  for (const resource of read.template.ofType('AWS::AutoScaling::WarmPool')) {
    const properties = read.properties(resource);
    if (properties['AutoScalingGroupName'] !== groupName) continue;
    const reuse = properties['InstanceReusePolicy'];
    return {
      minSize: numberOf(read, resource, properties, 'MinSize', 0),
      maxPreparedCapacity: numberOf(read, resource, properties, 'MaxGroupPreparedCapacity', maxSize),
      state: (properties['PoolState'] ?? 'Stopped') as WarmPoolModel['state'],
      reuseOnScaleIn: isObject(reuse) && truthy(reuse['ReuseOnScaleIn']),
    };
  }
  return undefined;
}

/** Reads one scaling policy of the group. */
export function readPolicy(
  read: Reader,
  resource: TemplateResource,
  group: GroupModel,
  scope: MetricScope,
): PolicyModel {
  const properties = read.properties(resource);
  const { logicalId } = resource;
  const kind = properties['PolicyType'] ?? 'SimpleScaling';
  // A policy's own warm-up wins over the group's; without both the group's cooldown counts.
  const groupWarmup = group.instanceWarmupSeconds < 0 ? group.cooldownSeconds : group.instanceWarmupSeconds;
  const warmupSeconds = numberOf(read, resource, properties, 'EstimatedInstanceWarmup', groupWarmup);
  if (kind === 'TargetTrackingScaling') return readTargetTracking(properties, logicalId, warmupSeconds, scope);
  const adjustment = {
    logicalId,
    adjustmentType: readAdjustmentType(properties['AdjustmentType'], scope),
    minAdjustmentMagnitude: numberOf(read, resource, properties, 'MinAdjustmentMagnitude', 0),
  };
  if (kind === 'StepScaling') {
    const steps = properties['StepAdjustments'];
    if (!Array.isArray(steps) || steps.length === 0) throw scope.fail('has no steps');
    return { kind: 'step', ...adjustment, warmupSeconds, steps: steps.filter(isObject).map(readStep) };
  }
  if (kind === 'SimpleScaling') {
    return {
      kind: 'simple',
      ...adjustment,
      cooldownSeconds: numberOf(read, resource, properties, 'Cooldown', group.cooldownSeconds),
      adjustment: numberOf(read, resource, properties, 'ScalingAdjustment', 0),
    };
  }
  throw scope.fail(`is a policy of type '${String(kind)}', which is not modelled`);
}

function readStep(step: JsonObject): StepModel {
  return {
    lower: step['MetricIntervalLowerBound'] === undefined ? -Infinity : Number(step['MetricIntervalLowerBound']),
    upper: step['MetricIntervalUpperBound'] === undefined ? Infinity : Number(step['MetricIntervalUpperBound']),
    adjustment: Number(step['ScalingAdjustment']),
  };
}

function readAdjustmentType(value: unknown, scope: MetricScope): AdjustmentType {
  if (value === 'ChangeInCapacity' || value === 'ExactCapacity' || value === 'PercentChangeInCapacity') return value;
  throw scope.fail(`has the adjustment type ${JSON.stringify(value)}`);
}

function readTargetTracking(
  properties: JsonObject,
  logicalId: string,
  warmupSeconds: number,
  scope: MetricScope,
): PolicyModel {
  const configuration = properties['TargetTrackingConfiguration'];
  const custom = isObject(configuration) ? configuration['CustomizedMetricSpecification'] : undefined;
  if (!isObject(configuration) || !isObject(custom)) {
    throw scope.fail('tracks a predefined metric, whose values are not known here');
  }
  const list = custom['Metrics'];
  return {
    kind: 'targetTracking',
    logicalId,
    warmupSeconds,
    target: Number(configuration['TargetValue']),
    disableScaleIn: truthy(configuration['DisableScaleIn']),
    ...(Array.isArray(list)
      ? readMetricList(list, scope)
      : readSingleMetric(custom, Number(custom['Period'] ?? 60), scope)),
  };
}

/** Reads the declared workload; undefined when the stack declares none. */
export function readWorkload(read: Reader, group: TemplateResource): WorkloadModel | undefined {
  const metadata = group.metadata[WORKLOAD_METADATA_KEY];
  if (metadata === undefined) return undefined;
  const average = isObject(metadata) ? metadata['averageProcessingTimeSeconds'] : undefined;
  if (!isObject(metadata) || typeof average !== 'number') {
    throw read.fail(
      group.logicalId,
      `has metadata '${WORKLOAD_METADATA_KEY}' without a number averageProcessingTimeSeconds`,
    );
  }
  return metadata as unknown as WorkloadModel;
}

/** Reads the worker's environment; undefined when the stack declares none. */
export function readWorker(
  read: Reader,
  group: TemplateResource,
): (WorkerModel & { readonly queueNames: readonly string[] }) | undefined {
  const metadata = group.metadata['cdk-queue-fleet:worker'];
  const environment = isObject(metadata) ? metadata['environment'] : undefined;
  if (!isObject(environment)) return undefined;
  const numeric = (name: string) => (environment[name] === undefined ? undefined : Number(environment[name]));
  const drainTimeoutSeconds = numeric('QUEUE_FLEET_DRAIN_TIMEOUT_SECONDS');
  const namespace = environment['QUEUE_FLEET_METRICS_NAMESPACE'];
  const urls = read.properties({ ...group, properties: { url: environment['QUEUE_FLEET_QUEUE_URL'] ?? '' } })['url'];
  return {
    concurrency: numeric('QUEUE_FLEET_CONCURRENCY') ?? 1,
    ...(drainTimeoutSeconds === undefined ? {} : { drainTimeoutSeconds }),
    ...(typeof namespace === 'string' ? { metricsNamespace: namespace } : {}),
    queueNames: String(urls)
      .split(' ')
      .map((url) => url.split('/').at(-1) ?? ''),
  };
}

function truthy(value: unknown): boolean {
  return value === true || value === 'true';
}

function numberOf(
  read: Reader,
  resource: TemplateResource,
  properties: JsonObject,
  key: string,
  fallback: number,
): number {
  const value = properties[key];
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!Number.isFinite(number) || value === '') {
    throw read.fail(resource.logicalId, `has ${key} ${JSON.stringify(value)}, which is not a number`);
  }
  return number;
}
