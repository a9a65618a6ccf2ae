import type { DeadLetter, FaultSettings, InstanceState, QueueState } from './panel-api';

/** What `--scenario MODULE` is given: a running stack and the means to look at it. */
export interface LocalRunHandle {
  /** Base URL of the HTTP API, without a trailing slash; undefined when the template has none. */
  readonly apiUrl: string | undefined;
  /** URL of the page, without a trailing slash. */
  readonly pageUrl: string;
  /** Endpoint for S3 and SQS clients. */
  readonly awsEndpoint: string;
  /** Environment for AWS SDK clients and child processes: endpoint, region and credentials of a principal that may do anything. */
  readonly env: Readonly<Record<string, string>>;
  /** Physical names by logical id of the template: bucket name, queue URL, group name. */
  readonly resources: Readonly<Record<string, string>>;
  /** The page's configuration, resolved. */
  readonly config: Readonly<Record<string, unknown>>;
  /** True when the run was started with `--chaos`: scenarios may make more work then. */
  readonly chaos: boolean;
  /** Aborts when the run is being stopped. */
  readonly signal: AbortSignal;
  /** Seconds since the run started: `real` on this machine, `virtual` on the faster clock. */
  now(): { readonly real: number; readonly virtual: number };
  /** Adds a line of kind `scenario` to the event log. */
  log(text: string): void;
  /** Every queue now. */
  queueCounts(): readonly QueueState[];
  /** Every instance that is not ended. */
  instances(): readonly InstanceState[];
  /** Messages that each instance since the start has deleted after work, by instance id. */
  jobsByInstance(): Readonly<Record<string, number>>;
  /** Turns fault knobs, as the page does. */
  setFaults(change: Partial<FaultSettings>): void;
  /** Every message in a dead-letter queue. */
  deadLetters(): readonly DeadLetter[];
  /** Resolves when no queue but the dead-letter queues holds a message and no event is on its way. */
  onIdle(): Promise<void>;
}

/** What the scenario found. The run adds its own checks (queue drained, dead letters, fleet out and back) to the verdict. */
export interface ScenarioReport {
  /** Lines for a person: what was done and how it went. */
  readonly summary: readonly string[];
  /** What went wrong; empty = good. Each one line. */
  readonly failures: readonly string[];
  /** Messages that belong in the dead-letter queues at the end. */
  readonly expectedDeadLetters: number;
  /** Pieces of work asked for, dead letters included. */
  readonly expected: number;
  /** Pieces of work done. */
  readonly ready: number;
  /** Pieces of work that were done more than once. */
  readonly processedTwice: number;
}

/** Default export of a scenario module. */
export type Scenario = (run: LocalRunHandle) => Promise<ScenarioReport>;
