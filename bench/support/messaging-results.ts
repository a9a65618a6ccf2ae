import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestCount } from './requests';

/** When and how something was measured. */
export interface Run {
  /** YYYY-MM-DD. */
  readonly date: string;
  /** Mean number of busy processes over a minute, before and after: more than the cores means that other work slowed it down. */
  readonly load: readonly [before: number, after: number];
  readonly rounds: number;
}

/** What the bench found. CPU and rates are measured apart: other work on the machine changes the rates most. */
export interface MessagingResults {
  readonly machine: string;
  readonly cores: number;
  readonly requests: readonly RequestCount[];
  /** Median CPU microseconds per message, by library. */
  readonly cpu: Run & { readonly microsPerMessage: Readonly<Record<string, number>> };
  /** Median messages per second, by handler, by library. */
  readonly rates: Run & { readonly perSecond: Readonly<Record<string, Readonly<Record<string, number>>>> };
}

const DOCS = join(__dirname, '../../docs/consumer.md');
const RESULTS = join(__dirname, '../messaging-results.json');
const START = '<!-- bench:messaging starts: written by `tsx bench/messaging.bench.ts` -->';
const END = '<!-- bench:messaging ends -->';

const table = (header: readonly string[], rows: ReadonlyArray<readonly string[]>): string =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const told = ({ date, load, rounds }: Run): string =>
  `${date}, medians of ${rounds} interleaved rounds, load ${load.map((value) => value.toFixed(1)).join(' before and ')} after`;

/** The generated part of docs/consumer.md. */
export function markdown({ machine, cores, requests, cpu, rates }: MessagingResults): string {
  const { microsPerMessage } = cpu;
  const one = microsPerMessage['sqs-consumer one by one'] ?? NaN;
  const batch = microsPerMessage['sqs-consumer batch'] ?? NaN;
  const works = Object.keys(rates.perSecond);
  const libraries = Object.keys(Object.values(rates.perSecond)[0] ?? {});
  const busy = Math.max(...rates.load) > cores;
  return [
    START,
    `${machine}, shared with other work. Each library in a process of its own on one core, a TLS stub on the other, 1 KiB`,
    'messages, one second of warm-up, two measured.',
    '',
    `CPU time per message, with a handler that does nothing (${told(cpu)}):`,
    '',
    table(
      ['library', 'microseconds', 'sqs-consumer one by one = 1', 'sqs-consumer batch = 1'],
      Object.entries(microsPerMessage).map(([name, micros]) => [
        name,
        micros.toFixed(0),
        (one / micros).toFixed(2),
        (batch / micros).toFixed(2),
      ]),
    ),
    '',
    `Messages per second with 10 ms per call and up to 100 messages at once (${told(rates)}):`,
    ...(busy
      ? ['with more work on the machine than cores these rates are too low, and only their ratios say something.']
      : []),
    '',
    table(
      ['library', ...works.map((work) => `handler ${work}`)],
      libraries.map((name) => [name, ...works.map((work) => (rates.perSecond[work]?.[name] ?? NaN).toFixed(0))]),
    ),
    '',
    'Requests, counted on a virtual clock with 10 ms per call; the bill at that rate around the clock at 0.40 USD a million:',
    '',
    table(
      ['scenario', 'requests per 1,000 messages', 'USD per month'],
      requests.map((r) => [r.scenario, r.requestsPer1000.toFixed(0), r.usdPerMonth.toFixed(2)]),
    ),
    END,
  ].join('\n');
}

/** What was measured last. */
export const published = (): MessagingResults => JSON.parse(readFileSync(RESULTS, 'utf8')) as MessagingResults;

/** Keeps the results and writes them into the documentation. */
export function publish(results: MessagingResults): void {
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  const text = readFileSync(DOCS, 'utf8');
  const [before = text, rest = ''] = text.split(START);
  const after = rest.split(END)[1] ?? '';
  writeFileSync(DOCS, `${before}${markdown(results)}${after}`);
}
