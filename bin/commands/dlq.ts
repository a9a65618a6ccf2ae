import {
  CancelMessageMoveTaskCommand,
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  paginateListQueues,
  type QueueAttributeName,
  ReceiveMessageCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import type { Command } from 'commander';
import { createSqsClient } from '../../messaging/sdk-transport';
import { regionOf } from './send';

/** What the command touches. */
export interface DlqEnvironment {
  readonly sqs: SQSClient;
  /** Prints one JSON line. */
  readonly print: (record: object) => void;
}

/** How messages are moved back. */
export interface RedriveOptions {
  /** ARN of the queue to move to. */
  readonly to?: string;
  /** Messages per second, 1 to 500 (SQS limit); SQS chooses without it. */
  readonly rate?: number;
  readonly dryRun: boolean;
}

/** Time that peeked messages stay hidden when giving them back fails. */
const PEEK_SECONDS = 30;

/** Messages of one receive, and entries of one batch (SQS limit). */
const BATCH = 10;

/** `queue-fleet dlq`: look at dead letters and move them back. */
export function configure(command: Command): void {
  const on = (name: string, summary: string): Command =>
    command.command(name).description(summary).argument('<queue-url>', 'the dead-letter queue');
  command
    .command('list')
    .description('all dead-letter queues with their sources and number of messages')
    .option('--endpoint-url <url>', 'endpoint of a local run')
    .action(({ endpointUrl }: { endpointUrl?: string }) =>
      list(environment(createSqsClient(endpointUrl === undefined ? {} : { endpoint: endpointUrl }))),
    );
  on('peek', 'print messages and leave them in the queue')
    .option('--max <count>', 'messages to print', count(1, 1_000), BATCH)
    .action((url: string, { max }: { max: number }) => peek(url, max, forQueue(url)));
  on('redrive', 'move messages back to where they came from')
    .option('--to <arn>', 'queue to move to (default: the source, when there is one)')
    .option('--rate <count>', 'messages per second, 1 to 500', count(1, 500))
    .option('--dry-run', 'only print what would be moved', false)
    .action((url: string, options: RedriveOptions) => redrive(url, options, forQueue(url)));
  on('status', 'the last move tasks').action((url: string) => status(url, forQueue(url)));
  on('cancel', 'stop the running move task').action((url: string) => cancel(url, forQueue(url)));
}

function count(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new Error(`'${text}' must be a whole number from ${min} to ${max}`);
  };
}

function environment(sqs: SQSClient): DlqEnvironment {
  return { sqs, print: (record) => void process.stdout.write(`${JSON.stringify(record)}\n`) };
}

/** Move tasks are asked for by ARN, so the SDK cannot take the endpoint from the queue's URL as it does elsewhere. */
function forQueue(queueUrl: string): DlqEnvironment {
  const region = regionOf(queueUrl);
  return environment(createSqsClient(region === undefined ? { endpoint: new URL(queueUrl).origin } : { region }));
}

/**
 * Prints each queue that some other queue names as its dead-letter queue, with the URL that the other commands take.
 *
 * Queues that the caller may not look at are left out: a role with `grantRedrive` sees its own, and the account has more.
 */
export async function list({ sqs, print }: DlqEnvironment): Promise<void> {
  const seen = new Map<string, { readonly queueUrl: string; readonly messages: number }>();
  const sources = new Map<string, string[]>();
  for await (const page of paginateListQueues({ client: sqs }, { MaxResults: 1_000 })) {
    for (const url of page.QueueUrls ?? []) {
      const attributes = await attributesOf(sqs, url, [
        'QueueArn',
        'RedrivePolicy',
        'ApproximateNumberOfMessages',
      ]).catch(unlessOutOfReach);
      if (attributes === undefined) continue;
      seen.set(attributes.QueueArn ?? '', {
        queueUrl: url,
        messages: Number(attributes.ApproximateNumberOfMessages ?? 0),
      });
      const target = targetOf(attributes.RedrivePolicy);
      if (target !== undefined) sources.set(target, [...(sources.get(target) ?? []), attributes.QueueArn ?? '']);
    }
  }
  for (const [arn, from] of sources) print({ deadLetterQueue: arn, ...seen.get(arn), sources: from });
}

/** Names of SQS's errors for a queue of somebody else, and for one that was deleted in between. */
const OUT_OF_REACH = /^(AccessDenied(Exception)?|QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue)$/;

function unlessOutOfReach(error: unknown): undefined {
  if (error instanceof Error && OUT_OF_REACH.test(error.name)) return undefined;
  throw error;
}

