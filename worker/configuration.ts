import { WORKER_ENV, type WorkerEnvironmentName } from './contract';
import { type HandlerSpec, HandlerSpecError, parseHandlerSpec } from './hosts';

/** One queue to consume. */
export interface QueueSource {
  readonly url: string;
  /** Queue of the messages that a handler refuses for good. */
  readonly deadLetterQueueUrl?: string;
  /** Relative share of the worker's slots, 1 or more. */
  readonly weight: number;
}

/** What the worker needs to know of its Auto Scaling group. */
export interface GroupMembership {
  /** The group's name, or `imds`: ask the instance's tags. */
  readonly groupName: string;
  readonly launchHookName?: string;
  readonly terminateHookName?: string;
  readonly terminateHookSeconds: number;
}

/** The worker's whole configuration, checked. */
export interface WorkerConfiguration {
  readonly queues: readonly QueueSource[];
  readonly handler: HandlerSpec;
  readonly concurrency: number;
  readonly visibilityTimeoutSeconds: number;
  readonly waitTimeSeconds: number;
  readonly drainTimeoutSeconds: number;
  readonly healthPort: number;
  /** Absent on premise: nothing of EC2 is asked then. */
  readonly group?: GroupMembership;
  /** Absent: no metric records. */
  readonly metrics?: { readonly namespace: string; readonly intervalSeconds: number };
  readonly metadataEndpoint: string;
}

/** The environment is not one that a worker can run with. `problems` holds one line for each broken rule. */
export class ConfigurationProblems extends Error {
  override name = 'ConfigurationProblems';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** Address of the instance metadata service on every EC2 instance. */
const EC2_METADATA_ENDPOINT = 'http://169.254.169.254';

/**
 * Reads and checks the environment.
 *
 * @throws ConfigurationProblems with every problem, not only the first
 */
export function readConfiguration(env: Readonly<Record<string, string | undefined>>): WorkerConfiguration {
  const problems: string[] = [];
  const text = (name: WorkerEnvironmentName): string | undefined => env[name]?.trim() || undefined;
  const list = (name: WorkerEnvironmentName): string[] => text(name)?.split(/\s+/) ?? [];
  const integer = (name: WorkerEnvironmentName, fallback: number, min: number, max: number): number => {
    const value = text(name);
    if (value === undefined) return fallback;
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return number;
    problems.push(`${name} ('${value}') must be a whole number from ${min} to ${max}`);
    return fallback;
  };

  const configuration: WorkerConfiguration = {
    queues: readQueues(list, problems),
    handler: readHandler(text(WORKER_ENV.handler), problems),
    concurrency: integer(WORKER_ENV.concurrency, 1, 1, 10_000),
    visibilityTimeoutSeconds: integer(WORKER_ENV.visibilityTimeoutSeconds, 30, 2, 43_200),
    waitTimeSeconds: integer(WORKER_ENV.waitTimeSeconds, 20, 0, 20),
    drainTimeoutSeconds: integer(WORKER_ENV.drainTimeoutSeconds, 120, 0, 172_800),
    healthPort: integer(WORKER_ENV.healthPort, 0, 0, 65_535),
    metadataEndpoint: readEndpoint(text(WORKER_ENV.metadataEndpoint), problems),
  };

  const groupName = text(WORKER_ENV.autoScalingGroupName);
  const launchHookName = text(WORKER_ENV.launchHookName);
  const terminateHookName = text(WORKER_ENV.terminateHookName);
  const terminateHookSeconds = integer(WORKER_ENV.terminateHookSeconds, 3_600, 30, 7_200);
  const namespace = text(WORKER_ENV.metricsNamespace);
  const intervalSeconds = integer(WORKER_ENV.metricsIntervalSeconds, 60, 1, 60);
  if (configuration.concurrency < configuration.queues.length) {
    problems.push(
      `${WORKER_ENV.concurrency} (${configuration.concurrency}) must be at least the number of queues (${configuration.queues.length})`,
    );
  }
  if (problems.length > 0) throw new ConfigurationProblems(problems);
  return {
    ...configuration,
    ...(groupName && {
      group: {
        groupName,
        terminateHookSeconds,
        ...(launchHookName && { launchHookName }),
        ...(terminateHookName && { terminateHookName }),
      },
    }),
    ...(namespace && { metrics: { namespace, intervalSeconds } }),
  };
}

function readQueues(list: (name: WorkerEnvironmentName) => string[], problems: string[]): QueueSource[] {
  const urls = list(WORKER_ENV.queueUrl);
  const weights = list(WORKER_ENV.queueWeights);
  const deadLetters = list(WORKER_ENV.deadLetterQueueUrl);
  if (urls.length === 0) problems.push(`${WORKER_ENV.queueUrl} is missing: set the URL of the queue`);
  for (const url of [...urls, ...deadLetters.filter((d) => d !== '-')]) {
    if (!URL.canParse(url)) problems.push(`'${url}' is not the URL of a queue`);
  }
  if (new Set(urls).size < urls.length) problems.push(`${WORKER_ENV.queueUrl} names one queue twice`);
  if (weights.length > 0 && weights.length !== urls.length) {
    problems.push(`${WORKER_ENV.queueWeights} has ${weights.length} weights for ${urls.length} queues`);
  }
  if (deadLetters.length > 0 && deadLetters.length !== urls.length) {
    problems.push(
      `${WORKER_ENV.deadLetterQueueUrl} has ${deadLetters.length} entries for ${urls.length} queues: write '-' for none`,
    );
  }
  return urls.map((url, index) => {
    const weight = weights[index] ?? '1';
    const deadLetter = deadLetters[index];
    if (!/^[1-9]\d{0,3}$/.test(weight)) problems.push(`weight '${weight}' must be a whole number from 1 to 9999`);
    return {
      url,
      weight: Number(weight),
      ...(deadLetter && deadLetter !== '-' && { deadLetterQueueUrl: deadLetter }),
    };
  });
}

function readHandler(value: string | undefined, problems: string[]): HandlerSpec {
  const unusable: HandlerSpec = { kind: 'module', path: '' };
  if (value === undefined) {
    problems.push(`${WORKER_ENV.handler} is missing: set module:<path>, command:<JSON array> or http:<port><path>`);
    return unusable;
  }
  try {
    return parseHandlerSpec(value);
  } catch (error) {
    if (!(error instanceof HandlerSpecError)) throw error;
    problems.push(`${WORKER_ENV.handler}: ${error.message}`);
    return unusable;
  }
}

function readEndpoint(value: string | undefined, problems: string[]): string {
  if (value === undefined) return EC2_METADATA_ENDPOINT;
  if (!URL.canParse(value)) problems.push(`${WORKER_ENV.metadataEndpoint} ('${value}') is not a URL`);
  return value.replace(/\/+$/, '');
}
