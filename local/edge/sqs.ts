/** The SQS side of the edge: long polls that end with their client, redrive tasks, 501 for the unknown. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../messaging';
import { delay } from '../../messaging';
import type { Emulator, StoredQueue } from '../emulator';
import { AwsError, header, sqsAnswer, type EdgeRequest, type EdgeResponse } from './http';
import type { QueueLedger } from './queue-ledger';

/** How long a move hides the messages that it cannot move; it is over in the same turn. */
const HOLD_SECONDS = 60;

/** How often an open long poll looks for messages. */
const POLL_MS = 50;

/** Operations that the emulator answers. */
const PASSED_ON = new Set([
  'ChangeMessageVisibility',
  'ChangeMessageVisibilityBatch',
  'DeleteMessage',
  'DeleteMessageBatch',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListQueues',
  'ListQueueTags',
  'PurgeQueue',
  'SendMessage',
  'SendMessageBatch',
]);

const OWN = new Set([
  'CancelMessageMoveTask',
  'ListDeadLetterSourceQueues',
  'ListMessageMoveTasks',
  'ReceiveMessage',
  'StartMessageMoveTask',
]);

/** The body of an SQS request, as far as the edge looks into it. */
export interface SqsBody {
  readonly QueueUrl?: string;
  readonly QueueName?: string;
  readonly SourceArn?: string;
  readonly DestinationArn?: string;
  readonly WaitTimeSeconds?: number;
  readonly MaxResults?: number;
}

/** A finished or failed move of dead letters. */
interface MoveTask {
  readonly TaskHandle: string;
  readonly Status: 'COMPLETED' | 'FAILED';
  readonly SourceArn: string;
  readonly DestinationArn?: string;
  readonly ApproximateNumberOfMessagesMoved: number;
  readonly ApproximateNumberOfMessagesToMove: number;
  readonly FailureReason?: string;
  readonly StartedTimestamp: number;
}

/** Name of the operation (`SendMessage`), from the JSON protocol's header. */
export function sqsOperation(request: EdgeRequest): string | undefined {
  return header(request, 'x-amz-target')?.replace(/^AmazonSQS\./, '');
}

/** What IAM calls an operation: the batch operations are allowed by the action of the single one. */
export function sqsAction(operation: string): string {
  return `sqs:${operation.replace(/Batch$/, '')}`;
}

/** The SQS service of a run. */
export class SqsService {
  readonly #tasks: MoveTask[] = [];

  constructor(
    private readonly emulator: Emulator,
    private readonly ledger: QueueLedger,
    private readonly clock: Clock,
    /** Source queues by the ARN of their dead-letter queue. */
    private readonly sourcesOf: (deadLetterArn: string) => readonly StoredQueue[],
  ) {}

  /** Answers a request of the session `holder`. @throws AwsError */
  async answer(request: EdgeRequest, operation: string, holder: string): Promise<EdgeResponse> {
    if (!PASSED_ON.has(operation) && !OWN.has(operation)) {
      throw new AwsError('UnsupportedOperation', `The local run does not emulate sqs:${operation}`, 501);
    }
    const body = parseBody(request);
    switch (operation) {
      case 'ReceiveMessage':
        return this.#receive(request, body, holder);
      case 'StartMessageMoveTask':
        return this.#startMove(body);
      case 'ListMessageMoveTasks':
        return sqsAnswer({
          Results: this.#tasks.filter(({ SourceArn }) => SourceArn === body.SourceArn).slice(0, body.MaxResults ?? 1),
        });
      case 'CancelMessageMoveTask':
        throw new AwsError('ResourceNotFoundException', 'Only a running task can be cancelled; here they end at once');
      case 'ListDeadLetterSourceQueues': {
        const queue = this.emulator.sqs.getQueue(body.QueueUrl ?? '');
        return sqsAnswer({ queueUrls: queue ? this.sourcesOf(queue.arn).map(({ url }) => url) : [] });
      }
      default:
        return this.emulator.handle(request);
    }
  }

