/**
 * Policies that others use, as models: the yardsticks of `--compare` and of the benchmark.
 *
 * Each replaces the alarms and policies of a model and leaves queue, group, hooks and bounds as they are, so that a
 * comparison shows the policy alone. Sources were read in November 2026.
 */
import { KedaController } from './keda';
import { parseMetricMath } from './metric-math-parser';
import { GROUP_METRICS } from './read-metrics';
import type { AlarmModel, MetricQuery, PolicyModel, ScalingModel, Statistic, StepModel } from './scaling-model';
import type { Controller } from './simulator';
import { ECS_CPU } from './worker-metrics';

/** What the policies are derived from. */
export interface AlternativeInput {
  readonly averageProcessingTimeSeconds: number;
  readonly acceptableLatencySeconds: number;
  readonly concurrency: number;
}

/** A policy that can take a template's place. */
export interface Alternative {
  /** One line for people, with where it comes from. */
  readonly summary: string;
  readonly source: string;
  /** Grace that running work gets where the policy ships: seconds between the stop signal and the kill. */
  readonly graceSeconds: number;
  model(model: ScalingModel, input: AlternativeInput): ScalingModel;
  /** Set for scalers that are not CloudWatch alarms. */
  readonly controller?: (model: ScalingModel, input: AlternativeInput) => Controller;
}

const VISIBLE = 'ApproximateNumberOfMessagesVisible';
const NOT_VISIBLE = 'ApproximateNumberOfMessagesNotVisible';

function query(model: ScalingModel, id: string, metricName: string, statistic: Statistic): MetricQuery {
  if (metricName.startsWith('Group')) return { id, source: { kind: 'group', metricName }, statistic };
  const [queue = ''] = model.consumedQueues;
  return { id, source: { kind: 'queue', queue, metricName }, statistic };
}

function expression(text: string): AlarmModel['expressions'] {
  return new Map([['e', { text, node: parseMetricMath(text) }]]);
}

function replace(model: ScalingModel, alarms: readonly AlarmModel[], policies: readonly PolicyModel[]): ScalingModel {
  return { ...model, alarms, policies, group: { ...model.group, enabledMetrics: GROUP_METRICS } };
}

interface DepthAlarm {
  readonly logicalId: string;
  readonly policy: string;
  readonly comparison: AlarmModel['comparison'];
  readonly threshold: number;
  readonly periodSeconds: number;
  readonly periods?: number;
  readonly statistic?: Statistic;
  /** Count what is in flight instead: no point means that nothing is. */
  readonly inFlight?: boolean;
}

function depthAlarm(model: ScalingModel, options: DepthAlarm): AlarmModel {
  const {
    logicalId,
    policy,
    comparison,
    threshold,
    periodSeconds,
    periods = 1,
    statistic = 'Maximum',
    inFlight,
  } = options;
  const visible = query(model, 'v', VISIBLE, statistic);
  return {
    logicalId,
    comparison,
    threshold,
    periodSeconds,
    evaluationPeriods: periods,
    datapointsToAlarm: periods,
    treatMissingData: 'missing',
    policies: [policy],
    metrics: inFlight === true ? [visible, query(model, 'f', NOT_VISIBLE, statistic)] : [visible],
    expressions: inFlight === true ? expression('v * 0 + f') : new Map(),
    returnId: inFlight === true ? 'e' : 'v',
  };
}

function stepPolicy(
  logicalId: string,
  adjustmentType: 'ChangeInCapacity' | 'ExactCapacity',
  warmupSeconds: number,
  steps: readonly StepModel[],
): PolicyModel {
  return { kind: 'step', logicalId, adjustmentType, minAdjustmentMagnitude: 0, warmupSeconds, steps };
}

function simplePolicy(logicalId: string, adjustment: number, cooldownSeconds: number): PolicyModel {
  const adjustmentType = 'ChangeInCapacity' as const;
  return { kind: 'simple', logicalId, adjustmentType, minAdjustmentMagnitude: 0, adjustment, cooldownSeconds };
}

function tracking(model: ScalingModel, text: string, target: number, warmupSeconds: number): PolicyModel {
  return {
    kind: 'targetTracking',
    logicalId: 'Tracking',
    periodSeconds: 60,
    metrics: [
      query(model, 'v', VISIBLE, 'Maximum'),
      query(model, 'f', NOT_VISIBLE, 'Maximum'),
      query(model, 'g', 'GroupInServiceInstances', 'Average'),
    ],
    expressions: expression(text),
    returnId: 'e',
    target,
    disableScaleIn: false,
    warmupSeconds,
  };
}

const QUEUE_PROCESSING_SERVICE =
  'https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-ecs-patterns/lib/base/queue-processing-service-base.ts';

