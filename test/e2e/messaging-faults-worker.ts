import { setTimeout as sleep } from 'node:timers/promises';
import { Consumer, createSqsClient } from '../../messaging';

/** A worker process of messaging-faults.ts: tells each start and end of a run on its standard output. */
const { ENDPOINT: endpoint = '', QUEUE_URL: queueUrl = '', VISIBILITY_SECONDS: visibility = '5' } = process.env;
const credentials = { accessKeyId: 'e2e', secretAccessKey: 'e2e' };
const sqs = createSqsClient({ endpoint, useQueueUrlAsEndpoint: false, region: 'us-east-1', credentials });

/** How long the messages that start now have waited here since their receive. */
const waitedMs = new Map<string, number>();

const consumer = new Consumer({
  sqs,
  queueUrl,
  concurrency: 20,
  visibilityTimeoutSeconds: Number(visibility),
  waitTimeSeconds: 1,
  backoff: { baseSeconds: 0, maxSeconds: 0 },
  observer: { started: (event) => void waitedMs.set(event.message.messageId, Math.ceil(event.waitedMs)) },
  handler: async ({ messageId, body, groupId = '' }) => {
    process.stdout.write(`S ${messageId} ${body} ${groupId} ${Date.now()} ${waitedMs.get(messageId) ?? 0}\n`);
    waitedMs.delete(messageId);
    await sleep(5 + Math.random() * 10);
    // Longer than the lease now and then, so that heartbeats matter.
    if (Number(body) % 1000 === 7) await sleep(Number(visibility) * 1500);
    process.stdout.write(`D ${messageId} ${body} ${groupId} ${Date.now()}\n`);
  },
});
consumer.start();
process.on('SIGTERM', () => {
  void consumer.drain({ budgetMs: 20_000 }).then((report) => {
    process.stdout.write(`R ${JSON.stringify(report)}\n`);
    process.exit(report.clean ? 0 : 1);
  });
});
