import { InvalidArgumentError, Option, type Command } from 'commander';
import pc from 'picocolors';
import { openAssembly } from '../../local/assembly';
import { CHAOS, NO_FAULTS } from '../../local/edge/faults';
import { checkNodeVersion } from '../../local/emulator';
import { LocalRunError } from '../../local/errors';
import { LocalRun } from '../../local/local-run';
import type { LogEntry } from '../../local/panel-api';
import { handleOf, loadScenario, runToVerdict } from '../../local/run-scenario';
import type { Scenario } from '../../local/scenario';
import { count, exportLines, formatEntry, wrap } from '../../local/terminal';

/** Port of the page unless the command line names one; a headless run takes any free one. */
const DEFAULT_PORT = 4777;

/** A typical draw of the emulated delays: a backlog at the start is answered after about 10 s. */
const DEFAULT_SEED = 257;

interface Options {
  readonly headless: boolean;
  readonly port?: number;
  readonly data?: string;
  readonly minute: number;
  readonly scenario?: string;
  readonly duplicates?: number;
  readonly delay?: number;
  readonly httpErrors?: number;
  readonly chaos: boolean;
  readonly stack?: string;
  readonly context: Readonly<Record<string, string>>;
  readonly timeout: number;
  readonly seed: number;
}

/** `queue-fleet local`: a stack on this machine. */
export function configure(command: Command): void {
  command
    .argument('[app]', 'app command, cloud assembly directory or template file (default: the app of cdk.json)')
    .option('--headless', 'print progress and exit: 0 when everything went well, 1 otherwise', false)
    .option('--port <port>', `port of the page, 0 for a free one (default: ${DEFAULT_PORT})`, number(0, 65_535))
    .option('--data <dir>', 'keep queues and objects there across restarts')
    .option('--minute <seconds>', 'seconds that a minute of alarms and scaling takes', number(0.5, 60), 5)
    .option('--scenario <module>', 'module whose default export drives the run')
    .option('--duplicates <percent>', 'share of deliveries made twice', number(0, 100))
    .option('--delay <seconds>', 'time between an upload and its event', number(0, 60))
    .option('--http-errors <percent>', "share of the workers' requests answered with 503", number(0, 50))
    .option('--chaos', 'duplicates, killed instances and HTTP errors together', false)
    .option('-c, --context <key=value>', 'context of the app, as for the CDK command line', pair, {})
    .option('--stack <name>', 'stack to run, where several have a queue')
    .option('--timeout <seconds>', 'longest headless run', number(1, 86_400), 300)
    .addOption(
      new Option('--seed <number>', 'seed of the emulated delays').argParser(number(0, 1e9)).default(DEFAULT_SEED),
    )
    .action(async (app: string | undefined, options: Options) => {
      process.exitCode = await runLocal(app, options);
      // Sockets of SDK clients in a scenario may stay open; nothing of ours is left to wait for.
      process.exit();
    });
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}

function pair(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('It must be key=value.');
  return { ...before, [key]: value };
}

