import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { list, peek, redrive, status } from '../../../bin/commands/dlq';
import { startEdgeHost, type EdgeHost } from '../../local/edge/start-edge-host';

describe('queue-fleet dlq against the local run', () => {
  let edge: EdgeHost;
  beforeAll(async () => {
    edge = await startEdgeHost();
  }, 30_000);
  afterAll(() => edge.stop());

  test('finds, shows and moves a message that a worker quarantined', async () => {
    const [dead, work] = [edge.queueUrl('dead'), edge.queueUrl('work')];
    const printed: object[] = [];
    const io = { sqs: edge.sqs, print: (record: object) => void printed.push(record) };
    await edge.sqs.send(new SendMessageCommand({ QueueUrl: dead, MessageBody: 'poison' }));

    await list(io);
    await peek(dead, 10, io);
    await redrive(dead, { dryRun: false }, io);
    await status(dead, io);

    const ending = (name: string): unknown => expect.stringMatching(new RegExp(`${name}$`));
    expect(printed).toEqual([
      { deadLetterQueue: ending(':dead'), queueUrl: ending('/dead'), messages: 1, sources: [ending(':work')] },
      {
        deadLetterQueue: ending(':dead.fifo'),
        queueUrl: ending('/dead.fifo'),
        messages: 0,
        sources: [ending(':work.fifo')],
      },
      expect.objectContaining({ body: 'poison' }),
      expect.objectContaining({ started: true, from: ending(':dead'), to: ending(':work'), messages: 1 }),
      expect.objectContaining({ status: 'COMPLETED', moved: 1 }),
    ]);
    const { Messages } = await edge.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: work, WaitTimeSeconds: 5, MaxNumberOfMessages: 10 }),
    );
    // S3's test event is there already.
    expect(Messages?.map((message) => message.Body)).toContain('poison');
  }, 30_000);
});