/** Prints up to `max` messages and makes them visible again. Their receive count grows, which a dead-letter queue ignores. */
export async function peek(queueUrl: string, max: number, { sqs, print }: DlqEnvironment): Promise<void> {
  const held: string[] = [];
  try {
    while (held.length < max) {
      const { Messages: messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: Math.min(BATCH, max - held.length),
          VisibilityTimeout: PEEK_SECONDS,
          WaitTimeSeconds: 1,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        }),
      );
      if (messages.length === 0) return;
      for (const message of messages) {
        held.push(message.ReceiptHandle ?? '');
        print({
          messageId: message.MessageId,
          sentAt: new Date(Number(message.Attributes?.SentTimestamp ?? 0)).toISOString(),
          receiveCount: Number(message.Attributes?.ApproximateReceiveCount ?? 0),
          groupId: message.Attributes?.MessageGroupId,
          attributes: Object.fromEntries(
            Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, value.StringValue]),
          ),
          body: message.Body,
        });
      }
    }
  } finally {
    await giveBack(sqs, queueUrl, held);
  }
}

async function giveBack(sqs: SQSClient, queueUrl: string, receiptHandles: readonly string[]): Promise<void> {
  for (let start = 0; start < receiptHandles.length; start += BATCH) {
    const entries = receiptHandles.slice(start, start + BATCH);
    await sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: queueUrl,
        Entries: entries.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 })),
      }),
    );
  }
}

/**
 * Starts a move task. With one source the task names it: SQS does not know where a message came from that a worker put
 * into the dead-letter queue itself, and would fail on it.
 */
export async function redrive(
  queueUrl: string,
  options: RedriveOptions,
  { sqs, print }: DlqEnvironment,
): Promise<void> {
  const attributes = await attributesOf(sqs, queueUrl, ['QueueArn', 'ApproximateNumberOfMessages']);
  const { queueUrls: sources = [] } = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: queueUrl }));
  const [source, ...others] = sources;
  if (source === undefined) throw new Error(`${queueUrl} is not the dead-letter queue of any queue`);
  const onlySource = others.length === 0 ? await arnOf(sqs, source) : undefined;
  const plan = {
    from: attributes.QueueArn,
    to: options.to ?? onlySource,
    sources: sources.length,
    messages: Number(attributes.ApproximateNumberOfMessages ?? 0),
    maxPerSecond: options.rate,
  };
  if (options.dryRun) {
    print({ dryRun: true, ...plan });
    return;
  }
  const { TaskHandle: taskHandle } = await sqs.send(
    new StartMessageMoveTaskCommand({
      SourceArn: plan.from,
      DestinationArn: plan.to,
      MaxNumberOfMessagesPerSecond: options.rate,
    }),
  );
  print({ started: true, ...plan, taskHandle });
}

/** Prints the last ten move tasks, the newest first. */
export async function status(queueUrl: string, { sqs, print }: DlqEnvironment): Promise<void> {
  const SourceArn = await arnOf(sqs, queueUrl);
  const { Results: tasks = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: BATCH }));
  for (const task of tasks) {
    print({
      status: task.Status,
      moved: task.ApproximateNumberOfMessagesMoved,
      toMove: task.ApproximateNumberOfMessagesToMove,
      to: task.DestinationArn,
      maxPerSecond: task.MaxNumberOfMessagesPerSecond,
      startedAt: new Date(Number(task.StartedTimestamp ?? 0)).toISOString(),
      failure: task.FailureReason,
    });
  }
}

/** Stops the running move task; what it moved stays moved. */
export async function cancel(queueUrl: string, { sqs, print }: DlqEnvironment): Promise<void> {
  const SourceArn = await arnOf(sqs, queueUrl);
  const { Results: tasks = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: BATCH }));
  const running = tasks.find((task) => task.Status === 'RUNNING');
  if (running === undefined) throw new Error(`no move task of ${queueUrl} is running`);
  const { ApproximateNumberOfMessagesMoved: moved } = await sqs.send(
    new CancelMessageMoveTaskCommand({ TaskHandle: running.TaskHandle }),
  );
  print({ cancelled: true, moved });
}

async function attributesOf(
  sqs: SQSClient,
  queueUrl: string,
  names: QueueAttributeName[],
): Promise<Partial<Record<string, string>>> {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: names }));
  return Attributes ?? {};
}

async function arnOf(sqs: SQSClient, queueUrl: string): Promise<string> {
  const { QueueArn } = await attributesOf(sqs, queueUrl, ['QueueArn']);
  if (QueueArn === undefined) throw new Error(`${queueUrl} has no ARN`);
  return QueueArn;
}

function targetOf(redrivePolicy: string | undefined): string | undefined {
  if (redrivePolicy === undefined) return undefined;
  const { deadLetterTargetArn } = JSON.parse(redrivePolicy) as { readonly deadLetterTargetArn?: string };
  return deadLetterTargetArn;
}
