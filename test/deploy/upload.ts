/** Uploads through the deployed API, as a page does, and follows each file to the message on the queue. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { POST_MAX_BYTES, sourceKey, type UploadTicket } from '../../video/contract';
import { UploadClient } from '../../video/demo/upload-client';
import { parseUploadEvent } from '../../video/transcode/event';
import { fact, type Facts } from './deployment';
import { REGION, type Server } from './moto-server';

const TYPE = 'video/mp4';
/** Long enough for a function to start on a busy machine. */
const TIMEOUT_MS = 120_000;
/** Receives until a message is there or is missed. */
const RECEIVES = 10;

/** @returns what was proved, one line each. @throws AssertionError for the first thing that is not as it should be. */
export async function uploadThroughApi(server: Server, facts: Facts): Promise<readonly string[]> {
  const apiUrl = `${server.apis}/${fact(facts, 'Upload/Api').id}`;
  const client = new UploadClient(apiUrl, AbortSignal.timeout(TIMEOUT_MS));
  const queue = new DeployedQueue(server, fact(facts, 'Queue/Queue').id);
  const bucket = fact(facts, 'Buckets/Uploads').id;
  const s3 = new S3Client({ ...connection(server), forcePathStyle: true });

  const content = randomBytes(2048);
  const posted = await client.upload('première vidéo.mp4', TYPE, content);
  await queue.expectUpload({ bucket, id: posted, content, eventName: 'ObjectCreated:Post' });
  const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: sourceKey(posted) }));
  assert.equal(head.Metadata?.['name'], encodeURIComponent('première vidéo.mp4'));

  const multipart = await uploadInParts(apiUrl, content);
  await queue.expectUpload({
    bucket,
    id: multipart,
    content,
    eventName: 'ObjectCreated:CompleteMultipartUpload',
  });

  const listed = await client.videos();
  assert.deepEqual(
    listed.map(({ id, state, sizeBytes }) => ({ id, state, sizeBytes })),
    [multipart, posted].map((id) => ({ id, state: 'queued', sizeBytes: content.byteLength })),
  );
  await assert.rejects(client.upload('notes.txt', 'text/plain', content), /415.*TypeNotAllowed/);
  await queue.expectEmpty();
  return [
    'uploaded by presigned POST through the deployed API: message on the queue, read as the worker reads it, deleted',
    'uploaded in parts by presigned PUT: message on the queue; both listed as queued; a text file was refused',
  ];
}

/** Uploads through the four signed requests of a multipart upload. @returns the id of the video */
async function uploadInParts(apiUrl: string, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${apiUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    assert.ok(response.ok, `POST ${path}: ${response.status} ${await response.clone().text()}`);
    return (await response.json()) as T;
  };
  // What is declared decides how the upload goes; the parts may be smaller.
  const ticket = await post<UploadTicket>('/uploads', { name: 'long.mp4', type: TYPE, size: POST_MAX_BYTES + 1 });
  assert.ok(ticket.kind === 'multipart');
  const { id, uploadId } = ticket;
  const sign = (operation: string, more = {}): Promise<{ url: string }> =>
    post(`/uploads/${id}/sign`, { operation, uploadId, ...more });
  const part = await fetch((await sign('part', { partNumber: 1, size: content.byteLength })).url, {
    method: 'PUT',
    body: content,
  });
  const etag = part.headers.get('etag');
  assert.ok(part.ok && etag !== null, `PUT of a part: ${part.status}`);
  const completed = await fetch((await sign('complete')).url, {
    method: 'POST',
    body:
      '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>' +
      `<ETag>${etag}</ETag></Part></CompleteMultipartUpload>`,
  });
  assert.ok(completed.ok, `completing the upload: ${completed.status} ${await completed.text()}`);
  return id;
}

interface ExpectedUpload {
  readonly bucket: string;
  readonly id: string;
  readonly content: Uint8Array;
  readonly eventName: string;
}

/** The queue, as the worker uses it. */
class DeployedQueue {
  readonly #sqs: SQSClient;

  constructor(
    server: Server,
    private readonly url: string,
  ) {
    // The client would otherwise follow the host of the queue's URL.
    this.#sqs = new SQSClient({ ...connection(server), useQueueUrlAsEndpoint: false });
  }

  /** Receives the message of one upload, checks its body and attributes, and deletes it. */
  async expectUpload({ bucket, id, content, eventName }: ExpectedUpload): Promise<void> {
    const message = await this.#receiveUpload(bucket);
    assert.deepEqual(parseUploadEvent(message.Body ?? '', bucket), {
      uploads: [{ id, key: sourceKey(id) }],
      refused: [],
    });
    const { Records: records } = JSON.parse(message.Body ?? '') as {
      Records: Array<{ eventName: string; awsRegion: string; s3: { object: { size: number; eTag: string } } }>;
    };
    assert.equal(records.length, 1);
    assert.equal(records[0]?.eventName, eventName);
    assert.equal(records[0].awsRegion, REGION);
    assert.equal(records[0].s3.object.size, content.byteLength);
    const md5 = createHash('md5').update(content);
    if (eventName.endsWith(':Post')) assert.equal(records[0].s3.object.eTag, md5.digest('hex'));
    // S3 sets none of its own.
    assert.equal(message.MessageAttributes, undefined);
    assert.equal(message.Attributes?.ApproximateReceiveCount, '1');
    assert.match(message.Attributes.SentTimestamp ?? '', /^\d{13}$/);
    await this.#delete(message);
  }

  /** Nothing waits and nothing is in flight. */
  async expectEmpty(): Promise<void> {
    const { Attributes: depth } = await this.#sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.url,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    assert.deepEqual(depth, { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' });
  }

  /** The next message that names an upload; S3's test events before it go, as the worker lets them go. */
  async #receiveUpload(bucket: string): Promise<Message> {
    for (let receive = 0; receive < RECEIVES; receive++) {
      const { Messages: [message] = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: this.url,
          WaitTimeSeconds: 1,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['All'],
        }),
      );
      if (message === undefined) continue;
      if (parseUploadEvent(message.Body ?? '', bucket).uploads.length > 0) return message;
      await this.#delete(message);
    }
    throw new assert.AssertionError({ message: 'no message of the upload came to the queue' });
  }

  async #delete({ ReceiptHandle }: Message): Promise<void> {
    await this.#sqs.send(new DeleteMessageCommand({ QueueUrl: this.url, ReceiptHandle }));
  }
}

function connection({ endpoint }: Server) {
  return { endpoint, region: REGION, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
}
