import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { DELAY_MS, PROXY_FAULTS, startFaultProxy, type ProxyFault } from '../support/fault-proxy';
import { startSqsServer, type SqsServer } from '../support/sqs-server';

/**
 * End to end over HTTP: worker processes against an SQS emulation, through a proxy that spoils one call in twelve, while workers are
 * killed with SIGKILL at random. Nothing may be lost; a message may run twice only when the lease of its first run ended.
 *
 * `tsx test/e2e/messaging-faults.ts [messages]`. What the emulation cannot prove: its FIFO queues do not lock a group while a
 * message of it is in flight, so order across workers is proved by the model test against the strict queue, not here.
 */
const MESSAGES = Number(process.argv[2] ?? 10_000);
const VISIBILITY_SECONDS = 5;
const WORKERS = 3;
const FAULTS_PER_CALL = 1 / 12;

interface Run {
  readonly worker: number;
  readonly groupId: string;
  readonly receivedAtMs: number;
  endedAtMs?: number;
}

class Fleet {
  readonly runs = new Map<string, Run[]>();
  readonly done = new Set<string>();
  readonly broken: string[] = [];
  readonly #workers = new Map<number, ChildProcess>();
  readonly #busyGroups = new Map<string, string>();
  #next = 0;
  kills = 0;

  constructor(private readonly environment: Readonly<Record<string, string>>) {}

  spawn(): void {
    const worker = this.#next++;
    const child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'messaging-faults-worker.ts')], {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#workers.set(worker, child);
    createInterface({ input: child.stdout }).on('line', (line) => this.#heard(worker, line));
  }

  kill(): void {
    const workers = [...this.#workers];
    const [worker, child] = workers[Math.floor(Math.random() * workers.length)] ?? [];
    if (worker === undefined || child === undefined) return;
    child.kill('SIGKILL');
    this.#workers.delete(worker);
    this.kills += 1;
    this.spawn();
  }

  /** Drains all workers. @returns how many said that nothing was left */
  async stop(): Promise<number> {
    const codes = [...this.#workers.values()].map(
      (child) => new Promise<number | null>((resolve) => child.once('exit', resolve)),
    );
    for (const child of this.#workers.values()) child.kill('SIGTERM');
    return (await Promise.all(codes)).filter((code) => code === 0).length;
  }

  #heard(worker: number, line: string): void {
    const [kind, messageId = '', body = '', groupId = '', at = '', waitedMs = '0'] = line.split(' ');
    if (kind === 'S') {
      const before = this.runs.get(messageId) ?? [];
      this.#checkRepetition(messageId, worker, before, Number(at));
      this.runs.set(messageId, [...before, { worker, groupId, receivedAtMs: Number(at) - Number(waitedMs) }]);
      const lane = `${worker} ${groupId}`;
      if (groupId !== '' && this.#busyGroups.has(lane))
        this.broken.push(`two of ${groupId} run at once in worker ${worker}`);
      this.#busyGroups.set(lane, messageId);
    }
    if (kind === 'D') {
      const run = this.runs.get(messageId)?.findLast((r) => r.worker === worker);
      if (run) run.endedAtMs = Number(at);
      this.done.add(body);
      this.#busyGroups.delete(`${worker} ${groupId}`);
    }
  }

  #checkRepetition(messageId: string, worker: number, before: readonly Run[], at: number): void {
    const last = before.at(-1);
    if (last === undefined) return;
    if (last.endedAtMs === undefined && last.worker === worker)
      this.broken.push(`${messageId} runs twice in one worker`);
    // A lease lasts from the receive at SQS; its answer comes later, by as much as the proxy delays it and a little more.
    const leaseMs = at - last.receivedAtMs;
    if (leaseMs < VISIBILITY_SECONDS * 1000 - DELAY_MS - 500)
      this.broken.push(`${messageId} ran again after ${leaseMs} ms of a lease`);
  }
}

async function send(server: SqsServer, QueueUrl: string, count: number, groups: number): Promise<void> {
  for (let i = 0; i < count; i += 10) {
    const Entries = Array.from({ length: Math.min(10, count - i) }, (_, k) => ({
      Id: String(k),
      MessageBody: String(i + k),
      ...(groups > 0 && { MessageGroupId: `g${(i + k) % groups}`, MessageDeduplicationId: String(i + k) }),
    }));
    await server.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
}

async function left(server: SqsServer, QueueUrl: string): Promise<number> {
  const { Attributes = {} } = await server.client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  return (
    Number(Attributes['ApproximateNumberOfMessages']) + Number(Attributes['ApproximateNumberOfMessagesNotVisible'])
  );
}

async function play(server: SqsServer, name: string, count: number, groups: number): Promise<boolean> {
  const { QueueUrl = '' } = await server.client.send(
    new CreateQueueCommand({ QueueName: name, ...(groups > 0 && { Attributes: { FifoQueue: 'true' } }) }),
  );
  await send(server, QueueUrl, count, groups);
  let faulty = true;
  const choose = (): ProxyFault | undefined =>
    faulty && Math.random() < FAULTS_PER_CALL
      ? PROXY_FAULTS[Math.floor(Math.random() * PROXY_FAULTS.length)]
      : undefined;
  const proxy = await startFaultProxy(server.endpoint, choose);
  const fleet = new Fleet({
    ENDPOINT: proxy.endpoint,
    QUEUE_URL: QueueUrl,
    VISIBILITY_SECONDS: String(VISIBILITY_SECONDS),
  });
  const startedAtMs = Date.now();
  for (let i = 0; i < WORKERS; i++) fleet.spawn();
  let nextKillMs = startedAtMs + 4_000;
  while ((await left(server, QueueUrl)) > 0 && Date.now() - startedAtMs < 100_000) {
    await sleep(500);
    if (Date.now() > nextKillMs && Date.now() - startedAtMs < 30_000) {
      fleet.kill();
      nextKillMs = Date.now() + 2_000 + Math.random() * 3_000;
    }
  }
  faulty = false;
  const clean = await fleet.stop();
  proxy.close();
  const remaining = await left(server, QueueUrl);
  const repeated = [...fleet.runs.values()].reduce((sum, runs) => sum + runs.length - 1, 0);
  const faults = Object.entries(proxy.done).map(([kind, n]) => `${kind} ${n}`);
  console.log(
    `${name}: ${fleet.done.size} of ${count} done, ${remaining} left, ${repeated} repeated, in ${((Date.now() - startedAtMs) / 1000).toFixed(0)} s`,
  );
  console.log(`  ${fleet.kills} workers killed, ${clean} of ${WORKERS} drained clean; faults: ${faults.join(', ')}`);
  for (const text of fleet.broken.slice(0, 10)) console.log(`  BROKEN ${text}`);
  return fleet.done.size === count && remaining === 0 && fleet.broken.length === 0 && clean === WORKERS;
}

async function main(): Promise<void> {
  const server = await startSqsServer();
  try {
    const standard = await play(server, 'e2e', MESSAGES, 0);
    const fifo = await play(server, 'e2e.fifo', Math.ceil(MESSAGES / 5), 50);
    process.exitCode = standard && fifo ? 0 : 1;
  } finally {
    await server.close();
  }
}

void main();