async function runLocal(app: string | undefined, options: Options): Promise<number> {
  const stopping = new AbortController();
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    stopping.abort(new LocalRunError('interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt);
  let run: LocalRun | undefined;
  try {
    checkNodeVersion(process.version, process.getBuiltinModule?.('node:sqlite') !== undefined);
    const scenario = options.scenario === undefined ? undefined : await loadScenario(options.scenario);
    if (options.headless && scenario === undefined) {
      throw new LocalRunError('--headless needs --scenario MODULE: there would be nothing to do');
    }
    run = await start(app, options, stopping.signal);
    run.onBroken((reason) => stopping.abort(new LocalRunError(reason)));
    return options.headless && scenario
      ? await headless(run, scenario, options, stopping)
      : await interactive(run, scenario, options, stopping.signal);
  } catch (error) {
    if (interrupted) return 130;
    const reason: unknown = stopping.signal.aborted ? stopping.signal.reason : error;
    const isOurs = reason instanceof LocalRunError || (reason as Error | undefined)?.name === 'TemplateError';
    console.error(
      pc.red(isOurs ? (reason as Error).message : reason instanceof Error ? (reason.stack ?? '') : String(reason)),
    );
    return 1;
  } finally {
    await run?.close();
  }
}

async function start(app: string | undefined, options: Options, signal: AbortSignal): Promise<LocalRun> {
  const startedMs = Date.now();
  console.log(pc.dim(`reading ${app ?? 'the app of cdk.json'}`));
  const assembly = await openAssembly(app, { stackName: options.stack, context: options.context });
  const builtMs = Date.now();
  if (signal.aborted) {
    assembly.dispose();
    throw signal.reason;
  }
  const faults = options.chaos ? CHAOS : NO_FAULTS;
  const run = await LocalRun.start({
    assembly,
    port: options.port ?? (options.headless ? 0 : DEFAULT_PORT),
    secondsPerMinute: options.minute,
    seed: options.seed,
    ...(options.data !== undefined && { dataDir: options.data }),
    faults: {
      ...faults,
      ...(options.duplicates !== undefined && { duplicatePercent: options.duplicates }),
      ...(options.delay !== undefined && { eventDelaySeconds: options.delay }),
      ...(options.httpErrors !== undefined && { httpErrorPercent: options.httpErrors }),
    },
  });
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const { queues, buckets, functions, fleet } = run.resources;
  console.log(
    `${pc.bold(assembly.stackName)} runs here: ${count(queues.length, 'queue')}, ${count(buckets.length, 'bucket')}, ` +
      `${count(functions.length, 'function')}${fleet ? `, ${fleet.min} to ${fleet.max} instances` : ''}`,
  );
  console.log(pc.dim(`synthesized in ${seconds(builtMs - startedMs)}, started in ${seconds(Date.now() - builtMs)}`));
  console.log(`  page  ${pc.cyan(run.pageUrl)}`);
  if (run.apiUrl !== undefined) console.log(`  api   ${pc.cyan(run.apiUrl)}`);
  console.log(`  aws   ${pc.cyan(run.awsEndpoint)}  ${pc.dim('(S3 and SQS)')}`);
  // Who runs headless has no time to type.
  if (!options.headless) {
    const [first = '', ...more] = exportLines(run.operatorEnv);
    console.log(`  shell ${pc.dim([first, ...more.map((line) => `        ${line}`)].join('\n'))}`);
  }
  console.log(pc.dim(`  a minute of alarms and scaling takes ${options.minute} s here; Ctrl-C stops everything\n`));
  // Unset where the output goes to a file.
  const print = (entry: LogEntry): void => console.log(formatEntry(entry, process.stdout.columns));
  run.log.since(0).forEach(print);
  run.log.listen(print);
  return run;
}

async function headless(
  run: LocalRun,
  scenario: Scenario,
  options: Options,
  stopping: AbortController,
): Promise<number> {
  const timer = setTimeout(
    () => stopping.abort(new LocalRunError(`the run did not end within ${options.timeout} s: raise --timeout`)),
    options.timeout * 1000,
  );
  const progress = setInterval(() => printProgress(run), 5_000);
  try {
    const { chaos } = options;
    const { report, failures } = await raceAbort(
      runToVerdict(run, scenario, { chaos, signal: stopping.signal }),
      stopping.signal,
    );
    for (const line of report.summary) printSummary(line);
    const { initial, highest, last } = run.capacity;
    const jobs = Object.values(run.jobsByInstance).join(', ');
    printSummary(
      `instances: ${initial} at the start, ${highest} at most, ${last} at the end; messages handled by each: ${jobs}`,
    );
    console.log(
      failures.length === 0
        ? pc.green(
            `good: ${report.ready} of ${report.expected} ready, ${report.expectedDeadLetters} in the dead-letter queue, 0 lost, 0 done twice (${run.now().real.toFixed(0)} s)`,
          )
        : pc.red(`failed:\n${failures.map((failure) => `  - ${failure}`).join('\n')}`),
    );
    return failures.length === 0 ? 0 : 1;
  } finally {
    clearTimeout(timer);
    clearInterval(progress);
  }
}

async function interactive(
  run: LocalRun,
  scenario: Scenario | undefined,
  { chaos }: Options,
  signal: AbortSignal,
): Promise<number> {
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  scenario?.(handleOf(run, chaos, signal)).then(
    ({ summary, failures }) => {
      for (const line of [...summary, ...failures]) run.log.add('scenario', line);
    },
    (error: unknown) => {
      if (!signal.aborted)
        run.log.add('error', `the scenario failed: ${error instanceof Error ? error.message : String(error)}`);
    },
  );
  return ended;
}

function printSummary(line: string): void {
  const { columns } = process.stdout;
  for (const part of wrap(line, columns === undefined ? Infinity : columns - 2)) console.log(`  ${part}`);
}

function printProgress(run: LocalRun): void {
  const work = run.queues.states().filter(({ deadLetterOf }) => deadLetterOf === undefined);
  const sum = (pick: (queue: (typeof work)[number]) => number): number =>
    work.reduce((total, queue) => total + pick(queue), 0);
  const { last } = run.capacity;
  console.log(
    pc.dim(
      `${run.now().real.toFixed(1).padStart(6)} s  ${'queue'.padEnd(9)} ` +
        `${sum(({ visible, delayed }) => visible + delayed)} waiting, ${sum(({ inFlight }) => inFlight)} in flight, ` +
        `${sum(({ deleted }) => deleted)} done, ${run.queues.deadLetters().length} dead, ${count(last, 'instance')}`,
    ),
  );
}

/** A scenario that does not watch the signal is left behind when the run stops. */
function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}
