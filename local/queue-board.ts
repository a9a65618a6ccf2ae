import { describeDeadLetter } from './dead-letters';
import type { Edge } from './edge/edge';
import { messagesOf } from './edge/queue-ledger';
import { moveDeadLetters } from './edge/sqs';
import type { StoredQueue } from './emulator';
import { LocalRunError } from './errors';
import type { DeadLetter, QueueState } from './panel-api';

/** What is in the queues of a run, and the way back for dead letters. */
export class QueueBoard {
  constructor(private readonly edge: Pick<Edge, 'queues' | 'ledger' | 'sourcesOf'>) {}

  /** Numbers of every queue. */
  states(nowMs: number = Date.now()): readonly QueueState[] {
    return this.edge.queues.map((queue) => {
      // Without a consumer nothing else ends a visibility timeout.
      queue.processTimers();
      const { ready, delayed, inflight } = queue.inspectMessages();
      const oldest = Math.min(nowMs, ...messagesOf(queue).map(({ sentTimestamp }) => sentTimestamp));
      const { sent, deleted } = this.edge.ledger.counts(queue.name);
      const [source] = this.edge.sourcesOf(queue.arn);
      return {
        name: queue.name,
        url: queue.url,
        visible: ready.length,
        inFlight: inflight.length,
        delayed: delayed.length,
        oldestAgeSeconds: (nowMs - oldest) / 1000,
        sent,
        deleted,
        ...(source && { deadLetterOf: source.name }),
      };
    });
  }

  /** True when every queue but the dead-letter queues is empty. */
  get idle(): boolean {
    return this.states().every(
      ({ deadLetterOf, visible, inFlight, delayed }) =>
        deadLetterOf !== undefined || visible + inFlight + delayed === 0,
    );
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#deadLetterQueues().flatMap((queue) => {
      const [source] = this.edge.sourcesOf(queue.arn);
      return messagesOf(queue).map((message) => describeDeadLetter(queue.name, source?.name ?? '', message));
    });
  }

  /**
   * Sends dead letters back to their source queues.
   *
   * @param queueName all dead-letter queues without it
   * @returns how many were moved
   * @throws LocalRunError for a queue that is no dead-letter queue
   */
  redrive(queueName?: string): number {
    const chosen = this.#deadLetterQueues().filter(({ name }) => queueName === undefined || name === queueName);
    if (chosen.length === 0) {
      throw new LocalRunError(
        queueName === undefined ? 'the template has no dead-letter queue' : `${queueName} is no dead-letter queue`,
      );
    }
    return chosen.reduce((sum, source) => {
      // Named as the destination: messages that a worker sent here itself have no source that SQS knows.
      const [destination] = this.edge.sourcesOf(source.arn);
      return sum + moveDeadLetters({ source, destination, origin: () => undefined }).moved;
    }, 0);
  }

  #deadLetterQueues(): readonly StoredQueue[] {
    return this.edge.queues.filter(({ arn }) => this.edge.sourcesOf(arn).length > 0);
  }
}
