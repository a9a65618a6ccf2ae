import { systemClock } from '../messaging';
import { ChartHistory } from './chart-history';
import type { EventLog } from './event-log';
import { FIDELITY } from './fidelity';
import type { PanelBackend } from './page-server';
import type { FaultSettings, InstanceState, LocalAbout, LocalState, RunTotals } from './panel-api';
import type { QueueBoard } from './queue-board';
import type { ScaledFleet } from './scaled-fleet';

/** What the panel asks of a run. */
export interface PanelRun {
  readonly options: { readonly assembly: { readonly stackName: string }; readonly secondsPerMinute: number };
  readonly pageConfig: Readonly<Record<string, unknown>>;
  readonly awsEndpoint: string;
  readonly apiUrl: string | undefined;
  readonly operatorEnv: Readonly<Record<string, string>>;
  readonly log: Pick<EventLog, 'since' | 'listen'>;
  readonly queues: Pick<QueueBoard, 'states' | 'deadLetters'>;
  readonly fleet: Pick<ScaledFleet, 'group' | 'alarms' | 'kill'> | undefined;
  readonly faults: FaultSettings;
  readonly totals: RunTotals;
  /** Seconds since the start, on this machine and on the faster clock. */
  now(): { readonly real: number; readonly virtual: number };
  instances(): readonly InstanceState[];
  redrive(queueName?: string): number;
  setFaults(change: Readonly<Record<string, unknown>>): FaultSettings;
}

/** A run, as the panel sees and steers it. */
export function panelBackend(run: PanelRun): PanelBackend & { close(): void } {
  const history = new ChartHistory(systemClock, () => state(run));
  return {
    config: () => run.pageConfig,
    about: () => about(run),
    state: () => state(run),
    history: () => history.samples,
    close: () => history.close(),
    logSince: (id) => run.log.since(id),
    listen: (listener) => run.log.listen(listener),
    deadLetters: () => run.queues.deadLetters(),
    redrive: ({ queue }) => ({ moved: run.redrive(queue) }),
    kill: (id) => run.fleet?.kill(id) ?? false,
    setFaults: (change) => run.setFaults(change),
  };
}

function about(run: PanelRun): LocalAbout {
  const { assembly, secondsPerMinute } = run.options;
  return {
    stackName: assembly.stackName,
    secondsPerMinute,
    fidelity: FIDELITY,
    queues: run.queues.states().map(({ name, url, deadLetterOf }) => ({
      name,
      url,
      ...(deadLetterOf !== undefined && { deadLetterOf }),
    })),
    endpoints: { aws: run.awsEndpoint, ...(run.apiUrl !== undefined && { api: run.apiUrl }) },
    operatorEnv: run.operatorEnv,
  };
}

function state(run: PanelRun): LocalState {
  const { real, virtual } = run.now();
  const { fleet } = run;
  return {
    clock: {
      nowMs: Date.now(),
      elapsedSeconds: real,
      virtualSeconds: virtual,
      secondsPerMinute: run.options.secondsPerMinute,
    },
    queues: run.queues.states(),
    ...(fleet && { group: fleet.group }),
    instances: run.instances(),
    alarms: fleet?.alarms ?? [],
    faults: run.faults,
    totals: run.totals,
  };
}
