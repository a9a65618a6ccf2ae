/**
 * What the local run tells a page, and what a page may ask of it. Types only: the panel in the browser and the server
 * import the same file.
 *
 * | request                            | answer                                                              |
 * | ---------------------------------- | ------------------------------------------------------------------- |
 * | GET /config.json                   | `PageConfig`                                                        |
 * | GET /_local/about                  | `LocalAbout`                                                        |
 * | GET /_local/events                 | server-sent events: `state` = `LocalState`, `log` = `LogEntry`      |
 * | GET /_local/history                | `ChartSample[]`: the run before the page was opened, oldest first   |
 * | GET /_local/dead-letters           | `DeadLetter[]`                                                      |
 * | POST /_local/redrive               | body `RedriveRequest`, answer `RedriveAnswer`                       |
 * | POST /_local/instances/:id/kill    | 204; 404 when there is no such running instance                     |
 * | GET, POST /_local/faults           | body `Partial<FaultSettings>`, answer `FaultSettings`               |
 *
 * Errors are `{ "error": string }` with a status of 400 or more. A new connection to `/_local/events` receives the last
 * 200 log entries first (with their ids; `Last-Event-ID` skips those already seen), then a state about twice a second.
 * POST requests must carry the header `x-queue-fleet: 1`, so that another site's page cannot send them.
 */

/** `GET /config.json`: what the stack's page metadata declares under `config`, resolved, plus where the local services are. */
export interface PageConfig {
  /** Base URL of the HTTP API, without a trailing slash; absent when the template has none. */
  readonly apiUrl?: string;
  /** Everything that the stack put into the page's configuration. */
  readonly [name: string]: unknown;
}

/** `GET /_local/about`: what does not change while the local run lives. */
export interface LocalAbout {
  readonly stackName: string;
  /** Seconds that one minute of CloudWatch and Auto Scaling takes here. */
  readonly secondsPerMinute: number;
  /** Shown in the footer. */
  readonly fidelity: Fidelity;
  readonly queues: readonly { readonly name: string; readonly url: string; readonly deadLetterOf?: string }[];
  /** Base URLs of the local services, for people with a command line. */
  readonly endpoints: { readonly aws: string; readonly api?: string };
  /** Environment variables for the AWS CLI, an SDK or `queue-fleet`, with an access key of the account's root. */
  readonly operatorEnv: Readonly<Record<string, string>>;
}

/** What in a local run is the real thing, and what is a stand-in. */
export interface Fidelity {
  readonly real: readonly string[];
  readonly emulated: readonly string[];
}

/** One snapshot, sent as the server-sent event `state`. */
export interface LocalState {
  readonly clock: ClockState;
  readonly queues: readonly QueueState[];
  readonly group?: GroupState;
  readonly instances: readonly InstanceState[];
  readonly alarms: readonly AlarmState[];
  readonly faults: FaultSettings;
  readonly totals: RunTotals;
}

/** One moment, as the charts draw it; dead-letter queues are not work that waits. */
export interface ChartSample {
  /** Seconds since the run started. */
  readonly elapsedSeconds: number;
  readonly visible: number;
  readonly inFlight: number;
  readonly oldestSeconds: number;
  readonly inService: number;
  readonly desired: number;
  /** Whether an alarm asks for more instances, and whether one asks for fewer. */
  readonly alarmOut: boolean;
  readonly alarmIn: boolean;
}

/** Two clocks: the machine's, and the faster one of CloudWatch and Auto Scaling. */
export interface ClockState {
  /** Milliseconds since 1970 on this machine. */
  readonly nowMs: number;
  /** Seconds on this machine since the run started. */
  readonly elapsedSeconds: number;
  /** Seconds since the run started on the faster clock. */
  readonly virtualSeconds: number;
  readonly secondsPerMinute: number;
}

