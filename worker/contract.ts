/**
 * What the constructs and the worker agree on: the environment that an instance's worker is started with.
 *
 * `lib/` writes these names into the worker's environment file, `worker/` reads and checks them, `local/` sets them
 * for its processes. This is the only file that both sides import.
 */

/** Names of the worker's environment variables. Times carry their unit in the name. */
export const WORKER_ENV = {
  /** URL of the queue to consume; several queues are separated by one space. */
  queueUrl: 'QUEUE_FLEET_QUEUE_URL',
  /** Relative weights of the queues, in the order of the URLs, separated by one space. */
  queueWeights: 'QUEUE_FLEET_QUEUE_WEIGHTS',
  /**
   * URL of the dead-letter queue, for messages that the handler refuses for good; aligned with the queues,
   * `-` for a queue that has none.
   */
  deadLetterQueueUrl: 'QUEUE_FLEET_DEAD_LETTER_QUEUE_URL',
  /** How to reach the handler: `module:<path>`, `command:<JSON array of strings>` or `http:<port><path>`. */
  handler: 'QUEUE_FLEET_HANDLER',
  /** Messages that one worker runs at the same time, 1 or more. */
  concurrency: 'QUEUE_FLEET_CONCURRENCY',
  /** Visibility timeout that the worker asks for and renews, whole seconds. */
  visibilityTimeoutSeconds: 'QUEUE_FLEET_VISIBILITY_TIMEOUT_SECONDS',
  /** Long poll, whole seconds, 0 to 20. */
  waitTimeSeconds: 'QUEUE_FLEET_WAIT_TIME_SECONDS',
  /** How long running work may go on after the instance was asked to stop, whole seconds. */
  drainTimeoutSeconds: 'QUEUE_FLEET_DRAIN_TIMEOUT_SECONDS',
  /** Port of `/live`, `/ready`, `/inflight` and `/drain` on 127.0.0.1; 0 picks a free one. */
  healthPort: 'QUEUE_FLEET_HEALTH_PORT',
  /**
   * Name of the instance's own Auto Scaling group, or `imds`: the name is in the instance's tag `aws:autoscaling:groupName`.
   * Without it the worker runs on premise and asks no instance metadata. (A template cannot hold the name itself: the
   * group refers to the launch template, and the launch template holds this environment.)
   */
  autoScalingGroupName: 'QUEUE_FLEET_AUTO_SCALING_GROUP_NAME',
  /** Name of the hook that waits for the first successful poll. */
  launchHookName: 'QUEUE_FLEET_LAUNCH_HOOK_NAME',
  /** Name of the hook that waits for running work. */
  terminateHookName: 'QUEUE_FLEET_TERMINATE_HOOK_NAME',
  /** Heartbeat timeout of the terminate hook, whole seconds. */
  terminateHookSeconds: 'QUEUE_FLEET_TERMINATE_HOOK_SECONDS',
  /** CloudWatch namespace of the worker's metrics (embedded metric format on standard output). */
  metricsNamespace: 'QUEUE_FLEET_METRICS_NAMESPACE',
  /** Seconds between two metric records: 1 makes high-resolution metrics. */
  metricsIntervalSeconds: 'QUEUE_FLEET_METRICS_INTERVAL_SECONDS',
  /** Where the instance metadata service is; the local run sets it to its own. */
  metadataEndpoint: 'AWS_EC2_METADATA_SERVICE_ENDPOINT',
} as const;

/** One of the worker's environment variables. */
export type WorkerEnvironmentName = (typeof WORKER_ENV)[keyof typeof WORKER_ENV];

/** Key of the CloudFormation metadata on the Auto Scaling group that tells a local run how a worker is started. */
export const WORKER_METADATA_KEY = 'cdk-queue-fleet:worker';

/** Value of that metadata. Strings may be CloudFormation intrinsics until the template is resolved. */
export interface WorkerMetadata {
  /** Hash of the asset directory with the worker's code, as in the cloud assembly (`asset.<hash>`). */
  readonly assetHash: string;
  /** Program and arguments, relative to the asset directory. */
  readonly command: readonly string[];
  /** The whole environment of the worker, exactly what the instance's environment file holds. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Names of the worker's metrics that a scaling policy reads; one record per queue and interval, with the dimension
 * `QueueName` (the name, not the URL) and, for intervals below a minute, storage resolution 1.
 */
export const WORKER_METRICS = {
  /** Waiting messages of the queue, divided by the slots that this worker has for it. Unit Count. */
  backlogPerSlot: 'BacklogPerSlot',
  /** Messages of the queue that this worker is working on. Unit Count. */
  busySlots: 'BusySlots',
} as const;
