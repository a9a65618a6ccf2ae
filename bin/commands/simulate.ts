import { existsSync, writeFileSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import pc from 'picocolors';
import { ALTERNATIVES } from '../../sim/alternatives';
import { readScalingModel } from '../../sim/read-scaling-model';
import { duration, reportTable, type SimulationReport } from '../../sim/report';
import { run } from '../../sim/run';
import type { Run, RunOptions } from '../../sim/run-options';
import type { ScalingModel } from '../../sim/scaling-model';
import { Template } from '../../sim/template';
import { LONGEST_SECONDS } from '../../sim/trace';
import { defaultDurationSeconds, expectedArrivals, WORKLOAD_NAMES, type Workload } from '../../sim/workload';
import {
  DEFAULT_LATENCY_SECONDS,
  DEFAULT_PEAK_SHARE,
  DEFAULT_RATE_SHARE,
  readText,
  settingsOf,
  type Settings,
  type SimulateOptions,
} from '../simulate/settings';

/** `constant 4 h, …`. */
const DEFAULT_DURATIONS = WORKLOAD_NAMES.map((name) => `${name} ${defaultDurationSeconds(name) / 3_600} h`).join(', ');

/** `queue-fleet simulate`: a synthesized template in virtual time. */
export function configure(command: Command): void {
  command
    .argument('<template>', 'CloudFormation template, JSON or YAML')
    .requiredOption(
      '--workload <name|file>',
      `${WORKLOAD_NAMES.join(', ')}, or a CSV file: arrival second or date[,service seconds]`,
    )
    .option('--seed <n>', 'seed of everything random', integer, 1)
    .option('--compare <policies>', `other policies on the same fleet: ${Object.keys(ALTERNATIVES).join(',')}`)
    .option('--timing <file>', 'JSON file that overrides the timing of AWS (docs/simulator.md lists it)')
    .option('--json', 'print the report as JSON')
    .option('--chart <file>', 'write a picture: .svg or .html')
    .option('--group <id>', 'logical id of the Auto Scaling group, when the template has several')
    .option('--parameter <name=value>', 'value of a parameter of the template; may be repeated', parameter, {})
    .option('--processing-time <seconds>', 'average processing time (default: declared in the template)', positive)
    .option(
      '--p99 <seconds>',
      '99th percentile of the processing time (default: declared; the average without one)',
      positive,
    )
    .option('--service <kind>', 'fixed, lognormal, exponential, or a file with one measured time a line')
    .option('--latency <seconds>', `acceptable wait (default: declared, else ${DEFAULT_LATENCY_SECONDS})`, positive)
    .option('--concurrency <n>', 'jobs at a time on one instance (default: declared, else 1)', atLeastOne)
    .option('--rate <n>', `usual arrivals per second (default: ${DEFAULT_RATE_SHARE} of the peak)`, nonNegative)
    .option(
      '--peak <n>',
      `busy arrivals per second (default: declared, else ${DEFAULT_PEAK_SHARE} of the largest fleet)`,
      nonNegative,
    )
    .option(
      '--burst <n>',
      'jobs at once in the spike (default: declared, else what the largest fleet does in half the acceptable wait)',
      nonNegative,
    )
    .option('--duration <seconds>', `length of a named workload (default: ${DEFAULT_DURATIONS})`, runLength)
    .option('--failures <share>', 'share of attempts that fail', atMostOne)
    .option('--message-groups <n>', 'message groups of a FIFO queue', atLeastOne)
    .action(async (template: string, options: SimulateOptions) => {
      await simulateTemplate(template, options);
    });
}

async function simulateTemplate(file: string, options: SimulateOptions): Promise<void> {
  const model = readScalingModel(parseTemplate(file, options.parameter), {
    file,
    ...(options.group === undefined ? {} : { group: options.group }),
  });
  const names = (options.compare ?? '').split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  for (const name of names) {
    if (ALTERNATIVES[name] === undefined) {
      throw new Error(`--compare: '${name}' is not a policy: use ${Object.keys(ALTERNATIVES).join(', ')}`);
    }
  }
  if (options.chart !== undefined) chartFormat(options.chart);
  const settings = settingsOf(model, options);
  const progress = progressBar(options, settings.workload);
  const runs = [run({ ...settings, onProgress: progress(0, names.length + 1) })];
  names.forEach((name, i) => {
    const alternative = ALTERNATIVES[name];
    if (alternative === undefined) return;
    const input = {
      averageProcessingTimeSeconds: settings.service.meanSeconds,
      acceptableLatencySeconds: settings.acceptableLatencySeconds,
      concurrency: settings.concurrency,
    };
    const other = alternative.model(model, input);
    const controller = alternative.controller?.(other, input);
    runs.push(
      run({
        ...settings,
        model: other,
        policy: name,
        ...(controller === undefined ? {} : { controller }),
        onProgress: progress(i + 1, names.length + 1),
      }),
    );
  });
  if (options.chart !== undefined) await writeChart(options.chart, runs, settings.acceptableLatencySeconds);
  const notes = notesOf(model, settings);
  if (options.json === true) printJson(runs, names, notes);
  else print({ file, model, settings, runs, notes, ...(options.chart === undefined ? {} : { chart: options.chart }) });
}

function parseTemplate(file: string, parameters: Readonly<Record<string, string>>): Template {
  const text = readText(file);
  const declared = Template.parse(text, file).section('Parameters');
  for (const name of Object.keys(parameters)) {
    if (declared[name] === undefined) throw new Error(`--parameter: ${file} has no parameter '${name}'`);
  }
  return Template.parse(text, file, { parameters });
}

/** What the model leaves out or takes for granted. */
function notesOf(model: ScalingModel, settings: Settings & Partial<RunOptions>): readonly string[] {
  const fifo = model.queues.filter((queue) => queue.fifo && model.consumedQueues.includes(queue.logicalId));
  return [
    ...model.ignored.map(({ logicalId, reason }) => `left out: ${logicalId}: ${reason}`),
    ...(settings.messageGroups === undefined ? fifo : []).map(
      ({ logicalId }) =>
        `${logicalId} is a FIFO queue, and its message groups are not limited here: say with '--message-groups' how many there are`,
    ),
  ];
}

/** Redraws one line on a terminal when a run is long enough to wonder about. */
function progressBar(
  options: SimulateOptions,
  workload: Workload,
): (index: number, count: number) => (share: number) => void {
  const isLong = expectedArrivals(workload) > 50_000 || workload.durationSeconds > 3 * 86_400;
  const isShown = options.json !== true && process.stderr.isTTY && isLong;
  return (index, count) => (share) => {
    if (!isShown) return;
    const total = (index + share) / count;
    const filled = Math.round(total * 30);
    process.stderr.write(`\r${'█'.repeat(filled)}${'░'.repeat(30 - filled)} ${Math.round(total * 100)} %`);
    if (total >= 1) process.stderr.write('\r\u001b[K');
  };
}

interface Printed {
  readonly file: string;
  readonly model: ScalingModel;
  readonly settings: Settings;
  readonly runs: readonly Run[];
  readonly notes: readonly string[];
  readonly chart?: string;
}

function print({ file, model, settings, runs, notes, chart }: Printed): void {
  const { workload, service, concurrency, acceptableLatencySeconds, seed } = settings;
  const first = runs[0]?.report;
  console.log(
    `${pc.bold(file)}: ${model.group.minSize} to ${model.group.maxSize} instances, ${concurrency} at a time each; ` +
      `${workload.name}, ${first?.jobs ?? 0} jobs (${service.text}) in ${duration(workload.durationSeconds)}; ` +
      `acceptable wait ${duration(acceptableLatencySeconds)}; seed ${seed}`,
  );
  for (const note of notes) console.log(pc.yellow(note));
  console.log(
    `\n${reportTable(
      runs.map((each) => each.report),
      process.stdout.columns,
    )}\n`,
  );
  if (first?.mode === 'aggregate') console.log('So many jobs are simulated in groups (docs/simulator.md).');
  console.log(
    "'in time': started within the acceptable wait. 'x bound': instance-hours against a scaler that knows the future. " +
      'The timing of AWS is assumed (docs/simulator.md), no account was measured.',
  );
  if (chart !== undefined) console.log(`Picture: ${chart}`);
}

function printJson(runs: readonly Run[], names: readonly string[], notes: readonly string[]): void {
  const [first, ...others] = runs.map((each) => each.report);
  const compare: Record<string, SimulationReport | undefined> = {};
  names.forEach((name, i) => (compare[name] = others[i]));
  console.log(JSON.stringify({ ...first, notes, ...(names.length === 0 ? {} : { compare }) }, null, 2));
}

async function writeChart(file: string, runs: readonly Run[], acceptableLatencySeconds: number): Promise<void> {
  const { renderChart } = await import('../../sim/chart.js');
  writeFileSync(file, await renderChart({ runs, acceptableLatencySeconds, format: chartFormat(file) }));
}

function chartFormat(file: string): 'svg' | 'html' {
  const kind = extname(file).toLowerCase();
  if (kind !== '.svg' && kind !== '.html') throw new Error(`--chart: '${file}' must end with .svg or .html`);
  if (!existsSync(dirname(file))) throw new Error(`--chart: '${dirname(file)}' is not a folder that exists`);
  return kind === '.svg' ? 'svg' : 'html';
}

function parameter(text: string, others: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('must be NAME=VALUE');
  return { ...others, [name]: value };
}

function nonNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('must be a number of at least 0');
  }
  return value;
}

function positive(text: string): number {
  const value = nonNegative(text);
  if (value === 0) throw new InvalidArgumentError('must be more than 0');
  return value;
}

function runLength(text: string): number {
  const value = positive(text);
  if (value > LONGEST_SECONDS) throw new InvalidArgumentError(`must be at most ${LONGEST_SECONDS}`);
  return value;
}

function integer(text: string): number {
  const value = nonNegative(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('must be a whole number');
  return value;
}

function atLeastOne(text: string): number {
  const value = integer(text);
  if (value === 0) throw new InvalidArgumentError('must be at least 1');
  return value;
}

function atMostOne(text: string): number {
  const value = nonNegative(text);
  if (value > 1) throw new InvalidArgumentError('must be at most 1');
  return value;
}
