/**
 * Every code of a ConfigurationError and the rule that it stands for. docs/errors.md holds the same table, and a test
 * proves that each code is thrown by some test. Keep each block in alphabetical order.
 */
export const ERROR_CODES = {
  // lib/queue
  RetentionOutOfRange: 'A queue keeps messages from 60 seconds to 14 days',
  // lib/fleet
  BootTimeOutOfRange: 'The launch hook waits three times the boot time, 30 seconds to 2 hours',
  CapacityOutOfRange: 'A group has 0 to 10,000 instances and a maximum of at least 1',
  ConcurrencyOutOfRange: 'A worker has 1 to 10,000 slots and at least one for each queue',
  DrainTimeoutOutOfRange: 'A lifecycle hook holds an instance for 48 hours at most',
  EgressOfGivenNetwork: 'The egress of a given network is its own affair',
  EnvironmentNameIllegal: 'A variable has a name of letters, digits and underscores',
  EnvironmentNameReserved: 'The worker’s own variables are set by the fleet’s properties',
  EnvironmentValueIllegal: 'A variable has one line of text',
  EsbuildMissing: 'Bundling a worker needs esbuild',
  InstanceArchitecturesDiffer: 'All instance types of a fleet have one processor architecture',
  InstanceLifetimeOutOfRange: 'An instance lives at least 1 day and at most 365 days',
  MemoryMaxUnreadable: 'The memory limit is one that systemd can read',
  MetricsIntervalOutOfRange: 'Metric records are 1 to 60 seconds apart',
  MinCapacityAboveMax: 'The least number of instances is not above the largest',
  OnDemandPercentageOutOfRange: 'A share of instances is 0 to 100 percent',
  QueueNamedTwice: 'A fleet names each of its queues once',
  QueueOrQueues: 'A fleet has one queue or a list of queues',
  ReceiveWaitOutOfRange: 'A long poll takes 0 to 20 seconds',
  TerminateHookOutOfRange: 'A hook’s heartbeat timeout is 30 seconds to 2 hours',
  TooManyRollbackAlarms: 'An instance refresh watches at most 10 alarms',
  VolumeTooSmall: 'The root volume holds Amazon Linux: 8 GiB or more',
  WarmPoolWithSpot: 'A warm pool holds no Spot instances',
  WeightOutOfRange: 'The weight of a queue is 1 to 9,999',
  WorkerAssetNameTaken: 'Files of the worker’s directory keep clear of the runtime’s names',
  WorkerBundleFailed: 'The worker’s code can be bundled',
  WorkerCommandEmpty: 'A command names a program',
  WorkerEntryMissing: 'The worker’s code exists',
  WorkerHandlerNotExported: 'A handler’s module exports handler or a default',
  WorkerPortOutOfRange: 'A port is 1 to 65,535',
  WorkerVisibilityOutOfRange: 'The worker renews a visibility timeout of 10 seconds to 12 hours',

  // lib/scaling
} as const;

/** A code of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;