  /**
   * The emulator's own long poll goes on after its client has gone and then gives a message to nobody, which hides it
   * for a whole visibility timeout. So the edge waits, and asks the emulator without waiting.
   */
  async #receive(request: EdgeRequest, body: SqsBody, holder: string): Promise<EdgeResponse> {
    const queue = this.emulator.sqs.getQueue(body.QueueUrl ?? '');
    const waitSeconds = body.WaitTimeSeconds ?? Number(queue?.attributes['ReceiveMessageWaitTimeSeconds'] ?? 0);
    if (waitSeconds > 20) return this.emulator.handle(request);
    const deadline = this.clock.now() + waitSeconds * 1000;
    const short = { ...request, body: Buffer.from(JSON.stringify({ ...body, WaitTimeSeconds: 0 })) };
    for (;;) {
      this.ledger.receivingAs(holder);
      const answer = await this.emulator.handle(short);
      const messages = receivedHandles(answer);
      if (request.gone.aborted) {
        for (const receiptHandle of messages) giveBack(queue, receiptHandle);
        return answer;
      }
      if (answer.status !== 200 || messages.length > 0 || this.clock.now() >= deadline) return answer;
      await delay(this.clock, POLL_MS, request.gone);
    }
  }

  #startMove(body: SqsBody): EdgeResponse {
    const source = this.emulator.sqs.getQueueByArn(body.SourceArn ?? '');
    if (!source) throw new AwsError('ResourceNotFoundException', 'One or more specified resources do not exist.', 404);
    if (this.sourcesOf(source.arn).length === 0) {
      throw new AwsError('InvalidParameterValue', 'Source queue must be configured as a Dead Letter Queue.');
    }
    const task = moveDeadLetters({
      source,
      destination: body.DestinationArn === undefined ? undefined : this.#destination(body.DestinationArn),
      origin: (messageId) => {
        const name = this.ledger.originOf(messageId);
        return name === undefined ? undefined : this.emulator.sqs.getQueueByName(name);
      },
    });
    const TaskHandle = Buffer.from(JSON.stringify({ taskId: randomUUID(), sourceArn: source.arn })).toString('base64');
    this.#tasks.unshift({
      TaskHandle,
      Status: task.stuck > 0 ? 'FAILED' : 'COMPLETED',
      SourceArn: source.arn,
      ...(body.DestinationArn !== undefined && { DestinationArn: body.DestinationArn }),
      ApproximateNumberOfMessagesMoved: task.moved,
      ApproximateNumberOfMessagesToMove: task.moved + task.stuck,
      ...(task.stuck > 0 && { FailureReason: 'CouldNotDetermineMessageSource' }),
      StartedTimestamp: this.clock.wallClock(),
    });
    return sqsAnswer({ TaskHandle });
  }

  #destination(arn: string): StoredQueue {
    const queue = this.emulator.sqs.getQueueByArn(arn);
    if (queue) return queue;
    throw new AwsError('ResourceNotFoundException', 'The destination queue does not exist.', 404);
  }
}

/**
 * Moves what waits in a dead-letter queue. Without a destination each message goes back to where the redrive policy took
 * it from; one that was sent to the dead-letter queue has no such place, and AWS's task fails on it.
 */
export function moveDeadLetters(move: {
  readonly source: StoredQueue;
  readonly destination: StoredQueue | undefined;
  readonly origin: (messageId: string) => StoredQueue | undefined;
}): { moved: number; stuck: number } {
  const { source, destination, origin } = move;
  const waiting = source.inspectMessages().ready.length;
  const stuck: string[] = [];
  let moved = 0;
  while (moved + stuck.length < waiting) {
    // Taken out by a receive, so that the emulator's own bookkeeping (order of groups, database) stays right. One batch
    // is moved before the next is taken: a message that is out locks its FIFO group.
    const batch = source.dequeue(10, HOLD_SECONDS) as { ReceiptHandle: string; MessageId: string }[];
    if (batch.length === 0) break;
    for (const { ReceiptHandle, MessageId } of batch) {
      const queue = destination ?? origin(MessageId);
      const message = source.inflightMessages.get(ReceiptHandle)?.message;
      if (!queue || !message) {
        stuck.push(ReceiptHandle);
        continue;
      }
      source.deleteMessage(ReceiptHandle);
      // A moved message counts as new: its receives start again.
      const fresh = { ...message, approximateReceiveCount: 0, sentTimestamp: Date.now() };
      delete fresh.approximateFirstReceiveTimestamp;
      queue.enqueue(fresh);
      moved++;
    }
  }
  for (const receiptHandle of stuck) source.changeVisibility(receiptHandle, 0);
  return { moved, stuck: stuck.length };
}

function giveBack(queue: StoredQueue | undefined, receiptHandle: string): void {
  const entry = queue?.inflightMessages.get(receiptHandle);
  if (!entry) return;
  // Nobody has seen it: the receive does not count.
  entry.message.approximateReceiveCount--;
  queue?.changeVisibility(receiptHandle, 0);
}

function receivedHandles(answer: EdgeResponse): readonly string[] {
  if (answer.status !== 200 || answer.body === undefined) return [];
  const { Messages } = JSON.parse(answer.body.toString()) as { Messages?: { ReceiptHandle: string }[] };
  return (Messages ?? []).map(({ ReceiptHandle }) => ReceiptHandle);
}

function parseBody(request: EdgeRequest): SqsBody {
  try {
    return JSON.parse(request.body.toString('utf8')) as SqsBody;
  } catch {
    throw new AwsError('SerializationException', 'The request body is not JSON');
  }
}
