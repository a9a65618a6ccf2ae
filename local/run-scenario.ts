/** Runs a scenario against a local run and waits for the fleet to come back to rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import path from 'node:path';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { LocalRunError } from './errors';
import type { LocalRun } from './local-run';
import type { LocalRunHandle, Scenario, ScenarioReport } from './scenario';
import { judge } from './verdict';

/** How often idleness is looked at. */
const LOOK_MS = 200;

/** Loads a scenario module. @throws LocalRunError when it does not exist or exports no function */
export async function loadScenario(file: string): Promise<Scenario> {
  const absolute = path.resolve(file);
  if (!existsSync(absolute)) throw new LocalRunError(`scenario ${file} does not exist: pass --scenario MODULE`);
  const module = await importModule(file, absolute);
  // A CommonJS module's exports arrive as the default export.
  const found =
    typeof module.default === 'function' ? module.default : (module.default as { default?: unknown })?.default;
  if (typeof found === 'function') return found as Scenario;
  throw new LocalRunError(`scenario ${file} has no default export: export default async (run) => report`);
}

/** Codes of what Node.js says to TypeScript that it cannot strip, or whose imports it cannot find. */
const NOT_LOADABLE = /^ERR_(MODULE_NOT_FOUND|UNKNOWN_FILE_EXTENSION|UNSUPPORTED_\w+|INVALID_TYPESCRIPT_SYNTAX)$/;

async function importModule(file: string, absolute: string): Promise<{ default?: unknown }> {
  try {
    return (await import(pathToFileURL(absolute).href)) as { default?: unknown };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!/\.[cm]?tsx?$/.test(file) || !NOT_LOADABLE.test(code ?? '')) throw error;
    throw new LocalRunError(
      `scenario ${file} is TypeScript that Node.js cannot load by itself (${message.split('\n')[0]}): ` +
        'pass a .js or .mjs module, or set NODE_OPTIONS="--import tsx"',
    );
  }
}

/** What a scenario may do with a run. */
export function handleOf(run: LocalRun, chaos: boolean, signal: AbortSignal): LocalRunHandle {
  return {
    apiUrl: run.apiUrl,
    pageUrl: run.pageUrl,
    awsEndpoint: run.awsEndpoint,
    env: run.environmentOf({ role: undefined, roleArn: undefined, session: 'admin' }),
    resources: run.names,
    config: run.pageConfig,
    chaos,
    signal,
    now: () => run.now(),
    log: (text) => run.log.add('scenario', text),
    queueCounts: () => run.queues.states(),
    instances: () => run.instances().filter(({ state }) => !['Terminated', 'Killed', 'Failed'].includes(state)),
    jobsByInstance: () => run.jobsByInstance,
    setFaults: (change) => void run.setFaults({ ...change }),
    deadLetters: () => run.queues.deadLetters(),
    onIdle: () => until(() => run.idle, signal),
  };
}

/** Waits until `condition` holds. @throws the signal's reason when it aborts before */
export async function until(condition: () => boolean, signal: AbortSignal): Promise<void> {
  while (!condition()) await sleep(LOOK_MS, undefined, { signal });
}

/** Runs the scenario to the end of the fleet's scale-in. @returns everything that went wrong, and the report */
export async function runToVerdict(
  run: LocalRun,
  scenario: Scenario,
  options: { readonly chaos: boolean; readonly signal: AbortSignal },
): Promise<{ readonly report: ScenarioReport; readonly failures: readonly string[] }> {
  const { signal } = options;
  const report = await scenario(handleOf(run, options.chaos, signal));
  await until(() => run.idle, signal);
  if (run.scales) {
    const { initial } = run.capacity;
    run.log.add('scenario', `all work is done; waiting for the fleet to go back to ${initial}`);
    await until(() => run.capacity.last <= initial, signal);
  }
  const failures = judge({
    report,
    queues: run.queues.states(),
    capacity: run.capacity,
    scales: run.scales,
    failedInstances: run.fleet?.failedInstances ?? 0,
  });
  return { report, failures };
}
