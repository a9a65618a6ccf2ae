import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestCount } from './requests';

/** What one run of the bench found. */
export interface MessagingResults {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly machine: string;
  readonly cores: number;
  /** Mean number of busy processes over a minute, before and after: more than the cores means that other work slowed it down. */
  readonly load: readonly [before: number, after: number];
  readonly rounds: number;
  readonly requests: readonly RequestCount[];
  /** Median CPU microseconds per message, by library. */
  readonly cpuMicros: Readonly<Record<string, number>>;
  /** Median messages per second, by handler, by library. */
  readonly perSecond: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const DOCS = join(__dirname, '../../docs/consumer.md');
const RESULTS = join(__dirname, '../messaging-results.json');
const START = '<!-- bench:messaging starts: written by `tsx bench/messaging.bench.ts` -->';
const END = '<!-- bench:messaging ends -->';

const table = (header: readonly string[], rows: ReadonlyArray<readonly string[]>): string =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** The generated part of docs/consumer.md. */
export function markdown(results: MessagingResults): string {
  const { date, machine, cores, load, rounds, requests, cpuMicros, perSecond } = results;
  const batch = cpuMicros['sqs-consumer batch'] ?? NaN;
  const works = Object.keys(perSecond);
  const libraries = Object.keys(Object.values(perSecond)[0] ?? {});
  const busy = Math.max(...load) > cores;
  const loads = load.map((value) => value.toFixed(1)).join(' before and ');
  return [
    START,
    `${date}, ${machine}, shared with other work: load ${loads} after. Each library in a process of its own on one core,`,
    `a TLS stub on the other, 1 KiB messages, one second of warm-up, two measured, medians of ${rounds} interleaved rounds.`,
    '',
    table(
      ['library, no-op handler', 'CPU microseconds per message', 'sqs-consumer batch = 1'],
      Object.entries(cpuMicros).map(([name, micros]) => [name, micros.toFixed(0), (batch / micros).toFixed(2)]),
    ),
    '',
    'Messages per second with 10 ms per call and up to 100 messages at once:',
    ...(busy
      ? ['with more work on the machine than cores these rates are too low, and only their ratios say something.']
      : []),
    '',
    table(
      ['library', ...works.map((work) => `handler ${work}`)],
      libraries.map((name) => [name, ...works.map((work) => (perSecond[work]?.[name] ?? NaN).toFixed(0))]),
    ),
    '',
    'Requests, counted on a virtual clock with 10 ms per call; the bill at that rate around the clock at 0.40 USD a million (us-east-1, standard queue, November 2026):',
    '',
    table(
      ['scenario', 'requests per 1,000 messages', 'USD per month'],
      requests.map((r) => [r.scenario, r.requestsPer1000.toFixed(0), r.usdPerMonth.toFixed(2)]),
    ),
    END,
  ].join('\n');
}

/** Keeps the results and writes them into the documentation. */
export function publish(results: MessagingResults): void {
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  const text = readFileSync(DOCS, 'utf8');
  const [before = text, rest = ''] = text.split(START);
  const after = rest.split(END)[1] ?? '';
  writeFileSync(DOCS, `${before}${markdown(results)}${after}`);
}
