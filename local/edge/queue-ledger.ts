import type { Emulator, StoredMessage, StoredQueue } from '../emulator';

/** Counts since the start, as CloudWatch would sum them. */
export interface QueueCounts {
  sent: number;
  received: number;
  deleted: number;
}

/**
 * What the emulator does not remember: counts per queue, who holds which message, and from which queue a dead letter
 * came. It wraps the methods of each queue, so that every way in or out is seen.
 */
export class QueueLedger {
  readonly #counts = new Map<string, QueueCounts>();
  readonly #origins = new Map<string, string>();
  readonly #holders = new Map<string, { readonly holder: string; readonly queue: StoredQueue }>();
  readonly #doneBy = new Map<string, number>();
  #receiver = '';
  #movingFrom: string | undefined;

  /**
   * Begins to follow a queue.
   *
   * @param secondDelivery makes the copy of a sent message that a fault adds; undefined for most messages
   */
  watch(queue: StoredQueue, secondDelivery: (message: StoredMessage) => StoredMessage | undefined): void {
    const counts: QueueCounts = { sent: 0, received: 0, deleted: 0 };
    this.#counts.set(queue.name, counts);
    // Messages of which a copy with the same id was added.
    const twins = new Set<string>();
    const { enqueue, dequeue, deleteMessage } = queue;
    queue.enqueue = (message) => {
      // Moves by the redrive policy happen inside another queue's dequeue and do not count as sent.
      if (this.#movingFrom === undefined) counts.sent++;
      else this.#origins.set(message.messageId, this.#movingFrom);
      enqueue.call(queue, message);
      const copy = this.#movingFrom === undefined ? secondDelivery(message) : undefined;
      if (!copy) return;
      if (copy.messageId === message.messageId) twins.add(copy.messageId);
      enqueue.call(queue, copy);
    };
    queue.dequeue = (...args) => {
      this.#movingFrom = queue.name;
      try {
        const received = dequeue.apply(queue, args) as { ReceiptHandle: string }[];
        counts.received += received.length;
        for (const { ReceiptHandle } of received) {
          this.#holders.set(ReceiptHandle, { holder: this.#receiver, queue });
        }
        return received;
      } finally {
        this.#movingFrom = undefined;
      }
    };
    queue.deleteMessage = (receiptHandle) => {
      const held = this.#holders.get(receiptHandle);
      const messageId = queue.inflightMessages.get(receiptHandle)?.message.messageId;
      const deleted = deleteMessage.call(queue, receiptHandle);
      this.#holders.delete(receiptHandle);
      if (deleted) {
        counts.deleted++;
        if (held) this.#doneBy.set(held.holder, (this.#doneBy.get(held.holder) ?? 0) + 1);
        // Two deliveries of one message on SQS; here two stored ones, of which a consumer that holds both deletes one.
        if (messageId !== undefined && twins.has(messageId)) {
          for (const handle of handlesOf(queue, messageId)) deleteMessage.call(queue, handle);
        }
      }
      return deleted;
    };
  }

  counts(queueName: string): Readonly<QueueCounts> {
    return this.#counts.get(queueName) ?? { sent: 0, received: 0, deleted: 0 };
  }

  /** Names whoever receives next; receives are synchronous, so nobody can come between. */
  receivingAs(holder: string): void {
    this.#receiver = holder;
  }

  /** Messages that `holder` has received and not yet given up. */
  heldBy(holder: string): number {
    let held = 0;
    for (const [receiptHandle, entry] of this.#holders) {
      if (!entry.queue.inflightMessages.has(receiptHandle)) this.#holders.delete(receiptHandle);
      else if (entry.holder === holder) held++;
    }
    return held;
  }

  /** Messages that `holder` has deleted. */
  doneBy(holder: string): number {
    return this.#doneBy.get(holder) ?? 0;
  }

  /** The queue that the redrive policy moved this message from; undefined for one that was sent to the queue. */
  originOf(messageId: string): string | undefined {
    return this.#origins.get(messageId);
  }
}

function handlesOf(queue: StoredQueue, messageId: string): readonly string[] {
  return [...queue.inflightMessages].flatMap(([handle, { message }]) =>
    message.messageId === messageId ? handle : [],
  );
}

/** Every message that waits in a queue or is out with a consumer. */
export function messagesOf(queue: StoredQueue): readonly StoredMessage[] {
  const { ready, delayed, inflight } = queue.inspectMessages();
  return [...ready, ...delayed, ...inflight.map(({ message }) => message)];
}

/** Puts a message that S3 or the local run makes into a queue. */
export function deliver(emulator: Emulator, queue: StoredQueue, body: string): void {
  queue.enqueue(emulator.createMessage(body));
}