/** Alarms of 300 seconds on the maximum; Application Auto Scaling's cooldown for ECS is 300 seconds where none is set. */
function queueProcessingSteps(model: ScalingModel): Pick<ScalingModel, 'alarms' | 'policies'> {
  const common = { periodSeconds: 300, statistic: 'Maximum' } as const;
  const upper = { logicalId: 'Upper', policy: 'Out', threshold: 100 };
  const lower = { logicalId: 'Lower', policy: 'In', threshold: 0 };
  return {
    alarms: [
      depthAlarm(model, { ...common, ...upper, comparison: 'GreaterThanOrEqualToThreshold' }),
      depthAlarm(model, { ...common, ...lower, comparison: 'LessThanOrEqualToThreshold' }),
    ],
    policies: [
      stepPolicy('Out', 'ChangeInCapacity', 300, [
        { lower: 0, upper: 400, adjustment: 1 },
        { lower: 400, upper: Infinity, adjustment: 5 },
      ]),
      simplePolicy('In', -1, 300),
    ],
  };
}

/** Target tracking of the CPU that ECS reports. */
function cpuTracking(target: number): PolicyModel {
  return {
    kind: 'targetTracking',
    logicalId: 'Cpu',
    periodSeconds: 60,
    metrics: [{ id: 'cpu', source: { kind: 'custom', ...ECS_CPU }, statistic: 'Average' }],
    expressions: new Map(),
    returnId: 'cpu',
    target,
    disableScaleIn: false,
    warmupSeconds: 300,
  };
}

/**
 * The same tasks on machines of one's own: each holds one task and stays for a time after it.
 *
 * Machines are what an Auto Scaling group is compared with; tasks that are paid by the second (Fargate) are the rows
 * without nodes.
 */
function onNodes(model: ScalingModel, nodeReleaseSeconds: number): ScalingModel {
  return { ...model, group: { ...model.group, nodeReleaseSeconds } };
}

/**
 * Cluster Autoscaler removes a node after `--scale-down-unneeded-time`, 10 minutes.
 * https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md
 */
const CLUSTER_AUTOSCALER_SECONDS = 600;

/**
 * ECS's capacity providers scale their group by target tracking of `CapacityProviderReservation`, which scales in after
 * 15 minutes below its target. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html
 */
const CAPACITY_PROVIDER_SECONDS = 900;

/** Messages that one instance may have waiting so that the last of them starts within the latency. */
const acceptableBacklog = (input: AlternativeInput) =>
  (input.acceptableLatencySeconds * input.concurrency) / input.averageProcessingTimeSeconds;

