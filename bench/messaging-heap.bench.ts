import { Consumer, type SqsTransport } from '../messaging';

/**
 * 1,000,000 messages through one consumer over a transport that answers at once: the heap after each 100,000, after a collection.
 *
 * `node --expose-gc --import tsx bench/messaging-heap.bench.ts`
 */
const MESSAGES = 1_000_000;
let next = 0;
let deleted = 0;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const endless: SqsTransport = {
  async receive({ maxMessages }) {
    await turn();
    return Array.from({ length: maxMessages }, () => {
      const messageId = `message-${next++}`;
      return {
        messageId,
        receiptHandle: messageId,
        body: 'x'.repeat(1024),
        attributes: {},
        receiveCount: 1,
        sentAtMs: 0,
      };
    });
  },
  async deleteBatch(_, handles) {
    await turn();
    deleted += handles.length;
    return handles.map(() => undefined);
  },
  async changeVisibilityBatch(_, changes) {
    await turn();
    return changes.map(() => undefined);
  },
  async sendBatch(_, entries) {
    return entries.map(() => ({ messageId: 'sent' }));
  },
};

const heapMiB = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1_048_576;
};

async function main(): Promise<void> {
  const startedAtMs = performance.now();
  new Consumer({ sqs: endless, queueUrl: 'https://sqs.test/1/q', concurrency: 100, handler: async () => {} }).start();
  const heaps: number[] = [];
  while (heaps.length < MESSAGES / 100_000) {
    await turn();
    if (deleted >= (heaps.length + 1) * 100_000) heaps.push(heapMiB());
  }
  const micros = ((performance.now() - startedAtMs) * 1000) / MESSAGES;
  console.log(`heap in MiB after each 100,000 messages: ${heaps.map((h) => h.toFixed(1)).join(' ')}`);
  console.log(`${micros.toFixed(1)} us per message of the consumer itself`);
  process.exit(Math.max(...heaps.slice(1)) > (heaps[0] ?? 0) + 2 ? 1 : 0);
}

void main();
