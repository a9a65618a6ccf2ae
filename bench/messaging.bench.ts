import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { publish, published, type MessagingResults, type Run } from './support/messaging-results';
import { countRequests } from './support/requests';

/**
 * CPU per message and messages per second against sqs-consumer and squiss-ts: each library in a process of its own on one core, a TLS
 * stub on the other, 1 KiB messages, all libraries in turn within each round, medians over the rounds.
 *
 * `tsx bench/messaging.bench.ts [rounds] [cpu]`; the results go to `bench/messaging-results.json` and `docs/consumer.md`. With
 * `cpu` the messages per second are not measured, and those of the last time stay.
 */
const ROUNDS = Number(process.argv[2] ?? 5);
const LIBRARIES = [
  'sqs-consumer one by one',
  'sqs-consumer batch',
  'squiss-ts',
  'plain SDK loop',
  'ours, SDK transport',
  'ours, lean transport',
];

interface Measured {
  readonly messages: number;
  readonly perSecond: number;
  readonly cpuMicrosPerMessage: number;
}

const directory = mkdtempSync(join(tmpdir(), 'queue-fleet-bench-'));
const keyFile = join(directory, 'key.pem');
const certFile = join(directory, 'cert.pem');
const tsx = ['--import', 'tsx'];
const pinned = (core: number, args: string[]): [string, string[]] => [
  'taskset',
  ['-c', String(core), process.execPath, ...args],
];

async function withStub<T>(latencyMs: number, use: (port: string) => Promise<T>): Promise<T> {
  const [command, args] = pinned(1, [
    ...tsx,
    join(__dirname, 'support/stub-sqs.ts'),
    keyFile,
    certFile,
    String(latencyMs),
  ]);
  const stub = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const port = await new Promise<string>((resolve) => createInterface({ input: stub.stdout }).once('line', resolve));
  try {
    return await use(port);
  } finally {
    stub.stdin.end();
  }
}

async function consume(library: string, port: string, work: string, concurrency: number): Promise<Measured> {
  const [command, args] = pinned(0, [
    ...tsx,
    join(__dirname, 'support/consume.ts'),
    ...[library, port, certFile, work, String(concurrency), '2'],
  ]);
  const { stdout } = await promisify(execFile)(command, args);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Measured;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/** Runs every library once per round. @returns the median of `field` by library */
async function compare(
  libraries: readonly string[],
  field: 'perSecond' | 'cpuMicrosPerMessage',
  latencyMs: number,
  work: string,
): Promise<Map<string, number>> {
  const found = new Map<string, number[]>();
  await withStub(latencyMs, async (port) => {
    for (let round = 0; round < ROUNDS; round++) {
      for (const library of libraries) {
        const measured = await consume(library, port, work, 100);
        found.set(library, [...(found.get(library) ?? []), measured[field]]);
      }
    }
  });
  return new Map([...found].map(([library, values]) => [library, median(values)]));
}

async function main(): Promise<void> {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', keyFile, '-out', certFile],
    ],
    { stdio: 'ignore' },
  );
  console.log('requests per 1,000 messages (virtual clock, 10 ms per call), USD per month');
  const requests = await countRequests();
  for (const { scenario, requestsPer1000, usdPerMonth } of requests) {
    console.log(
      `  ${scenario.padEnd(38)} ${requestsPer1000.toFixed(0).padStart(5)}  ${usdPerMonth.toFixed(2).padStart(8)}`,
    );
  }
  console.log(`CPU per message, no-op handler, 1 KiB, TLS, median of ${ROUNDS} rounds`);
  const [cpuRun, cpu] = await timed(() => compare(LIBRARIES, 'cpuMicrosPerMessage', 0, 'noop'));
  const batch = cpu.get('sqs-consumer batch') ?? NaN;
  for (const [library, micros] of cpu) {
    console.log(
      `  ${library.padEnd(24)} ${micros.toFixed(0).padStart(5)} us  ${(batch / micros).toFixed(2).padStart(5)} x sqs-consumer batch`,
    );
  }
  const rates = process.argv[3] === 'cpu' ? published().rates : await measureRates();
  publish({
    machine: `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}`,
    cores: cpus().length,
    requests,
    cpu: { ...cpuRun, microsPerMessage: Object.fromEntries(cpu) },
    rates,
  });
}

async function measureRates(): Promise<MessagingResults['rates']> {
  const [run, perSecond] = await timed(async () => {
    const found: Record<string, Record<string, number>> = {};
    for (const work of ['noop', '5ms', 'mixed']) {
      console.log(`messages per second, 10 ms per call, handler ${work}, 100 at once, median of ${ROUNDS} rounds`);
      const rate = await compare(
        ['sqs-consumer batch', 'sqs-consumer batch x10', 'ours, SDK transport', 'ours, lean transport'],
        'perSecond',
        10,
        work,
      );
      for (const [library, value] of rate) console.log(`  ${library.padEnd(24)} ${value.toFixed(0).padStart(6)}`);
      found[work] = Object.fromEntries(rate);
    }
    return found;
  });
  return { ...run, perSecond };
}

/** Measures, and says when and beside how much other work. */
async function timed<T>(measure: () => Promise<T>): Promise<[Run, T]> {
  const before = loadavg()[0] ?? 0;
  const found = await measure();
  return [{ date: new Date().toISOString().slice(0, 10), load: [before, loadavg()[0] ?? 0], rounds: ROUNDS }, found];
}

void main().finally(() => rmSync(directory, { recursive: true, force: true }));
