import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { Producer as PeerProducer } from 'sqs-producer';
import { Producer } from '../messaging/producer';
import { createSqsClient } from '../messaging/sdk-transport';

/**
 * Requests and CPU time of sending, side by side: 50 callers that each await one send at a time, and the same number of
 * messages in ready-made batches. `tsx bench/producer.bench.ts [rounds] [messages]`
 */
const [rounds = 7, messages = 5_000] = process.argv.slice(2).map(Number);
const CALLERS = 50;
const body = 'x'.repeat(1_024);

interface Variant {
  readonly name: string;
  readonly run: () => Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), 'producer-bench-'));
execFileSync(
  'openssl',
  [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', '/CN=127.0.0.1', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
  ],
  { stdio: 'ignore' },
);
const stub = fork(join(__dirname, 'send-stub.ts'), [folder], { execArgv: ['--import', 'tsx'] });

async function ask<T>(question?: object): Promise<T> {
  if (question !== undefined) stub.send(question);
  const [answer] = (await once(stub, 'message')) as [T];
  return answer;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

async function main(): Promise<void> {
  const { port } = await ask<{ port: number }>();
  const queueUrl = `https://127.0.0.1:${port}/123456789012/jobs`;
  const client = () =>
    createSqsClient({
      region: 'eu-west-1',
      endpoint: `https://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      requestHandler: { httpsAgent: { keepAlive: true, maxSockets: 50, rejectUnauthorized: false } },
    });
  const callers = async (send: (n: number) => Promise<unknown>): Promise<void> => {
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < messages) await send(next++);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  };
  const raw = client();
  const ours = new Producer({ sqs: client(), queueUrl });
  const peer = PeerProducer.create({ queueUrl, sqs: client() });
  const rawBatch = async (): Promise<void> => {
    let left = messages;
    const loop = async (): Promise<void> => {
      while (left > 0) {
        left -= 10;
        const Entries = Array.from({ length: 10 }, (_, i) => ({ Id: String(i), MessageBody: body }));
        const answer = await raw.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
        if (answer.Successful?.length !== 10) throw new Error('not all were sent');
      }
    };
    await Promise.all(Array.from({ length: CALLERS / 10 }, loop));
  };
  const variants: readonly Variant[] = [
    { name: 'raw SDK loop, batches of 10', run: rawBatch },
    { name: 'Producer.send, 50 callers', run: () => callers(() => ours.send({ body })) },
    {
      name: 'Producer.sendBatch',
      run: async () => {
        const results = await ours.sendBatch(Array.from({ length: messages }, () => ({ body })));
        if (!results.every(({ ok }) => ok)) throw new Error('not all were sent');
      },
    },
    { name: 'sqs-producer 8, 50 callers', run: () => callers((n) => peer.send({ id: String(n), body })) },
  ];
  const results = variants.map(() => ({ requests: [] as number[], cpuUs: [] as number[] }));
  for (const { run } of variants) await run();
  await ask({});
  for (let round = 0; round < rounds; round++) {
    // Interleaved, so that what disturbs the machine disturbs all of them.
    for (const [i, { run }] of variants.entries()) {
      const before = process.cpuUsage();
      await run();
      const { user, system } = process.cpuUsage(before);
      const { requests } = await ask<{ requests: number }>({});
      results[i]?.cpuUs.push((user + system) / messages);
      results[i]?.requests.push((requests * 1_000) / messages);
    }
  }
  const [baseline] = results;
  console.log(`1 KiB messages, TLS, ${messages} a round, medians of ${rounds} interleaved rounds\n`);
  console.log(
    '| variant | requests per 1,000 | CPU us per message | CPU, times the raw loop |\n| --- | --- | --- | --- |',
  );
  for (const [i, { name }] of variants.entries()) {
    const { requests, cpuUs } = results[i] ?? { requests: [], cpuUs: [] };
    const ratio = median(cpuUs.map((value, round) => value / (baseline?.cpuUs[round] ?? NaN)));
    console.log(`| ${name} | ${median(requests).toFixed(0)} | ${median(cpuUs).toFixed(0)} | ${ratio.toFixed(2)} |`);
  }
}

main()
  .finally(() => {
    stub.disconnect();
    rmSync(folder, { recursive: true });
  })
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
