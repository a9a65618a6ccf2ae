import { Token } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import { WORKER_ENV } from '../../worker/contract';
import type { WorkerFleetOptions } from '../fleet/worker-fleet-options';
import type { WeightedQueue, WorkerFleetProps } from '../fleet/worker-fleet-props';
import { SCALING_LIMITS } from '../scaling/timing';
import { breaksLine, ENVIRONMENT_NAME, literalBytes } from './environment-file';
import { SQS_LIMITS } from './sqs-limits';
import type { Violations } from './violations';

/**
 * Limits of Amazon EC2 Auto Scaling, read November 2026:
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-max-instance-lifetime.html
 * https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
 */
export const AUTO_SCALING_LIMITS = {
  // A bound of ours, against mistaken units.
  groupInstances: { min: 0, max: 10_000 },
  hookHeartbeatSeconds: SCALING_LIMITS.hookHeartbeatSeconds,
  hookTotalSeconds: 172_800,
  instanceLifetimeSeconds: { min: 86_400, max: 31_536_000 },
  refreshAlarms: 10,
} as const;

/** Of the text before its encoding: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html (read November 2026) */
const USER_DATA_BYTES = 16_384;

/** EC2 launches nothing with more user data: environment, secrets' names and boot commands are in it. */
export function checkUserData(script: string, violations: Violations): void {
  const bytes = literalBytes(script);
  if (bytes <= USER_DATA_BYTES) return;
  violations.add(
    'UserDataTooLarge',
    `the boot script with 'environment' and 'bootCommands' (${bytes} bytes, without what is known at deployment only) must have at most ${USER_DATA_BYTES} bytes: put large settings and scripts into the code's directory`,
  );
}

/** The fleet's queues, whichever property they were given by. */
export function queuesOf(props: WorkerFleetProps): WeightedQueue[] {
  return props.queues ?? (props.queue ? [{ queue: props.queue }] : []);
}

/** Every rule of `WorkerFleetProps`. */
export function checkFleet(props: WorkerFleetProps, violations: Violations): void {
  checkQueues(props, violations);
  checkTimes(props, violations);
  checkCapacity(props, violations);
  checkEnvironment(props, violations);
  if (props.vpc && props.egress !== undefined) {
    violations.add('EgressOfGivenNetwork', `'egress' must not be set together with 'vpc': remove one of them`);
  }
  for (const type of props.alternativeInstanceTypes ?? []) {
    const wanted = props.instanceType?.architecture ?? 'arm64';
    if (!Token.isUnresolved(type.toString()) && type.architecture !== wanted) {
      violations.add(
        'InstanceArchitecturesDiffer',
        `'alternativeInstanceTypes' (${type.toString()}, ${type.architecture}) must have the architecture of 'instanceType' (${wanted}): choose types of one architecture`,
      );
    }
  }
  if ((props.rollbackAlarms?.length ?? 0) > AUTO_SCALING_LIMITS.refreshAlarms) {
    violations.add(
      'TooManyRollbackAlarms',
      `'rollbackAlarms' (${props.rollbackAlarms?.length} alarms) must be at most ${AUTO_SCALING_LIMITS.refreshAlarms}: join them in a composite alarm`,
    );
  }
  if (
    props.memoryMax !== undefined &&
    !Token.isUnresolved(props.memoryMax) &&
    !/^(\d+(\.\d+)?%|\d+[KMGT]?|infinity)$/.test(props.memoryMax)
  ) {
    violations.add(
      'MemoryMaxUnreadable',
      `'memoryMax' (${props.memoryMax}) must be a size such as '2G', a percentage or 'infinity': see systemd's MemoryMax`,
    );
  }
}