/** The policies by name. */
export const ALTERNATIVES: Readonly<Record<string, Alternative>> = {
  queueDepth: {
    summary: 'classic queue-length alarm: instances in proportion to the waiting messages, 20 steps',
    source: 'https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html',
    graceSeconds: 0,
    model: (model, input) => {
      const { minSize, maxSize } = model.group;
      const count = Math.min(20, maxSize);
      const floor = Math.max(1, minSize);
      const capacity = (i: number) => Math.max(floor, Math.ceil((maxSize * (i + 1)) / count));
      const bound = (i: number) => Math.ceil(((maxSize * i) / count) * acceptableBacklog(input));
      const steps = Array.from({ length: count }, (_, i) => ({
        lower: i === 0 ? 0 : bound(i) - 1,
        upper: i === count - 1 ? Infinity : bound(i + 1) - 1,
        adjustment: capacity(i),
      })).filter((step) => step.upper > step.lower);
      const inSteps = [{ lower: -Infinity, upper: 0, adjustment: minSize }];
      return replace(
        model,
        [
          depthAlarm(model, {
            logicalId: 'Deep',
            policy: 'Out',
            comparison: 'GreaterThanOrEqualToThreshold',
            threshold: 1,
            periodSeconds: 60,
          }),
          depthAlarm(model, {
            logicalId: 'Empty',
            policy: 'In',
            comparison: 'LessThanOrEqualToThreshold',
            threshold: 0,
            periodSeconds: 300,
          }),
        ],
        [stepPolicy('Out', 'ExactCapacity', 60, steps), stepPolicy('In', 'ExactCapacity', 60, inSteps)],
      );
    },
  },
  backlogPerInstance: {
    summary: "AWS's documented target: waiting messages per instance = latency / processing time",
    source: 'https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html',
    graceSeconds: 0,
    model: (model, input) => replace(model, [], [tracking(model, 'v / g', acceptableBacklog(input), 300)]),
  },
  utilization: {
    summary: 'AWS Compute Blog of 24 March 2026: (waiting + in flight) / slots, target 0.7',
    source:
      'https://aws.amazon.com/blogs/compute/enhancing-auto-scaling-resilience-by-tracking-worker-utilization-metrics',
    graceSeconds: 0,
    model: (model, input) => replace(model, [], [tracking(model, `(v + f) / (g * ${input.concurrency})`, 0.7, 300)]),
  },
  // Read from aws-cdk-lib 2.276 (queue-processing-service-base) and from what it synthesizes.
  queueProcessingService: {
    summary: 'CDK QueueProcessingService: +1 from 100, +5 from 500 waiting, -1 at 0, and 50 % CPU; maximum raised',
    source: QUEUE_PROCESSING_SERVICE,
    graceSeconds: 30,
    model: (model) => {
      const { alarms, policies } = queueProcessingSteps(model);
      return replace(model, alarms, [...policies, cpuTracking(50)]);
    },
  },
  queueProcessingOnInstances: {
    summary: 'CDK QueueProcessingEc2Service with managed scaling: an instance goes 15 minutes after its task',
    source: 'https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html',
    graceSeconds: 30,
    model: (model) => {
      const { alarms, policies } = queueProcessingSteps(model);
      return onNodes(replace(model, alarms, [...policies, cpuTracking(50)]), CAPACITY_PROVIDER_SECONDS);
    },
  },
  queueProcessingSteps: {
    summary: 'the same for jobs that wait instead of compute, or with disableCpuBasedScaling: the steps alone',
    source: QUEUE_PROCESSING_SERVICE,
    graceSeconds: 30,
    model: (model) => {
      const { alarms, policies } = queueProcessingSteps(model);
      return replace(model, alarms, policies);
    },
  },
  copilot: {
    summary: 'AWS Copilot worker service: backlog per task, rounded up, by target tracking; cooldown 60 s',
    source:
      'https://github.com/aws/copilot-cli/blob/mainline/internal/pkg/template/templates/workloads/partials/cf/autoscaling.yml',
    graceSeconds: 30,
    model: (model, input) =>
      replace(model, [], [tracking(model, 'CEIL(v / IF(g > 0, g, 1))', Math.ceil(acceptableBacklog(input)), 60)]),
  },
  watchbot: {
    summary: 'ecs-watchbot: +10 % of the maximum while messages wait, the minimum when none runs',
    source: 'https://github.com/mapbox/ecs-watchbot',
    graceSeconds: 30,
    model: (model) => {
      const step = Math.min(100, Math.max(1, Math.ceil(model.group.maxSize / 10)));
      return replace(
        model,
        [
          depthAlarm(model, {
            logicalId: 'Up',
            policy: 'Out',
            comparison: 'GreaterThanThreshold',
            threshold: 0,
            periodSeconds: 300,
          }),
          depthAlarm(model, {
            logicalId: 'Down',
            policy: 'In',
            comparison: 'LessThanThreshold',
            threshold: 1,
            periodSeconds: 300,
            inFlight: true,
          }),
        ],
        [
          simplePolicy('Out', step, 300),
          stepPolicy('In', 'ExactCapacity', 0, [{ lower: -Infinity, upper: 0, adjustment: model.group.minSize }]),
        ],
      );
    },
  },
  plusMinusOne: {
    summary: 'common Terraform samples: +1 while messages wait, -1 when none does, cooldown 300 s',
    source: 'https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/autoscaling_policy',
    graceSeconds: 0,
    model: (model) =>
      replace(
        model,
        [
          depthAlarm(model, {
            logicalId: 'High',
            policy: 'Out',
            comparison: 'GreaterThanThreshold',
            threshold: 0,
            periodSeconds: 60,
            periods: 2,
          }),
          depthAlarm(model, {
            logicalId: 'Low',
            policy: 'In',
            comparison: 'LessThanOrEqualToThreshold',
            threshold: 0,
            periodSeconds: 60,
            periods: 2,
          }),
        ],
        [simplePolicy('Out', 1, 300), simplePolicy('In', -1, 300)],
      ),
  },
  keda: {
    summary: 'KEDA aws-sqs-queue, one message per slot, in flight counted: the HPA reads it each 15 s',
    source: 'https://keda.sh/docs/latest/scalers/aws-sqs/',
    graceSeconds: 30,
    model: (model) => replace(model, [], []),
    controller: (model, input) => new KedaController(model, input.concurrency),
  },
  kedaOnNodes: {
    summary: 'the same on nodes of Cluster Autoscaler: a node goes 10 minutes after its pod',
    source: 'https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md',
    graceSeconds: 30,
    model: (model) => onNodes(replace(model, [], []), CLUSTER_AUTOSCALER_SECONDS),
    controller: (model, input) => new KedaController(model, input.concurrency),
  },
};
