import {
  AddPermissionCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEdgeHost, type EdgeHost } from './start-edge-host';

describe('the SQS side of the edge', () => {
  let edge: EdgeHost;
  const url = (name: string): string => edge.queueUrl(name);
  const send = (name: string, MessageBody: string) =>
    edge.sqs.send(new SendMessageCommand({ QueueUrl: url(name), MessageBody }));
  const receive = async (name: string, more = {}) =>
    (
      await edge.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: url(name),
          MaxNumberOfMessages: 10,
          MessageSystemAttributeNames: ['ApproximateReceiveCount'],
          ...more,
        }),
      )
    ).Messages ?? [];
  const arn = (name: string): string => `arn:aws:sqs:us-east-1:000000000000:${name}`;

  beforeAll(async () => {
    edge = await startEdgeHost();
  }, 30_000);
  afterAll(() => edge.stop());
  beforeEach(async () => {
    for (const name of ['work', 'dead', 'plain']) {
      await edge.sqs.send(new PurgeQueueCommand({ QueueUrl: url(name) }));
    }
  });

  test('a long poll takes a message that arrives while it waits', async () => {
    const waiting = receive('plain', { WaitTimeSeconds: 5 });
    await sleep(100);
    await send('plain', 'late');
    expect(await waiting).toMatchObject([{ Body: 'late' }]);
  });

  test('a long poll whose client has gone takes nothing', async () => {
    const abort = new AbortController();
    const waiting = edge.sqs.send(new ReceiveMessageCommand({ QueueUrl: url('plain'), WaitTimeSeconds: 20 }), {
      abortSignal: abort.signal,
    });
    await sleep(100);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await send('plain', 'for the next one');
    expect(await receive('plain', { WaitTimeSeconds: 2 })).toMatchObject([
      { Body: 'for the next one', Attributes: { ApproximateReceiveCount: '1' } },
    ]);
  });

  const moveByRedrivePolicy = async (body: string): Promise<void> => {
    await send('work', body);
    expect(await receive('work', { VisibilityTimeout: 0 })).toHaveLength(1);
    // Visibility 0 ends at the emulator's next look, and the second receive moves the message.
    for (let tries = 0; tries < 20; tries++) {
      await receive('work');
      const { Attributes } = await edge.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url('dead'), AttributeNames: ['ApproximateNumberOfMessages'] }),
      );
      if (Attributes?.['ApproximateNumberOfMessages'] === '1') return;
    }
    throw new Error('the message did not reach the dead-letter queue');
  };

  test('redrives what the redrive policy moved, to where it came from', async () => {
    await moveByRedrivePolicy('again');
    await edge.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn('dead') }));
    expect(await receive('work')).toMatchObject([{ Body: 'again', Attributes: { ApproximateReceiveCount: '1' } }]);
    const { Results } = await edge.sqs.send(new ListMessageMoveTasksCommand({ SourceArn: arn('dead') }));
    expect(Results).toMatchObject([{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 1 }]);
  });

  test('fails to redrive what was sent to the dead-letter queue, unless it is told where to', async () => {
    await send('dead', 'quarantined');
    await edge.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn('dead') }));
    const { Results } = await edge.sqs.send(new ListMessageMoveTasksCommand({ SourceArn: arn('dead') }));
    expect(Results).toMatchObject([{ Status: 'FAILED', FailureReason: 'CouldNotDetermineMessageSource' }]);
    await edge.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn('dead'), DestinationArn: arn('work') }));
    expect(await receive('work')).toMatchObject([{ Body: 'quarantined' }]);
  });

  test.each([['dead', 'work'] as const, ['dead.fifo', 'work.fifo'] as const])(
    'redrives every message of %s, of one group too',
    async (source, destination) => {
      const fifo = source.endsWith('.fifo') ? { MessageGroupId: 'one' } : {};
      for (let index = 0; index < 13; index++) {
        await edge.sqs.send(
          new SendMessageCommand({
            QueueUrl: url(source),
            MessageBody: String(index),
            ...fifo,
            ...(fifo.MessageGroupId && { MessageDeduplicationId: String(index) }),
          }),
        );
      }
      await edge.sqs.send(
        new StartMessageMoveTaskCommand({ SourceArn: arn(source), DestinationArn: arn(destination) }),
      );
      const waiting = async (name: string) =>
        (
          await edge.sqs.send(
            new GetQueueAttributesCommand({ QueueUrl: url(name), AttributeNames: ['ApproximateNumberOfMessages'] }),
          )
        ).Attributes?.['ApproximateNumberOfMessages'];
      expect([await waiting(source), await waiting(destination)]).toEqual(['0', '13']);
    },
  );

  test('fails when the source of a redrive is no dead-letter queue', async () => {
    await expect(edge.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn('plain') }))).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
  });

  test('names the sources of a dead-letter queue', async () => {
    const { queueUrls } = await edge.sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: url('dead') }));
    expect(queueUrls).toEqual([url('work')]);
  });

  test('delivers sent messages twice when told to, with the same id', async () => {
    await edge.setFaults({ duplicatePercent: 100 });
    await edge.sqs.send(
      new SendMessageBatchCommand({ QueueUrl: url('plain'), Entries: [{ Id: 'a', MessageBody: 'a' }] }),
    );
    await edge.setFaults({ duplicatePercent: 0 });
    const messages = await receive('plain');
    expect(messages.map(({ Body }) => Body)).toEqual(['a', 'a']);
    expect(new Set(messages.map(({ MessageId }) => MessageId)).size).toBe(1);
    for (const { ReceiptHandle } of messages) {
      await edge.sqs.send(new DeleteMessageCommand({ QueueUrl: url('plain'), ReceiptHandle }));
    }
    expect(await receive('plain')).toEqual([]);
  });

  test('answers 501 to what it does not know', async () => {
    const command = new AddPermissionCommand({
      QueueUrl: url('plain'),
      Label: 'x',
      AWSAccountIds: ['1'],
      Actions: ['SendMessage'],
    });
    await expect(edge.sqs.send(command)).rejects.toMatchObject({
      message: expect.stringContaining('does not emulate sqs:AddPermission') as string,
      $metadata: { httpStatusCode: 501 },
    });
  });

  test('refuses a role what its policy does not allow', async () => {
    await send('plain', 'x');
    const read = new ReceiveMessageCommand({ QueueUrl: url('plain') });
    expect((await edge.reader.sqs.send(read)).Messages).toHaveLength(1);
    const write = new SendMessageCommand({ QueueUrl: url('plain'), MessageBody: 'x' });
    await expect(edge.reader.sqs.send(write)).rejects.toMatchObject({
      message: expect.stringContaining('is not authorized to perform: sqs:SendMessage') as string,
      $metadata: { httpStatusCode: 403 },
    });
  });

  test('refuses a signature of a key that was never given out', async () => {
    const response = await fetch(edge.url, {
      method: 'POST',
      headers: {
        'x-amz-target': 'AmazonSQS.ListQueues',
        authorization:
          'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00',
      },
      body: '{}',
    });
    expect(response.status).toBe(403);
  });
});
