/** What a run says: numbers for machines, a table for people. */
import type { SimulationResult } from './simulator';

/** Waits, cost and harm of one run. */
export interface SimulationReport {
  /** `template`, or the name of the policy that took its place. */
  readonly policy: string;
  readonly workload: string;
  readonly seed: number;
  /** `exact` simulates every job, `aggregate` groups of jobs. */
  readonly mode: 'exact' | 'aggregate';
  readonly jobs: number;
  readonly done: number;
  readonly deadLettered: number;
  readonly expired: number;
  /** Jobs that were not done when the simulation gave up. */
  readonly unfinished: number;
  /** From arrival to the start of the attempt that finished the job; NaN, null in JSON, when there is no such job. */
  readonly waitSeconds: { readonly mean: number; readonly p50: number; readonly p95: number; readonly p99: number };
  readonly acceptableLatencySeconds: number;
  /** Share of all jobs that started within the acceptable latency. */
  readonly attainment: number;
  /** From the last arrival to the last job done. */
  readonly drainSeconds: number;
  /** Paid time of instances, boot and drain included. */
  readonly instanceHours: number;
  /** Lower bound for a scaler that knows the future. */
  readonly clairvoyantInstanceHours: number;
  readonly maxInstances: number;
  /** Changes of the desired capacity. */
  readonly scalingActions: number;
  /** Attempts that a scale-in cut off. */
  readonly killed: number;
}

/** What a report is made of besides the result. */
export interface ReportOptions {
  readonly policy: string;
  readonly workload: string;
  readonly seed: number;
  readonly acceptableLatencySeconds: number;
  readonly clairvoyantInstanceSeconds: number;
}

/** What a run counted, whatever simulated it. */
export interface Tally {
  readonly mode: SimulationReport['mode'];
  readonly jobs: number;
  readonly done: number;
  readonly deadLettered: number;
  readonly expired: number;
  /** NaN of none. */
  readonly meanWaitSeconds: number;
  /** Wait that a share of the finished jobs stays below; NaN of none. */
  readonly waitQuantile: (share: number) => number;
  /** Finished jobs that waited no longer than this. */
  readonly doneWithin: (seconds: number) => number;
  readonly lastArrivalSeconds: number;
  readonly lastDoneSeconds: number;
  readonly endSeconds: number;
  readonly instanceSeconds: number;
  readonly maxInstances: number;
  readonly scalingActions: number;
  readonly killed: number;
}

/** Sums up a run. */
export function reportOf(tally: Tally, options: ReportOptions): SimulationReport {
  const unfinished = tally.jobs - tally.done - tally.deadLettered - tally.expired;
  const drainedSeconds = unfinished > 0 ? tally.endSeconds : tally.lastDoneSeconds;
  const { acceptableLatencySeconds } = options;
  return {
    policy: options.policy,
    workload: options.workload,
    seed: options.seed,
    mode: tally.mode,
    jobs: tally.jobs,
    done: tally.done,
    deadLettered: tally.deadLettered,
    expired: tally.expired,
    unfinished,
    waitSeconds: {
      mean: round(tally.meanWaitSeconds, 3),
      p50: round(tally.waitQuantile(0.5)),
      p95: round(tally.waitQuantile(0.95)),
      p99: round(tally.waitQuantile(0.99)),
    },
    acceptableLatencySeconds,
    attainment: tally.jobs === 0 ? 1 : round(tally.doneWithin(acceptableLatencySeconds) / tally.jobs, 5),
    drainSeconds: round(Math.max(0, drainedSeconds - tally.lastArrivalSeconds)),
    instanceHours: round(tally.instanceSeconds / 3_600, 4),
    clairvoyantInstanceHours: round(options.clairvoyantInstanceSeconds / 3_600, 4),
    maxInstances: tally.maxInstances,
    scalingActions: tally.scalingActions,
    killed: tally.killed,
  };
}

/** Counts of a run in which every job was simulated. */
export function tallyOf(result: SimulationResult): Tally {
  const waits = result.waitSeconds.filter((wait) => !Number.isNaN(wait)).sort();
  return {
    ...result,
    mode: 'exact',
    jobs: result.waitSeconds.length,
    meanWaitSeconds: waits.reduce((sum, wait) => sum + wait, 0) / waits.length,
    waitQuantile: (share) => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? NaN,
    doneWithin: (seconds) => waits.filter((wait) => wait <= seconds).length,
    scalingActions: result.events.filter((event) => event.kind === 'capacity').length,
  };
}

/** Rounds for output: a report is compared byte for byte. */
export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

/** Seconds as people read them: `45 s`, `12 min`, `3.4 h`, and `-` for what was not. */
export function duration(seconds: number): string {
  if (Number.isNaN(seconds)) return '-';
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}

type Column = readonly [title: string, cell: (report: SimulationReport) => string];

const WAITS: readonly Column[] = [
  ['in time', (report) => percent(report.attainment)],
  ['p50', (report) => duration(report.waitSeconds.p50)],
  ['p95', (report) => duration(report.waitSeconds.p95)],
  ['p99', (report) => duration(report.waitSeconds.p99)],
  ['drain', (report) => duration(report.drainSeconds)],
];
const COSTS: readonly Column[] = [
  ['instance-h', (report) => report.instanceHours.toFixed(1)],
  [
    'x bound',
    ({ instanceHours, clairvoyantInstanceHours: bound }) => (bound > 0 ? (instanceHours / bound).toFixed(2) : '-'),
  ],
  ['max', (report) => String(report.maxInstances)],
  ['actions', (report) => String(report.scalingActions)],
  ['killed', (report) => String(report.killed)],
];
const LOSSES: readonly Column[] = [
  ['dead', (report) => String(report.deadLettered)],
  ['left', (report) => String(report.unfinished)],
];

/**
 * A table of reports, one line each, aligned for a terminal.
 *
 * @param width of the terminal: a table that is wider becomes two, what happens to jobs above what it costs
 */
export function reportTable(reports: readonly SimulationReport[], width = Infinity): string {
  const whole = alignedTable(reports, [...WAITS, ...COSTS, ...LOSSES]);
  if (whole.indexOf('\n') <= width) return whole;
  return `${alignedTable(reports, [...WAITS, ...LOSSES])}\n\n${alignedTable(reports, COSTS)}`;
}

/** A share for people, rounded down: 100.0 % is all of them. */
export function percent(share: number): string {
  return `${(Math.floor(share * 1_000 + 1e-9) / 10).toFixed(1)} %`;
}

function alignedTable(reports: readonly SimulationReport[], columns: readonly Column[]): string {
  const header = ['policy', ...columns.map(([title]) => title)];
  const rows = reports.map((report) => [report.policy, ...columns.map(([, cell]) => cell(report))]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
