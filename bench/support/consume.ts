import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQS, SQSClient } from '@aws-sdk/client-sqs';
import { Consumer, createSqsClient, leanTransport, type Handler } from '../../messaging';

/**
 * Consumes a stub queue for some seconds with one library and prints what it took, as JSON.
 * Arguments: library, port, certificate file, work (`noop`, `5ms`, `mixed`), concurrency, seconds to measure.
 */
const [, , library = '', port = '', certFile = '', work = 'noop', concurrencyArgument = '100', seconds = '2'] =
  process.argv;
const concurrency = Number(concurrencyArgument);
const ca = readFileSync(certFile, 'utf8');
const endpoint = `https://localhost:${port}`;
const queueUrl = `${endpoint}/1/bench`;
const common = { region: 'us-east-1', endpoint, credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } };
const agent = () => new Agent({ keepAlive: true, maxSockets: 200, ca });
const plainClient = () => new SQSClient({ ...common, requestHandler: { httpsAgent: agent() } });
const tunedClient = () =>
  createSqsClient({
    ...common,
    requestHandler: {
      httpsAgent: agent(),
      requestTimeout: 25_000,
      throwOnRequestTimeout: true,
      connectionTimeout: 5_000,
    },
  });

let handled = 0;
const handle: () => Promise<void> =
  work === 'noop'
    ? async () => void (handled += 1)
    : async () => {
        await sleep(work === 'mixed' && handled % 10 === 9 ? 200 : 5);
        handled += 1;
      };

const libraries: Record<string, () => Promise<void>> = {
  async 'sqs-consumer one by one'() {
    const { Consumer: Peer } = await import('sqs-consumer');
    Peer.create({
      queueUrl,
      sqs: plainClient(),
      batchSize: 10,
      handleMessage: async (message) => (await handle(), message),
    }).start();
  },
  async 'sqs-consumer batch'() {
    const { Consumer: Peer } = await import('sqs-consumer');
    Peer.create({
      queueUrl,
      sqs: plainClient(),
      batchSize: 10,
      handleMessageBatch: async (messages) => (await Promise.all(messages.map(handle)), messages),
    }).start();
  },
  async 'sqs-consumer batch x10'() {
    for (let i = 0; i < 10; i++) await libraries['sqs-consumer batch']?.();
  },
  async 'squiss-ts'() {
    const { Squiss } = await import('squiss-ts');
    const squiss = new Squiss({
      queueUrl,
      SQS: new SQS({ ...common, requestHandler: { httpsAgent: agent() } }),
      maxInFlight: concurrency,
      activePollIntervalMs: 0,
      idlePollIntervalMs: 0,
      receiveBatchSize: 10,
      deleteBatchSize: 10,
    });
    squiss.on('message', (message) => void handle().then(() => message.del()));
    await squiss.start();
  },
  async 'plain SDK loop'() {
    const client = plainClient();
    const loop = async (): Promise<void> => {
      for (;;) {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 }),
        );
        await Promise.all(Messages.map(handle));
        const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
        await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      }
    };
    for (let i = 0; i < 10; i++) void loop();
  },
  async 'ours, SDK transport'() {
    new Consumer({ sqs: tunedClient(), queueUrl, concurrency, handler: handle as Handler }).start();
  },
  async 'ours, lean transport'() {
    new Consumer({
      sqs: leanTransport(tunedClient(), { ca }),
      queueUrl,
      concurrency,
      handler: handle as Handler,
    }).start();
  },
};

async function measure(): Promise<void> {
  const start = libraries[library];
  if (start === undefined) throw new Error(`no such library: ${library}`);
  await start();
  await sleep(1_000);
  const before = { handled, cpu: process.cpuUsage(), atMs: performance.now() };
  await sleep(Number(seconds) * 1_000);
  const cpu = process.cpuUsage(before.cpu);
  const count = handled - before.handled;
  const elapsedMs = performance.now() - before.atMs;
  console.log(
    JSON.stringify({
      messages: count,
      perSecond: (count / elapsedMs) * 1000,
      cpuMicrosPerMessage: (cpu.user + cpu.system) / count,
    }),
  );
  process.exit();
}

void measure();
