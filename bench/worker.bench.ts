import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKER_ENV } from '../worker/contract';
import { startSqsServer } from '../test/support/sqs-server';
import { buildWorkerAsset, WorkerProcess } from '../test/support/worker-process';

/**
 * The worker's asset and process: bytes, start of the process to the first successful poll, memory when idle.
 * `tsx bench/worker.bench.ts [rounds]`. Ends with 1 when a bound is exceeded.
 */
const [rounds = 7] = process.argv.slice(2).map(Number);
const BOUNDS = { assetBytes: 1_500_000, coldStartMs: 1_000, idleRssMegabytes: 120 };

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

async function main(): Promise<void> {
  const sqs = await startSqsServer();
  const asset = buildWorkerAsset('export const handler = async () => {};');
  const { QueueUrl = '' } = await sqs.client.send(new CreateQueueCommand({ QueueName: 'bench' }));
  const assetBytes = ['main.js', 'handler.js', 'worker.js'].reduce(
    (all, name) => all + statSync(join(asset.directory, name)).size,
    0,
  );
  const coldStarts: number[] = [];
  const memories: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const beganMs = performance.now();
    const worker = new WorkerProcess(asset, {
      ...sqs.environment,
      [WORKER_ENV.queueUrl]: QueueUrl,
      [WORKER_ENV.handler]: 'module:./handler.js',
      [WORKER_ENV.waitTimeSeconds]: '1',
    });
    while ((await worker.health('/ready')).status !== 200) await sleep(2);
    coldStarts.push(performance.now() - beganMs);
    await sleep(3_000);
    memories.push(rssMegabytes(worker.pid));
    worker.signal('SIGTERM');
    await worker.exit;
  }
  asset.remove();
  await sqs.close();

  const measured = {
    assetBytes,
    coldStartMs: Math.round(median(coldStarts)),
    idleRssMegabytes: Math.round(median(memories)),
  };
  console.log('worker', {
    ...measured,
    coldStartMaxMs: Math.round(Math.max(...coldStarts)),
    rounds,
    node: process.version,
  });
  for (const [name, bound] of Object.entries(BOUNDS)) {
    if (measured[name as keyof typeof BOUNDS] <= bound) continue;
    console.error(`${name} is above ${bound}`);
    process.exitCode = 1;
  }
}

/** Resident memory as the kernel counts it. */
function rssMegabytes(pid: number): number {
  const [, kilobytes = 'NaN'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

void main();
