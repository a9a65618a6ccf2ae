import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { startEdgeHost } from './start-edge-host';

describe('a data directory', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'edge-data-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('keeps messages, objects and open uploads across a restart', async () => {
    const first = await startEdgeHost(directory);
    await first.setFaults({ duplicatePercent: 100 });
    await first.sqs.send(new SendMessageCommand({ QueueUrl: first.queueUrl('plain'), MessageBody: 'kept' }));
    await first.s3.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'kept', Body: 'bytes' }));
    const Upload = { Bucket: 'uploads', Key: 'open' };
    const { UploadId } = await first.s3.send(new CreateMultipartUploadCommand(Upload));
    await first.s3.send(new UploadPartCommand({ ...Upload, UploadId, PartNumber: 1, Body: 'part' }));
    await first.stop();

    const second = await startEdgeHost(directory);
    const { Messages } = await second.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: second.queueUrl('plain'), MaxNumberOfMessages: 10 }),
    );
    const { Body } = await second.s3.send(new GetObjectCommand({ Bucket: 'uploads', Key: 'kept' }));
    const text = await Body?.transformToString();
    const { Parts } = await second.s3.send(new ListPartsCommand({ ...Upload, UploadId }));
    const { QueueUrl } = await second.sqs.send(new GetQueueUrlCommand({ QueueName: 'plain' }));
    await second.stop();
    expect(Messages?.map((message) => message.Body)).toEqual(['kept', 'kept']);
    expect(QueueUrl).toBe(second.queueUrl('plain'));
    expect(text).toBe('bytes');
    expect(Parts).toMatchObject([{ PartNumber: 1, Size: 4 }]);
  }, 60_000);
});