/** Numbers of one queue now (not as CloudWatch last saw them). */
export interface QueueState {
  readonly name: string;
  readonly url: string;
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
  /** Age of the oldest message that is not deleted, seconds of this machine; 0 when empty. */
  readonly oldestAgeSeconds: number;
  /** Messages sent to the queue since the start, redrives included. */
  readonly sent: number;
  /** Messages deleted after work since the start. */
  readonly deleted: number;
  /** Name of the source queue when this is a dead-letter queue. */
  readonly deadLetterOf?: string;
}

/** Capacity of the Auto Scaling group. */
export interface GroupState {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly inService: number;
}

/** Life of an instance, in Auto Scaling's words; `Booting` is the part of `Pending` in which nothing of ours runs yet. */
export type InstanceLifecycle =
  'Booting' | 'Pending:Wait' | 'InService' | 'Terminating:Wait' | 'Terminated' | 'Killed' | 'Failed';

/** One instance; ended ones stay listed for a few seconds. */
export interface InstanceState {
  readonly id: string;
  readonly state: InstanceLifecycle;
  /** Messages that this instance holds now. */
  readonly running: number;
  /** Messages that it has deleted after work. */
  readonly done: number;
  /** Process id, once started. */
  readonly pid?: number;
  /** Milliseconds since 1970. */
  readonly launchedAtMs: number;
}

/** One alarm of the template. */
export interface AlarmState {
  /** Logical id in the template. */
  readonly id: string;
  /** Short readable name. */
  readonly name: string;
  readonly state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  /** The value last evaluated; absent before the first. */
  readonly value?: number;
  readonly threshold: number;
  readonly comparison: string;
  /** True for alarms that drive a scaling policy; the others only notify. */
  readonly scaling: boolean;
}

/** Sums since the start. */
export interface RunTotals {
  /** Deliveries that the fault knob added. */
  readonly duplicatesInjected: number;
  readonly httpErrorsInjected: number;
  readonly instancesKilled: number;
  readonly instancesLaunched: number;
  /** Requests that a queue or bucket policy of the template refused. */
  readonly refusedByPolicy: number;
}

/** What a log entry is about; the page may filter and colour by it. */
export type LogKind = 'system' | 'scaling' | 'alarm' | 'instance' | 'queue' | 'worker' | 'fault' | 'scenario' | 'error';

/** One line of the event log, sent as the server-sent event `log`; its id is the event's id. */
export interface LogEntry {
  readonly id: number;
  readonly atMs: number;
  readonly elapsedSeconds: number;
  readonly kind: LogKind;
  /** One sentence for a person, without a final period. */
  readonly text: string;
  readonly instanceId?: string;
}

/** A message in a dead-letter queue. */
export interface DeadLetter {
  readonly queue: string;
  readonly sourceQueue: string;
  readonly messageId: string;
  readonly body: string;
  /** Why it is here, in words: the worker's reason, or the number of receives. */
  readonly reason: string;
  readonly receiveCount: number;
  readonly sentAtMs: number;
  /** For S3 events: the object. */
  readonly object?: { readonly bucket: string; readonly key: string };
}

/** Body of `POST /_local/redrive`; without a queue every dead-letter queue is redriven. */
export interface RedriveRequest {
  /** Name of the dead-letter queue. */
  readonly queue?: string;
}

/** Answer of `POST /_local/redrive`. */
export interface RedriveAnswer {
  readonly moved: number;
}

/** The fault knobs. All are off at the start unless the command line says otherwise. */
export interface FaultSettings {
  /** Share of the deliveries to the queue that are made twice, 0 to 100. */
  readonly duplicatePercent: number;
  /** Time between an object's upload and its event, seconds, 0 to 60. */
  readonly eventDelaySeconds: number;
  /** Share of the requests of workers and functions that are answered with 503, 0 to 50. */
  readonly httpErrorPercent: number;
  /** A random working instance is killed about this often, seconds; 0 = never. */
  readonly killEverySeconds: number;
}
