/** From a synthesized template to the `ScalingModel` in it. */
import { readMetricList, readSingleMetric, type MetricScope } from './read-metrics';
import { readGroup, readPolicy, readQueue, readWorker, readWorkload, type Reader } from './read-resources';
import type { AlarmModel, Comparison, MetricSet, PolicyModel, QueueModel, ScalingModel } from './scaling-model';
import { Template } from './template';
import { TemplateError, type JsonObject, type TemplateResource } from './template-parts';

/** How a template is read. */
export interface ReadScalingModelOptions {
  /** The template's file name, for messages. */
  readonly file: string;
  /** Logical id of the Auto Scaling group, when the template has several. */
  readonly group?: string;
  /** Custom metrics whose values the caller will hand to the engine; those of the worker's namespace are always accepted. */
  readonly customMetrics?: readonly { readonly namespace: string; readonly metricName: string }[];
}

const COMPARISONS: ReadonlySet<string> = new Set<Comparison>([
  'GreaterThanThreshold',
  'GreaterThanOrEqualToThreshold',
  'LessThanThreshold',
  'LessThanOrEqualToThreshold',
]);

/**
 * Reads queues, group, alarms and policies.
 *
 * @param source a `Template`, the template's text, or the parsed object
 * @throws TemplateError for a template without a queue or a group, and for a scaling alarm or policy that cannot be
 *   evaluated as AWS would (an unknown metric math function, a metric of something that is not in the template)
 */
export function readScalingModel(source: Template | string | object, options: ReadScalingModelOptions): ScalingModel {
  const template = source instanceof Template ? source : Template.parse(source, options.file);
  const { file } = options;
  const fail = (logicalId: string, reason: string) => new TemplateError(file, logicalId, reason);
  const read: Reader = { template, properties: (resource) => symbolic(template, resource), fail };

  const queueResources = template.ofType('AWS::SQS::Queue');
  if (queueResources.length === 0)
    throw fail(
      'template',
      "has no queue ('AWS::SQS::Queue'): an imported queue is not simulated, synthesize the fleet with a queue of its own for it",
    );
  const groupResource = chooseGroup(template, options, fail);
  const group = readGroup(read, groupResource);
  const names = new Map(queueResources.map((resource) => [physicalName(template, resource), resource.logicalId]));
  const queues = queueResources.map((resource) => readQueue(read, resource, names));
  const worker = readWorker(read, groupResource);
  const workload = readWorkload(read, groupResource);

  const metricScope = (logicalId: string): MetricScope => ({
    queueNamed: (name) => names.get(name),
    groupName: physicalName(template, groupResource),
    enabledGroupMetrics: group.enabledMetrics,
    acceptsCustom: (namespace, metricName) =>
      namespace === worker?.metricsNamespace ||
      (options.customMetrics ?? []).some((m) => m.namespace === namespace && m.metricName === metricName),
    fail: (reason) => fail(logicalId, reason),
  });
  const policies = policyResources(template, groupResource).map((resource) =>
    readPolicy(read, resource, group, metricScope(resource.logicalId)),
  );
  const { alarms, ignored } = readAlarms(read, policies, metricScope);
  return {
    file,
    queues,
    consumedQueues: consumedQueues(
      queues,
      alarms,
      policies,
      worker?.queueNames.map((name) => names.get(name)),
    ),
    group,
    alarms,
    policies,
    ...(workload === undefined ? {} : { workload }),
    ...(worker === undefined ? {} : { worker }),
    ignored: [...ignored, ...withoutTrigger(group.logicalId, policies, alarms), ...otherScaling(template)],
  };
}

/** Policies that nothing in the template runs, and a group that nothing scales: legal, and easily a mistake. */
function withoutTrigger(
  group: string,
  policies: readonly PolicyModel[],
  alarms: readonly AlarmModel[],
): ScalingModel['ignored'] {
  if (policies.length === 0) {
    return [{ logicalId: group, reason: 'no scaling policy of the template is for it: its capacity stays as it is' }];
  }
  const triggered = new Set(alarms.flatMap((alarm) => alarm.policies));
  return policies
    .filter((policy) => policy.kind !== 'targetTracking' && !triggered.has(policy.logicalId))
    .map(({ logicalId }) => ({ logicalId, reason: 'no alarm of the template runs this policy' }));
}

