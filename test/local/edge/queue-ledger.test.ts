import { QueueLedger } from '../../../local/edge/queue-ledger';
import type { StoredMessage, StoredQueue } from '../../../local/emulator';

/** The parts of the emulator's queue that the ledger wraps. */
class FakeQueue {
  readonly name = 'work';
  readonly ready: StoredMessage[] = [];
  readonly inflightMessages = new Map<string, { message: StoredMessage }>();
  #receipts = 0;

  enqueue(message: StoredMessage): void {
    this.ready.push(message);
  }

  dequeue(count: number): { ReceiptHandle: string }[] {
    return this.ready.splice(0, count).map((message) => {
      const ReceiptHandle = `receipt-${++this.#receipts}`;
      this.inflightMessages.set(ReceiptHandle, { message });
      return { ReceiptHandle };
    });
  }

  deleteMessage(receiptHandle: string): boolean {
    return this.inflightMessages.delete(receiptHandle);
  }
}

function setUp(copyOf: (message: StoredMessage) => StoredMessage | undefined = () => undefined) {
  const ledger = new QueueLedger();
  const fake = new FakeQueue();
  const queue = fake as unknown as StoredQueue;
  ledger.watch(queue, copyOf);
  const send = (messageId: string): void => queue.enqueue({ messageId, body: '' } as StoredMessage);
  const receive = (holder: string): readonly string[] => {
    ledger.receivingAs(holder);
    return (queue.dequeue(10) as { ReceiptHandle: string }[]).map(({ ReceiptHandle }) => ReceiptHandle);
  };
  return { ledger, fake, queue, send, receive };
}

describe('QueueLedger', () => {
  test('counts what goes in and out, and who holds and did what', () => {
    const { ledger, queue, send, receive } = setUp();
    send('a');
    send('b');
    const [first = ''] = receive('i-1');
    expect(ledger.counts('work')).toEqual({ sent: 2, received: 2, deleted: 0 });
    expect([ledger.heldBy('i-1'), ledger.doneBy('i-1')]).toEqual([2, 0]);
    queue.deleteMessage(first);
    expect([ledger.heldBy('i-1'), ledger.doneBy('i-1'), ledger.doneBy('i-2')]).toEqual([1, 1, 0]);
    expect(queue.deleteMessage(first)).toBe(false);
    expect(ledger.counts('work').deleted).toBe(1);
  });

  test('a delete ends every delivery of a message that was delivered twice', () => {
    const { fake, queue, send, receive } = setUp((message) => ({ ...message }));
    send('a');
    // The consumer has both and keeps the newer receipt only.
    const [, newer = ''] = receive('i-1');
    queue.deleteMessage(newer);
    expect(fake.inflightMessages.size).toBe(0);
  });

  test('a delivery that is still to come comes after the delete', () => {
    const { fake, queue, send } = setUp((message) => ({ ...message }));
    send('a');
    const [{ ReceiptHandle }] = queue.dequeue(1) as [{ ReceiptHandle: string }];
    queue.deleteMessage(ReceiptHandle);
    expect(fake.ready).toHaveLength(1);
  });

  test('a copy with an id of its own is a message of its own', () => {
    const { fake, queue, send, receive } = setUp((message) => ({ ...message, messageId: 'copy' }));
    send('a');
    const [first = ''] = receive('i-1');
    queue.deleteMessage(first);
    expect(fake.inflightMessages.size).toBe(1);
  });
});
