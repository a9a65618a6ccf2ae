import {
  CancelMessageMoveTaskCommand,
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { cancel, list, peek, redrive, status } from '../../../bin/commands/dlq';

const HOST = 'https://sqs.eu-west-1.amazonaws.com/123456789012';
const DLQ = `${HOST}/dead`;
const JOBS = `${HOST}/jobs`;
const arn = (url: string): string => url.replace(`${HOST}/`, 'arn:aws:sqs:eu-west-1:123456789012:');

const sqs = mockClient(SQSClient);
let printed: object[];
const io = { sqs: new SQSClient({ region: 'eu-west-1' }), print: (record: object) => void printed.push(record) };

beforeEach(() => {
  printed = [];
  sqs.reset();
  sqs.on(GetQueueAttributesCommand).callsFake(({ QueueUrl }: { QueueUrl: string }) => ({
    Attributes: {
      QueueArn: arn(QueueUrl),
      ApproximateNumberOfMessages: '7',
      ...(QueueUrl === JOBS && {
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn(DLQ), maxReceiveCount: 3 }),
      }),
    },
  }));
  sqs.on(ListDeadLetterSourceQueuesCommand).resolves({ queueUrls: [JOBS] });
  sqs.on(StartMessageMoveTaskCommand).resolves({ TaskHandle: 'task' });
});

describe('queue-fleet dlq', () => {
  test('list prints the queues that others name as their dead-letter queue', async () => {
    sqs.on(ListQueuesCommand).resolves({ QueueUrls: [DLQ, JOBS, `${HOST}/other`] });
    await list(io);
    expect(printed).toEqual([{ deadLetterQueue: arn(DLQ), queueUrl: DLQ, messages: 7, sources: [arn(JOBS)] }]);
  });

  test.each(['AccessDenied', 'AccessDeniedException', 'QueueDoesNotExist'])(
    'list leaves out a queue that answers %s: a role with grantRedrive sees its own queues only',
    async (name) => {
      const theirs = `${HOST}/theirs`;
      sqs.on(ListQueuesCommand).resolves({ QueueUrls: [theirs, DLQ, JOBS] });
      sqs.on(GetQueueAttributesCommand, { QueueUrl: theirs }).rejects(Object.assign(new Error('no'), { name }));
      await list(io);
      expect(printed).toEqual([expect.objectContaining({ queueUrl: DLQ, sources: [arn(JOBS)] })]);
    },
  );

  test('list fails when SQS does', async () => {
    sqs.on(ListQueuesCommand).resolves({ QueueUrls: [DLQ] });
    sqs.on(GetQueueAttributesCommand).rejects(new Error('throttled'));
    await expect(list(io)).rejects.toThrow('throttled');
  });

  test('peek prints messages and gives each of them back', async () => {
    const message = (id: string) => ({
      MessageId: id,
      ReceiptHandle: `handle ${id}`,
      Body: `body ${id}`,
      Attributes: { SentTimestamp: '1000', ApproximateReceiveCount: '4' },
      MessageAttributes: { reason: { DataType: 'String', StringValue: 'bad' } },
    });
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [message('a'), message('b')] })
      .resolvesOnce({ Messages: [message('c')] })
      .resolves({});
    await peek(DLQ, 10, io);
    expect(printed[0]).toEqual({
      messageId: 'a',
      sentAt: '1970-01-01T00:00:01.000Z',
      receiveCount: 4,
      groupId: undefined,
      attributes: { reason: 'bad' },
      body: 'body a',
    });
    const [batch] = sqs.commandCalls(ChangeMessageVisibilityBatchCommand);
    expect(batch?.args[0].input.Entries?.map((entry) => [entry.ReceiptHandle, entry.VisibilityTimeout])).toEqual([
      ['handle a', 0],
      ['handle b', 0],
      ['handle c', 0],
    ]);
  });

  test('peek stops at the wanted number, and gives back when a receive fails', async () => {
    sqs
      .on(ReceiveMessageCommand)
      .resolvesOnce({ Messages: [{ ReceiptHandle: 'h' }] })
      .rejects(new Error('throttled'));
    await expect(peek(DLQ, 2, io)).rejects.toThrow('throttled');
    expect(sqs.commandCalls(ReceiveMessageCommand).map((call) => call.args[0].input.MaxNumberOfMessages)).toEqual([
      2, 1,
    ]);
    expect(sqs.commandCalls(ChangeMessageVisibilityBatchCommand)).toHaveLength(1);
  });

  test('redrive names the only source, so that quarantined messages move too', async () => {
    await redrive(DLQ, { rate: 50, dryRun: false }, io);
    expect(sqs.commandCalls(StartMessageMoveTaskCommand)[0]?.args[0].input).toEqual({
      SourceArn: arn(DLQ),
      DestinationArn: arn(JOBS),
      MaxNumberOfMessagesPerSecond: 50,
    });
    expect(printed).toEqual([expect.objectContaining({ started: true, messages: 7, taskHandle: 'task' })]);
  });

  test('redrive leaves the way back to SQS when there are several sources', async () => {
    sqs.on(ListDeadLetterSourceQueuesCommand).resolves({ queueUrls: [JOBS, `${HOST}/more`] });
    await redrive(DLQ, { dryRun: false }, io);
    expect(sqs.commandCalls(StartMessageMoveTaskCommand)[0]?.args[0].input.DestinationArn).toBeUndefined();
  });

  test('redrive --dry-run moves nothing', async () => {
    await redrive(DLQ, { to: 'arn:other', dryRun: true }, io);
    expect(sqs.commandCalls(StartMessageMoveTaskCommand)).toHaveLength(0);
    expect(printed).toEqual([
      { dryRun: true, from: arn(DLQ), to: 'arn:other', sources: 1, messages: 7, maxPerSecond: undefined },
    ]);
  });

  test('redrive refuses a queue that is nobody’s dead-letter queue', async () => {
    sqs.on(ListDeadLetterSourceQueuesCommand).resolves({ queueUrls: [] });
    await expect(redrive(JOBS, { dryRun: true }, io)).rejects.toThrow('is not the dead-letter queue of any queue');
  });

  test('status prints the tasks, cancel stops the running one', async () => {
    sqs.on(ListMessageMoveTasksCommand).resolves({
      Results: [
        { Status: 'RUNNING', TaskHandle: 'running', ApproximateNumberOfMessagesMoved: 3, StartedTimestamp: 1_000 },
        { Status: 'COMPLETED', StartedTimestamp: 0 },
      ],
    });
    sqs.on(CancelMessageMoveTaskCommand).resolves({ ApproximateNumberOfMessagesMoved: 4 });
    await status(DLQ, io);
    await cancel(DLQ, io);
    expect(printed).toEqual([
      expect.objectContaining({ status: 'RUNNING', moved: 3, startedAt: '1970-01-01T00:00:01.000Z' }),
      expect.objectContaining({ status: 'COMPLETED' }),
      { cancelled: true, moved: 4 },
    ]);
    expect(sqs.commandCalls(CancelMessageMoveTaskCommand)[0]?.args[0].input.TaskHandle).toBe('running');
  });

  test('cancel says when nothing runs', async () => {
    sqs.on(ListMessageMoveTasksCommand).resolves({ Results: [{ Status: 'COMPLETED' }] });
    await expect(cancel(DLQ, io)).rejects.toThrow('no move task');
  });
});