/** Property that names a resource, of the types that others refer to by name. */
const NAME_PROPERTIES: Readonly<Record<string, string>> = {
  'AWS::AutoScaling::AutoScalingGroup': 'AutoScalingGroupName',
  'AWS::SQS::Queue': 'QueueName',
};

/** Name of a resource as references to it resolve here: the name that the template sets, or its logical id. */
function physicalName(template: Template, resource: TemplateResource): string {
  const { logicalId } = resource;
  const name = resource.properties[NAME_PROPERTIES[resource.type] ?? ''];
  if (typeof name === 'string' || name === undefined) return name ?? logicalId;
  try {
    // Names are made of parameters and texts. One that needs another resource or stack is as good as none.
    const resolved = template.resolve(name, { logicalId });
    return typeof resolved === 'string' ? resolved : logicalId;
  } catch (error) {
    if (error instanceof TemplateError) return logicalId;
    throw error;
  }
}

/**
 * Properties with stand-ins for physical ids: names, and ARNs and URLs that end with the name.
 *
 * Each property is resolved when it is read: a subnet imported from another stack is no reason to refuse a group.
 */
function symbolic(template: Template, resource: TemplateResource): JsonObject {
  const nameOf = (target: TemplateResource) => physicalName(template, target);
  const arn = (target: TemplateResource) => `arn:aws:x:us-east-1:123456789012:${nameOf(target)}`;
  const properties = {};
  for (const [key, value] of Object.entries(resource.properties)) {
    const get = () =>
      template.resolve(value, {
        logicalId: resource.logicalId,
        ref: (target) => {
          if (target.type === 'AWS::SQS::Queue') return `https://sqs/123456789012/${nameOf(target)}`;
          return target.type === 'AWS::AutoScaling::ScalingPolicy' ? arn(target) : nameOf(target);
        },
        getAtt: (target, attribute) => {
          if (attribute.toUpperCase().endsWith('ARN')) return arn(target);
          return attribute === 'QueueName' ? nameOf(target) : `${nameOf(target)}.${attribute}`;
        },
      });
    Object.defineProperty(properties, key, { get, enumerable: true });
  }
  return properties;
}

function policyResources(template: Template, group: TemplateResource): readonly TemplateResource[] {
  return template
    .ofType('AWS::AutoScaling::ScalingPolicy')
    .filter((policy) => symbolic(template, policy)['AutoScalingGroupName'] === physicalName(template, group));
}

function chooseGroup(
  template: Template,
  options: ReadScalingModelOptions,
  fail: (logicalId: string, reason: string) => Error,
): TemplateResource {
  const groups = template.ofType('AWS::AutoScaling::AutoScalingGroup');
  if (options.group !== undefined) {
    const group = groups.find((resource) => resource.logicalId === options.group);
    if (group === undefined) throw fail(options.group, 'is not an Auto Scaling group of the template');
    return group;
  }
  const scaled = groups.filter((group) => policyResources(template, group).length > 0);
  const candidates = scaled.length > 0 ? scaled : groups;
  const [first, second] = candidates;
  if (first === undefined) throw fail('template', "has no Auto Scaling group ('AWS::AutoScaling::AutoScalingGroup')");
  if (second !== undefined) {
    const ids = candidates.map((group) => group.logicalId).join(', ');
    throw fail('template', `has several Auto Scaling groups (${ids}): name one with '--group'`);
  }
  return first;
}

