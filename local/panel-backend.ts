import { systemClock } from '../messaging';
import { ChartHistory } from './chart-history';
import { FIDELITY } from './fidelity';
import type { LocalRun } from './local-run';
import type { PanelBackend } from './page-server';
import type { LocalAbout, LocalState } from './panel-api';

/** A run, as the panel sees and steers it. */
export function panelBackend(run: LocalRun): PanelBackend & { close(): void } {
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

function about(run: LocalRun): LocalAbout {
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

function state(run: LocalRun): LocalState {
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
