/** The benchmark's numbers and the table made of them. */
import type { SimulationReport } from '../../sim/report';

/** One run, as far as it is kept. */
export interface CellResult {
  readonly attainment: number;
  readonly instanceHours: number;
  readonly clairvoyantInstanceHours: number;
  readonly killed: number;
  readonly jobs: number;
  readonly p99WaitSeconds: number;
}

/** All runs: by contestant, by cell, one entry a seed. */
export interface BenchResults {
  readonly seeds: readonly number[];
  readonly cells: readonly string[];
  readonly contestants: readonly {
    readonly id: string;
    readonly name: string;
    readonly source?: string;
    readonly results: readonly (readonly CellResult[])[];
  }[];
  /** AWS's documented policy with less than the acceptable wait declared to it; one row a share. */
  readonly tightened: readonly { readonly share: number; readonly results: readonly (readonly CellResult[])[] }[];
  /** The cells with other acceptable waits; one row a wait. */
  readonly waits: readonly {
    readonly acceptableLatencySeconds: number;
    readonly policies: readonly { readonly id: string; readonly results: readonly (readonly CellResult[])[] }[];
  }[];
  readonly speed: readonly { readonly what: string; readonly seconds: number; readonly megabytes: number }[];
  readonly extras: Readonly<Record<string, number>>;
}

export const START = '<!-- bench:scaling starts: written by `npm run bench:scaling` -->';
export const END = '<!-- bench:scaling ends -->';

export function keep(report: SimulationReport): CellResult {
  const { attainment, instanceHours, clairvoyantInstanceHours, killed, jobs } = report;
  return { attainment, instanceHours, clairvoyantInstanceHours, killed, jobs, p99WaitSeconds: report.waitSeconds.p99 };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** What one contestant's runs come to. */
export function summary(results: BenchResults['contestants'][number]['results']) {
  const all = results.flat();
  return {
    cellsInTime: results.filter((cell) => mean(cell.map((run) => run.attainment)) >= 0.95).length,
    worst: Math.min(...results.map((cell) => mean(cell.map((run) => run.attainment)))),
    violations: total(all.map((run) => (1 - run.attainment) * run.jobs)) / total(all.map((run) => run.jobs)),
    meanViolations: mean(results.map((cell) => 1 - mean(cell.map((run) => run.attainment)))),
    cost: mean(results.map((cell) => mean(cell.map((run) => run.instanceHours / run.clairvoyantInstanceHours)))),
    costInTime: mean(
      results.map((cell) => mean(cell.map((run) => run.instanceHours / run.clairvoyantInstanceHours / run.attainment))),
    ),
    instanceHours: total(all.map((run) => run.instanceHours)),
    boundHours: total(all.map((run) => run.clairvoyantInstanceHours)),
    killed: total(all.map((run) => run.killed)),
  };
}

/** The generated part of docs/scaling.md. */
export function markdown(results: BenchResults): string {
  const percent = (share: number, digits = 1) => `${(share * 100).toFixed(digits)} %`;
  const rows = results.contestants.map((contestant) => {
    const { cellsInTime, worst, meanViolations, cost, costInTime, killed } = summary(contestant.results);
    const name =
      contestant.source === undefined ? `**${contestant.name}**` : `[${contestant.name}](${contestant.source})`;
    return [
      name,
      `${cellsInTime}/${results.cells.length}`,
      percent(worst),
      percent(meanViolations, 2),
      cost.toFixed(2),
      costInTime.toFixed(2),
      String(killed),
    ];
  });
  const perCell = results.cells.map((cell, i) => [
    cell,
    ...results.contestants.slice(0, -1).map((contestant) => {
      const runs = contestant.results[i] ?? [];
      const ratio = mean(runs.map((run) => run.instanceHours / run.clairvoyantInstanceHours));
      return `${percent(mean(runs.map((run) => run.attainment)))}, ${ratio.toFixed(2)}`;
    }),
  ]);
  const killed = results.cells.map((cell, i) => [
    cell,
    ...results.contestants
      .slice(0, -1)
      .map((contestant) => String(total((contestant.results[i] ?? []).map((run) => run.killed)))),
  ]);
  const ours = summary(results.contestants.find(({ id }) => id === 'ours')?.results ?? []);
  const tightened = results.tightened.map((row) => {
    const { cellsInTime, meanViolations, cost, instanceHours, killed } = summary(row.results);
    return [
      row.share === 1 ? 'all of it, as documented' : `1/${1 / row.share}`,
      `${cellsInTime}/${results.cells.length}`,
      percent(meanViolations, 1),
      cost.toFixed(2),
      (ours.instanceHours / instanceHours).toFixed(2),
      String(killed),
    ];
  });
  const waits = results.waits.map(({ acceptableLatencySeconds, policies }) => {
    const all = policies.map(({ id, results: runs }) => ({ id, ...summary(runs) }));
    const hours = all.find(({ id }) => id === 'ours')?.instanceHours ?? NaN;
    return [
      `${acceptableLatencySeconds} s`,
      ...all.map(({ id, meanViolations, cellsInTime, instanceHours }) => {
        const relative = id.startsWith('ours') ? '' : `, ${(hours / instanceHours).toFixed(2)}`;
        return `${cellsInTime}/${results.cells.length}, ${percent(meanViolations)}${relative}`;
      }),
    ];
  });
  const ids = results.contestants.slice(0, -1).map((contestant) => contestant.id);
  return [
    START,
    '',
    table(
      [
        'policy',
        'cells with 95 % in time',
        'worst cell',
        'late jobs, mean of cells',
        'cost',
        'cost / in time',
        'killed',
      ],
      rows,
    ),
    '',
    `Nine cells, seeds ${results.seeds.join(' and ')}. Cost: instance-hours in units of the lower bound for a scaler that knows the future, mean of the cells. Cost / in time: the cost divided by the share of jobs in time. Killed: attempts cut off by a scale-in, all runs together.`,
    '',
    'Each cell: jobs started in time, and cost.',
    '',
    table(['cell', ...ids], perCell),
    '',
    'Each cell: attempts killed by a scale-in. Their work is done again, and its instance time is in the cost.',
    '',
    table(['cell', ...ids], killed),
    '',
    "AWS's documented policy, when a part of the acceptable wait is declared to it instead of all:",
    '',
    table(
      [
        'share declared',
        'cells with 95 % in time',
        'late jobs, mean of cells',
        'cost',
        "this library's instance-hours / its own",
        'killed',
      ],
      tightened,
    ),
    '',
    'The same nine workloads with another acceptable wait. Cells with 95 % in time, late jobs (mean of the cells), and the instance-hours of this library in units of theirs:',
    '',
    table(['acceptable wait', ...(results.waits[0]?.policies ?? []).map(({ id }) => id)], waits),
    '',
    'Against the numbers that the policy was designed for:',
    '',
    table(
      ['goal', 'measured'],
      Object.entries(results.extras).map(([goal, value]) => [goal, String(value)]),
    ),
    '',
    'Speed of the simulator (2 cores shared with other work):',
    '',
    table(
      ['run', 'seconds', 'memory, MB'],
      results.speed.map(({ what, seconds, megabytes }) => [what, seconds.toFixed(1), String(megabytes)]),
    ),
    '',
    END,
  ].join('\n');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((cell, i) => Math.max(3, cell.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(header), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** Replaces the generated part of a document. */
export function insert(document: string, generated: string): string {
  const [before, rest] = document.split(START);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error('the document lacks the marks of the generated part');
  return `${before}${generated}${after}`;
}