function readAlarms(
  read: Reader,
  policies: readonly PolicyModel[],
  scopeOf: (logicalId: string) => MetricScope,
): { readonly alarms: readonly AlarmModel[]; readonly ignored: ScalingModel['ignored'] } {
  const alarms: AlarmModel[] = [];
  const ignored: { logicalId: string; reason: string }[] = [];
  const policyIds = new Set(policies.map((policy) => policy.logicalId));
  for (const resource of read.template.ofType('AWS::CloudWatch::Alarm')) {
    // Actions first, alone: an alarm that only notifies may hold anything, one that scales must be understood.
    const actions = actionPolicies(read, resource, policyIds);
    try {
      const alarm = readAlarm(read.properties(resource), resource.logicalId, actions, scopeOf(resource.logicalId));
      alarms.push(alarm);
    } catch (error) {
      if (actions.length > 0 || !(error instanceof TemplateError)) throw error;
      ignored.push({ logicalId: resource.logicalId, reason: error.reason });
    }
  }
  return { alarms, ignored };
}

function actionPolicies(read: Reader, resource: TemplateResource, policyIds: ReadonlySet<string>): readonly string[] {
  const of = (key: string): readonly string[] => {
    const actions = resource.properties[key];
    return (Array.isArray(actions) ? actions : []).flatMap((action: unknown) => {
      const text = JSON.stringify(action);
      const referred = read.template.ofType('AWS::AutoScaling::ScalingPolicy').map((policy) => policy.logicalId);
      return referred.filter((logicalId) => text.includes(`"${logicalId}"`) && policyIds.has(logicalId));
    });
  };
  if (of('OKActions').length > 0 || of('InsufficientDataActions').length > 0) {
    throw read.fail(
      resource.logicalId,
      "scales from 'OKActions' or 'InsufficientDataActions': only 'AlarmActions' are modelled",
    );
  }
  return resource.properties['ActionsEnabled'] === false ? [] : of('AlarmActions');
}

function readAlarm(
  properties: JsonObject,
  logicalId: string,
  policies: readonly string[],
  scope: MetricScope,
): AlarmModel {
  const list = properties['Metrics'];
  const metricSet: MetricSet = Array.isArray(list)
    ? readMetricList(list, scope)
    : readSingleMetric(properties, Number(properties['Period'] ?? 60), scope);
  const comparison = String(properties['ComparisonOperator']);
  if (!COMPARISONS.has(comparison) || properties['Threshold'] === undefined) {
    throw scope.fail(
      `compares with '${comparison}' and threshold ${String(properties['Threshold'])}: only a fixed threshold is modelled`,
    );
  }
  const evaluationPeriods = Number(properties['EvaluationPeriods'] ?? 1);
  return {
    ...metricSet,
    logicalId,
    threshold: Number(properties['Threshold']),
    comparison: comparison as Comparison,
    evaluationPeriods,
    datapointsToAlarm: Number(properties['DatapointsToAlarm'] ?? evaluationPeriods),
    treatMissingData: (properties['TreatMissingData'] ?? 'missing') as AlarmModel['treatMissingData'],
    policies,
  };
}

function consumedQueues(
  queues: readonly QueueModel[],
  alarms: readonly AlarmModel[],
  policies: readonly PolicyModel[],
  ofWorker: readonly (string | undefined)[] = [],
): readonly string[] {
  const declared = ofWorker.filter((queue) => queue !== undefined);
  if (declared.length > 0) return declared;
  const deadLetter = new Set(queues.map((queue) => queue.redrive?.deadLetterQueue));
  const sets: readonly MetricSet[] = [
    ...alarms.filter((alarm) => alarm.policies.length > 0),
    ...policies.filter((policy) => policy.kind === 'targetTracking'),
  ];
  const watched = sets.flatMap((set) =>
    set.metrics.flatMap((m) => (m.source.kind === 'queue' ? [m.source.queue] : [])),
  );
  const work = queues.map((queue) => queue.logicalId).filter((id) => !deadLetter.has(id));
  const watchedWork = work.filter((id) => watched.includes(id));
  return watchedWork.length > 0 ? watchedWork : work;
}

function otherScaling(template: Template): ScalingModel['ignored'] {
  return [
    ...template.ofType('AWS::AutoScaling::ScheduledAction').map(({ logicalId }) => ({
      logicalId,
      reason: 'scheduled actions are not modelled',
    })),
    ...template.ofType('AWS::CloudWatch::CompositeAlarm').map(({ logicalId }) => ({
      logicalId,
      reason: 'a composite alarm cannot scale an Auto Scaling group',
    })),
  ];
}
