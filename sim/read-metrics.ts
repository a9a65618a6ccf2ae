/** Metrics of alarms and target tracking policies, read from resolved CloudFormation properties. */
import { MetricMathError, metricMathIds, parseMetricMath, type MetricMathNode } from './metric-math-parser';
import type { MetricQuery, MetricSet, MetricSource, Statistic } from './scaling-model';
import { isObject, type JsonObject } from './template-parts';

/** SQS metrics that can be computed from a queue's state. */
export const QUEUE_METRICS: ReadonlySet<string> = new Set([
  'ApproximateAgeOfOldestMessage',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesVisible',
  'NumberOfMessagesDeleted',
  'NumberOfMessagesReceived',
  'NumberOfMessagesSent',
]);

/** Group metrics of Amazon EC2 Auto Scaling that can be computed from a group's state. */
export const GROUP_METRICS: ReadonlySet<string> = new Set([
  'GroupDesiredCapacity',
  'GroupInServiceInstances',
  'GroupMaxSize',
  'GroupMinSize',
  'GroupPendingInstances',
  'GroupTerminatingInstances',
  'GroupTotalInstances',
]);

const STATISTICS: ReadonlySet<string> = new Set(['Average', 'Maximum', 'Minimum', 'SampleCount', 'Sum']);

/** What the reader of metrics knows about the rest of the template. */
export interface MetricScope {
  /** Logical id of the queue with this physical name. */
  readonly queueNamed: (name: string) => string | undefined;
  /** Physical name of the group. */
  readonly groupName: string;
  readonly enabledGroupMetrics: ReadonlySet<string>;
  /** Whether values of a custom metric will be handed in. */
  readonly acceptsCustom: (namespace: string, metricName: string) => boolean;
  /** Makes the error to throw. */
  readonly fail: (reason: string) => Error;
}

/** The metric of an alarm that has no `Metrics` list, or of a customized target tracking metric. */
export function readSingleMetric(properties: JsonObject, periodSeconds: number, scope: MetricScope): MetricSet {
  if (properties['ExtendedStatistic'] !== undefined)
    throw scope.fail('uses a percentile, which one sample a minute cannot give');
  const source = readSource(properties, scope);
  return {
    periodSeconds,
    metrics: [{ id: 'm1', source, statistic: readStatistic(properties['Statistic'], scope) }],
    expressions: new Map(),
    returnId: 'm1',
  };
}

/** A `Metrics` list: metrics and expressions, one of which returns data. */
export function readMetricList(list: readonly unknown[], scope: MetricScope): MetricSet {
  const metrics: MetricQuery[] = [];
  const expressions = new Map<string, { text: string; node: MetricMathNode }>();
  const periods = new Set<number>();
  const returning: string[] = [];
  for (const entry of list) {
    if (!isObject(entry) || typeof entry['Id'] !== 'string')
      throw scope.fail("has an entry of 'Metrics' without an 'Id'");
    const id = entry['Id'];
    if (entry['ReturnData'] !== false && entry['ReturnData'] !== 'false') returning.push(id);
    if (typeof entry['Expression'] === 'string') {
      expressions.set(id, { text: entry['Expression'], node: parse(id, entry['Expression'], scope) });
      if (entry['Period'] !== undefined) periods.add(Number(entry['Period']));
      continue;
    }
    const stat = entry['MetricStat'];
    if (!isObject(stat) || !isObject(stat['Metric'])) throw scope.fail(`has metric '${id}' without 'MetricStat'`);
    if (stat['Period'] !== undefined) periods.add(Number(stat['Period']));
    metrics.push({ id, source: readSource(stat['Metric'], scope), statistic: readStatistic(stat['Stat'], scope) });
  }
  if (metrics.length > 10) throw scope.fail(`has ${metrics.length} metrics: CloudWatch takes at most 10`);
  if (periods.size > 1) throw scope.fail(`mixes periods (${[...periods].join(', ')} seconds): all must be the same`);
  const [returnId, another] = returning;
  if (returnId === undefined || another !== undefined) {
    throw scope.fail(`returns data of ${returning.length} metrics: exactly one must have 'ReturnData'`);
  }
  const set = { periodSeconds: [...periods][0] ?? 60, metrics, expressions, returnId };
  checkIds(set, scope);
  return set;
}

function parse(id: string, text: string, scope: MetricScope): MetricMathNode {
  try {
    return parseMetricMath(text);
  } catch (error) {
    if (error instanceof MetricMathError) throw scope.fail(`expression '${id}' ${error.message}`);
    throw error;
  }
}

function checkIds(set: MetricSet, scope: MetricScope): void {
  const known = new Set([...set.metrics.map((metric) => metric.id), ...set.expressions.keys()]);
  const visit = (id: string, path: readonly string[]): void => {
    if (path.includes(id)) throw scope.fail(`expression '${id}' refers to itself`);
    const expression = set.expressions.get(id);
    for (const read of expression === undefined ? [] : metricMathIds(expression.node)) {
      if (!known.has(read)) throw scope.fail(`expression '${id}' uses '${read}', which is not an id of this alarm`);
      visit(read, [...path, id]);
    }
  };
  for (const id of set.expressions.keys()) visit(id, []);
}

function readStatistic(value: unknown, scope: MetricScope): Statistic {
  if (typeof value === 'string' && STATISTICS.has(value)) return value as Statistic;
  throw scope.fail(`uses the statistic ${JSON.stringify(value)}: only ${[...STATISTICS].join(', ')} can be evaluated`);
}

function readSource(metric: JsonObject, scope: MetricScope): MetricSource {
  const namespace = String(metric['Namespace']);
  const metricName = String(metric['MetricName']);
  const dimension = (name: string): string | undefined => {
    const entries = (Array.isArray(metric['Dimensions']) ? metric['Dimensions'] : []).filter(isObject);
    const value = entries.find((entry) => entry['Name'] === name)?.['Value'];
    return value === undefined ? undefined : String(value);
  };
  if (scope.acceptsCustom(namespace, metricName)) return { kind: 'custom', namespace, metricName };
  if (namespace === 'AWS/SQS' && QUEUE_METRICS.has(metricName)) {
    const name = dimension('QueueName');
    const queue = name === undefined ? undefined : scope.queueNamed(name);
    if (queue === undefined)
      throw scope.fail(`watches ${metricName} of the queue '${name}', which is not in the template`);
    return { kind: 'queue', queue, metricName };
  }
  if (namespace === 'AWS/AutoScaling' && GROUP_METRICS.has(metricName)) {
    const name = dimension('AutoScalingGroupName');
    if (name !== scope.groupName)
      throw scope.fail(`watches ${metricName} of the group '${name}', not of ${scope.groupName}`);
    if (!scope.enabledGroupMetrics.has(metricName)) {
      throw scope.fail(`watches ${metricName}, which the group's 'MetricsCollection' does not enable`);
    }
    return { kind: 'group', metricName };
  }
  throw scope.fail(`watches ${namespace} ${metricName}, whose values are not known here`);
}