function checkQueues(props: WorkerFleetProps, violations: Violations): void {
  if ((props.queue === undefined) === (props.queues === undefined)) {
    violations.add('QueueOrQueues', `exactly one of 'queue' and 'queues' must be set: set 'queues' for more than one`);
  }
  const queues = queuesOf(props);
  if (props.queues?.length === 0)
    violations.add('QueueOrQueues', `'queues' must not be empty: name at least one queue`);
  if (new Set(queues.map(({ queue }) => queue.queue.queueUrl)).size < queues.length) {
    violations.add('QueueNamedTwice', `'queues' must name each queue once: raise its weight instead`);
  }
  for (const { weight } of queues) {
    violations.requireNumber(
      'WeightOutOfRange',
      'weight',
      weight,
      { min: 1, max: 9_999, unit: 'shares' },
      'choose another',
    );
  }
  violations.requireNumber(
    'ConcurrencyOutOfRange',
    'concurrency',
    props.concurrency ?? 1,
    { min: Math.max(1, queues.length), max: 10_000, unit: 'messages' },
    'each queue needs at least one slot',
  );
}

function checkTimes(props: WorkerFleetProps, violations: Violations): void {
  const { hookHeartbeatSeconds, hookTotalSeconds, instanceLifetimeSeconds } = AUTO_SCALING_LIMITS;
  const { bootTime, drainTimeout, metricsInterval, receiveWaitTime, terminateHookTimeout, visibilityTimeout } = props;
  const computed = {
    bootTime,
    drainTimeout,
    metricsInterval,
    receiveWaitTime,
    terminateHookTimeout,
    visibilityTimeout,
  };
  for (const [prop, time] of Object.entries(computed)) {
    if (time?.isUnresolved()) {
      violations.add(
        'FleetTimeNotConcrete',
        `'${prop}' (a token) must be known at synth: other settings are computed from it`,
      );
    }
  }
  violations.requireSeconds(
    'WorkerVisibilityOutOfRange',
    'visibilityTimeout',
    props.visibilityTimeout,
    { min: 10, max: SQS_LIMITS.visibilitySeconds.max },
    'the worker renews it, so 30 seconds suit most work',
  );
  violations.requireSeconds(
    'ReceiveWaitOutOfRange',
    'receiveWaitTime',
    props.receiveWaitTime,
    SQS_LIMITS.waitTimeSeconds,
    'it is one long poll',
  );
  violations.requireSeconds(
    'DrainTimeoutOutOfRange',
    'drainTimeout',
    props.drainTimeout,
    { min: 0, max: hookTotalSeconds - 3_600 },
    'a lifecycle hook holds an instance for 48 hours at most',
  );
  violations.requireSeconds(
    'BootTimeOutOfRange',
    'bootTime',
    props.bootTime,
    { min: hookHeartbeatSeconds.min / 3, max: hookHeartbeatSeconds.max / 3 },
    'the launch hook waits three times as long, 30 seconds to 2 hours',
  );
  violations.requireSeconds(
    'TerminateHookOutOfRange',
    'terminateHookTimeout',
    props.terminateHookTimeout,
    hookHeartbeatSeconds,
    'the worker extends it while it works',
  );
  violations.requireSeconds(
    'InstanceLifetimeOutOfRange',
    'maxInstanceLifetime',
    props.maxInstanceLifetime,
    instanceLifetimeSeconds,
    'choose 1 to 365 days',
  );
  violations.requireSeconds(
    'MetricsIntervalOutOfRange',
    'metricsInterval',
    props.metricsInterval,
    { min: 1, max: 60 },
    'metrics are records of at most a minute',
  );
}

