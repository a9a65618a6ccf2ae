import { createJsonLogger, createSqsClient, HealthServer, type Logger, systemClock } from '../messaging';
import * as messagingModule from '../messaging';
import { createAutoScalingClient, type OwnGroup, ownGroup } from './auto-scaling-client';
import {
  ConfigurationProblems,
  type GroupMembership,
  readConfiguration,
  type WorkerConfiguration,
} from './configuration';
import { Consumers, nameOf, type QueueDrainReport } from './consumers';
import { createHandlerHost } from './hosts';
import { InstanceMetadataClient } from './instance-metadata-client';
import { LifeCycleRunner, type LifeCycleRunnerOptions } from './life-cycle-runner';

/** For handlers that are not bundled with the runtime: its own classes, so that `instanceof` holds. */
export const messaging = messagingModule;

/** How the worker's process ends. systemd does not start a worker again whose configuration is wrong. */
export const EXIT_CODES = {
  /** Drained: nothing was left behind. */
  drained: 0,
  /** Stopped, but some handlers were told to stop before they had finished; their messages went back to the queue. */
  cutShort: 1,
  /** A defect: an error that nobody handled. Leases run out and the messages come back. */
  defect: 70,
  /** The health port is taken, or something else that may be different the next time. */
  unavailable: 75,
  /** The environment is not one that a worker can run with. */
  configuration: 78,
} as const;

/** What `POST /drain?wait` answers. */
export interface DrainOutcome {
  /** The exit code. */
  readonly code: number;
  /** Empty for a worker that never began to consume. */
  readonly queues: readonly QueueDrainReport[];
}

/** A second signal leaves handlers this long. */
const IMPATIENT_BUDGET_MS = 2_000;

/** Runs a worker as this process, from its environment, until it has nothing left to do. */
export function main(): void {
  const logger = createJsonLogger();
  const end = (code: number): void => {
    // Standard output may be a pipe: the last line must be through before the process goes.
    process.stdout.write('', () => process.exit(code));
  };
  process.on('uncaughtException', (error) => {
    logger.error({ err: error }, 'unexpected error');
    end(EXIT_CODES.defect);
  });
  process.on('unhandledRejection', (error) => {
    logger.error({ err: error }, 'unexpected rejection');
    end(EXIT_CODES.defect);
  });
  void run(logger).then(end);
}

async function run(logger: Logger): Promise<number> {
  const configuration = configure(logger);
  if (!configuration) return EXIT_CODES.configuration;

  // A configured endpoint (an emulation, a VPC endpoint without private DNS) counts, not the host in the queue's URL.
  const endpointGiven = process.env['AWS_ENDPOINT_URL_SQS'] ?? process.env['AWS_ENDPOINT_URL'];
  const sqs = createSqsClient(endpointGiven === undefined ? {} : { useQueueUrlAsEndpoint: false });
  const consumers = new Consumers({
    configuration,
    sqs,
    clock: systemClock,
    logger,
    loadHost: () => createHandlerHost(configuration.handler, { queueName: queueNameOf(configuration) }),
    changed: () => runner.wake(),
  });
  const runner = new LifeCycleRunner({
    clock: systemClock,
    logger,
    work: consumers,
    rules: rulesOf(configuration),
    ...(configuration.group && { instance: instanceOf(configuration, configuration.group, logger) }),
  });

  let finished: ((outcome: DrainOutcome) => void) | undefined;
  const over = new Promise<DrainOutcome>((resolve) => (finished = resolve));
  const health = new HealthServer({
    sources: [consumers],
    port: configuration.healthPort,
    logger,
    drain: () => {
      runner.requestStop();
      return over;
    },
  });
  try {
    logger.info({ port: await health.start(), version: process.version }, 'health endpoints');
  } catch (error) {
    logger.error({ err: error }, 'the health port cannot be opened');
    return EXIT_CODES.unavailable;
  }
  let signals = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      logger.info({ signal }, 'asked to stop');
      if (++signals > 1) consumers.drain(IMPATIENT_BUDGET_MS);
      else runner.requestStop();
    });
  }

  void consumers.load();
  await runner.run();
  await consumers.stop();
  const code = consumers.cutShort > 0 ? EXIT_CODES.cutShort : EXIT_CODES.drained;
  finished?.({ code, queues: consumers.drainReports });
  await health.stop();
  sqs.destroy();
  logger.info({ code }, 'end');
  return code;
}

function configure(logger: Logger): WorkerConfiguration | undefined {
  try {
    return readConfiguration(process.env);
  } catch (error) {
    if (!(error instanceof ConfigurationProblems)) throw error;
    for (const problem of error.problems) logger.error({}, problem);
    return undefined;
  }
}

function rulesOf({ drainTimeoutSeconds, group }: WorkerConfiguration): LifeCycleRunnerOptions['rules'] {
  return {
    drainTimeoutMs: drainTimeoutSeconds * 1_000,
    terminateHookMs: (group?.terminateHookSeconds ?? 0) * 1_000,
    ...(group?.launchHookName && { launchHookName: group.launchHookName }),
    ...(group?.terminateHookName && { terminateHookName: group.terminateHookName }),
  };
}

function instanceOf(
  { metadataEndpoint }: WorkerConfiguration,
  { groupName }: GroupMembership,
  logger: Logger,
): NonNullable<LifeCycleRunnerOptions['instance']> {
  const metadata = new InstanceMetadataClient({ endpoint: metadataEndpoint });
  const client = createAutoScalingClient();
  return {
    fate: () => metadata.fate(),
    group: async (): Promise<OwnGroup> => {
      const name = groupName === 'imds' ? await metadata.autoScalingGroupName() : groupName;
      const report = (call: string, error: unknown): void =>
        logger.warn({ call, err: error }, 'Auto Scaling call failed');
      return ownGroup(client, name, await metadata.instanceId(), report);
    },
  };
}

/** Told to HTTP handlers; with several queues there is no one name. */
function queueNameOf({ queues }: WorkerConfiguration): string | undefined {
  const [only, ...others] = queues;
  return only && others.length === 0 ? nameOf(only.url) : undefined;
}