function checkCapacity(props: WorkerFleetProps, violations: Violations): void {
  const { minCapacity = 1, maxCapacity = 10 } = props;
  violations.requireNumber(
    'CapacityOutOfRange',
    'minCapacity',
    minCapacity,
    { ...AUTO_SCALING_LIMITS.groupInstances, unit: 'instances' },
    'choose another',
  );
  violations.requireNumber(
    'CapacityOutOfRange',
    'maxCapacity',
    maxCapacity,
    { ...AUTO_SCALING_LIMITS.groupInstances, min: 1, unit: 'instances' },
    'choose another',
  );
  if (!Token.isUnresolved(minCapacity) && !Token.isUnresolved(maxCapacity) && minCapacity > maxCapacity) {
    violations.add(
      'MinCapacityAboveMax',
      `'minCapacity' (${minCapacity} instances) must not be above 'maxCapacity' (${maxCapacity} instances): raise the maximum`,
    );
  }
  violations.requireNumber(
    'OnDemandPercentageOutOfRange',
    'onDemandPercentage',
    props.onDemandPercentage,
    { min: 0, max: 100, unit: 'percent' },
    'it is a share',
  );
  violations.requireNumber(
    'CapacityOutOfRange',
    'onDemandBaseCapacity',
    props.onDemandBaseCapacity,
    { ...AUTO_SCALING_LIMITS.groupInstances, unit: 'instances' },
    'choose another',
  );
  violations.requireGibibytes(
    'VolumeTooSmall',
    'volumeSize',
    props.volumeSize,
    { min: 8, max: 16_384 },
    'Amazon Linux needs 8 GiB',
  );
  if (props.warmPool) checkWarmPool(props.warmPool, props, violations);
}

function checkWarmPool(warmPool: autoscaling.WarmPoolOptions, props: WorkerFleetProps, violations: Violations): void {
  if (mayLaunchSpot(props)) {
    const share = Token.isUnresolved(props.onDemandPercentage) ? 'a token' : `${props.onDemandPercentage} percent`;
    violations.add(
      'WarmPoolWithSpot',
      `'warmPool' must not be set with 'onDemandPercentage' (${share}): a warm pool holds no Spot instances, choose one`,
    );
  }
  if (warmPool.poolState === autoscaling.PoolState.HIBERNATED) {
    violations.add(
      'WarmPoolStateNotPossible',
      `'warmPool.poolState' (Hibernated) must be Stopped or Running: the fleet's instances are not launched for hibernation`,
    );
  }
  for (const prop of ['minSize', 'maxGroupPreparedCapacity'] as const) {
    // aws-cdk-lib compares these itself, and takes a token for a negative number.
    if (Token.isUnresolved(warmPool[prop])) {
      violations.add('CapacityOutOfRange', `'warmPool.${prop}' (a token) must be known at synth: pass it as a number`);
    }
    violations.requireNumber(
      'CapacityOutOfRange',
      `warmPool.${prop}`,
      warmPool[prop],
      { ...AUTO_SCALING_LIMITS.groupInstances, unit: 'instances' },
      'choose another',
    );
  }
}

/** Whether some instances may be Spot instances: also when the share is known at deployment only. */
export function mayLaunchSpot({ onDemandPercentage = 100 }: WorkerFleetOptions): boolean {
  return Token.isUnresolved(onDemandPercentage) || onDemandPercentage < 100;
}

/** Whether the group needs a mixed instances policy. */
export function usesMixedInstances(props: WorkerFleetProps): boolean {
  return (
    (props.alternativeInstanceTypes?.length ?? 0) > 0 ||
    mayLaunchSpot(props) ||
    props.onDemandBaseCapacity !== undefined
  );
}

function checkEnvironment(props: WorkerFleetProps, violations: Violations): void {
  const own = new Set<string>(Object.values(WORKER_ENV));
  const { environment = {}, secrets = {} } = props;
  for (const name of [...Object.keys(environment), ...Object.keys(secrets)]) {
    if (!ENVIRONMENT_NAME.test(name)) {
      violations.add('EnvironmentNameIllegal', `'${name}' must be a variable's name: letters, digits and underscores`);
    }
    if (own.has(name) || name.startsWith('QUEUE_FLEET_')) {
      violations.add(
        'EnvironmentNameReserved',
        `'${name}' is a variable of the worker: use the fleet's property instead`,
      );
    }
  }
  for (const name of Object.keys(secrets)) {
    if (name in environment)
      violations.add('EnvironmentNameReserved', `'${name}' is a secret and a variable: choose one`);
  }
  for (const [name, value] of Object.entries(environment)) {
    if (breaksLine(value))
      violations.add('EnvironmentValueIllegal', `'${name}' must be one line: encode the line breaks`);
  }
}
