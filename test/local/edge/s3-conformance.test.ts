import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { DeleteMessageCommand, PurgeQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Readable } from 'node:stream';
import { signMultipart } from '../../../lambda/signing';
import { sourceKey, videoId } from '../../../video/contract';
import { startEdgeHost, type EdgeHost } from './start-edge-host';

interface EventRecord {
  readonly eventName: string;
  readonly s3: { readonly object: { key: string; size?: number; sequencer: string; eTag?: string } };
}

describe('the S3 side of the edge', () => {
  let edge: EdgeHost;
  const put = (Key: string, Body = 'x', more = {}) =>
    edge.s3.send(new PutObjectCommand({ Bucket: 'uploads', Key, Body, ...more }));
  const receive = async () => {
    const { Messages } = await edge.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: edge.queueUrl('work'), MaxNumberOfMessages: 10 }),
    );
    for (const { ReceiptHandle } of Messages ?? []) {
      await edge.sqs.send(new DeleteMessageCommand({ QueueUrl: edge.queueUrl('work'), ReceiptHandle }));
    }
    return (Messages ?? []).map(({ Body }) => JSON.parse(Body ?? '{}') as { Event?: string; Records?: EventRecord[] });
  };
  const records = async (): Promise<EventRecord[]> => (await receive()).flatMap(({ Records }) => Records ?? []);

  beforeAll(async () => {
    edge = await startEdgeHost();
  }, 30_000);
  afterAll(() => edge.stop());
  beforeEach(() => edge.sqs.send(new PurgeQueueCommand({ QueueUrl: edge.queueUrl('work') })));

  test('refuses a notification that the queue policy does not allow', () => {
    expect(edge.problems).toEqual([]);
    expect(edge.refused).toEqual([expect.stringContaining('no policy of the template allows it')]);
  });

  test('sends an event with the key in form encoding and a growing sequencer', async () => {
    await put('incoming/a b+c%/ü😀(1).mp4', 'four');
    await put('elsewhere/x');
    await put('incoming/second');
    const [first, second, ...more] = await records();
    expect(first).toMatchObject({
      eventName: 'ObjectCreated:Put',
      s3: { object: { key: 'incoming/a+b%2Bc%25/%C3%BC%F0%9F%98%80%281%29.mp4', size: 4 } },
    });
    expect(more).toEqual([]);
    expect(BigInt(`0x${second?.s3.object.sequencer ?? '0'}`)).toBeGreaterThan(
      BigInt(`0x${first?.s3.object.sequencer ?? '0'}`),
    );
    expect(second?.s3.object.sequencer).toHaveLength(first?.s3.object.sequencer.length ?? 0);
  });

  test('names copies, multipart uploads and removals', async () => {
    await put('source');
    await edge.s3.send(
      new CopyObjectCommand({ Bucket: 'uploads', Key: 'incoming/copy', CopySource: 'uploads/source' }),
    );
    await edge.s3.send(new DeleteObjectCommand({ Bucket: 'uploads', Key: 'incoming/copy' }));
    await edge.s3.send(new DeleteObjectCommand({ Bucket: 'uploads', Key: 'incoming/never-there' }));
    expect((await records()).map(({ eventName }) => eventName)).toEqual(['ObjectCreated:Copy', 'ObjectRemoved:Delete']);
  });

  test('delivers an event twice when told to', async () => {
    await edge.setFaults({ duplicatePercent: 100 });
    await put('incoming/twice');
    await edge.setFaults({ duplicatePercent: 0 });
    expect(await records()).toHaveLength(2);
  });

  test('writes only where nothing is with If-None-Match: *', async () => {
    await put('claim', 'first', { IfNoneMatch: '*' });
    await expect(put('claim', 'second', { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    const { Body } = await edge.s3.send(new GetObjectCommand({ Bucket: 'uploads', Key: 'claim' }));
    expect(await Body?.transformToString()).toBe('first');
  });

  test('lets one of many concurrent claims win', async () => {
    const claims = Array.from({ length: 20 }, (_, index) => put('race', `writer ${index}`, { IfNoneMatch: '*' }));
    const results = await Promise.allSettled(claims);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('replaces only the expected version with If-Match', async () => {
    const { ETag } = await put('version', '1');
    await put('version', '2', { IfMatch: ETag });
    await expect(put('version', '3', { IfMatch: ETag })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(put('absent', '3', { IfMatch: ETag })).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('keeps the bytes of a streamed body', async () => {
    const bytes = Buffer.alloc(300_000, 'abc');
    await edge.s3.send(
      new PutObjectCommand({
        Bucket: 'uploads',
        Key: 'stream',
        Body: Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]),
        ContentLength: bytes.length,
        ContentType: 'video/mp4',
        CacheControl: 'no-store',
        Metadata: { name: 'n%20' },
      }),
    );
    const answer = await edge.s3.send(new GetObjectCommand({ Bucket: 'uploads', Key: 'stream' }));
    expect(answer).toMatchObject({ ContentType: 'video/mp4', CacheControl: 'no-store', Metadata: { name: 'n%20' } });
    expect(answer.ContentEncoding).toBeUndefined();
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
  });

  test('takes objects above the emulator’s own limit', async () => {
    const bytes = Buffer.alloc(12 * 1024 * 1024, 7);
    await edge.s3.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'big', Body: bytes }));
    const head = await edge.s3.send(new HeadObjectCommand({ Bucket: 'uploads', Key: 'big' }));
    expect(head.ContentLength).toBe(bytes.length);
    const range = await edge.s3.send(new GetObjectCommand({ Bucket: 'uploads', Key: 'big', Range: 'bytes=1-3' }));
    expect(range).toMatchObject({ ContentLength: 3, ContentRange: `bytes 1-3/${bytes.length}` });
  });

  test('lists the parts of an open upload, page by page, and completes it', async () => {
    const Upload = { Bucket: 'uploads', Key: 'incoming/parts' };
    const { UploadId } = await edge.s3.send(new CreateMultipartUploadCommand({ ...Upload, ContentType: 'video/mp4' }));
    const part = Buffer.alloc(5 * 1024 * 1024);
    for (const PartNumber of [2, 1]) {
      await edge.s3.send(new UploadPartCommand({ ...Upload, UploadId, PartNumber, Body: part }));
    }
    const first = await edge.s3.send(new ListPartsCommand({ ...Upload, UploadId, MaxParts: 1 }));
    expect(first).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '1', Parts: [{ PartNumber: 1 }] });
    const rest = await edge.s3.send(new ListPartsCommand({ ...Upload, UploadId, PartNumberMarker: '1' }));
    expect(rest).toMatchObject({ IsTruncated: false, Parts: [{ PartNumber: 2, Size: part.length }] });
    const Parts = [...(first.Parts ?? []), ...(rest.Parts ?? [])].map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    await edge.s3.send(new CompleteMultipartUploadCommand({ ...Upload, UploadId, MultipartUpload: { Parts } }));
    expect(await records()).toMatchObject([
      { eventName: 'ObjectCreated:CompleteMultipartUpload', s3: { object: { size: 2 * part.length } } },
    ]);
    await expect(edge.s3.send(new ListPartsCommand({ ...Upload, UploadId }))).rejects.toMatchObject({
      name: 'NoSuchUpload',
    });
  });

  test('of an upload with checksums, wants the same kind of every part, and all of them at the end', async () => {
    const Upload = { Bucket: 'uploads', Key: 'checked' };
    const { UploadId } = await edge.s3.send(
      new CreateMultipartUploadCommand({ ...Upload, ChecksumAlgorithm: 'CRC32' }),
    );
    const part = { ...Upload, UploadId, PartNumber: 1, Body: 'x' };
    await expect(edge.s3.send(new UploadPartCommand({ ...part, ChecksumAlgorithm: 'SHA256' }))).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('actual checksum Type: sha256'),
    });
    const { ETag, ChecksumCRC32 } = await edge.s3.send(new UploadPartCommand(part));
    expect(ChecksumCRC32).toBe('jNwWgw==');
    const complete = (Parts: CompletedPart[]) =>
      edge.s3.send(new CompleteMultipartUploadCommand({ ...Upload, UploadId, MultipartUpload: { Parts } }));
    await expect(complete([{ PartNumber: 1, ETag }])).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('missing for part 1') as string,
    });
    expect(await complete([{ PartNumber: 1, ETag, ChecksumCRC32 }])).toMatchObject({
      ETag: expect.stringMatching(/-1"$/),
    });
  });

  test('keeps an upload to its own key', async () => {
    const { UploadId } = await edge.s3.send(new CreateMultipartUploadCommand({ Bucket: 'uploads', Key: 'mine' }));
    await expect(
      edge.s3.send(new UploadPartCommand({ Bucket: 'uploads', Key: 'other', UploadId, PartNumber: 1, Body: 'x' })),
    ).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await edge.s3.send(new AbortMultipartUploadCommand({ Bucket: 'uploads', Key: 'mine', UploadId }));
  });

  test.each([['tagging', new PutObjectTaggingCommand({ Bucket: 'uploads', Key: 'claim', Tagging: { TagSet: [] } })]])(
    'answers 501 to %s and leaves the object alone',
    async (_, command) => {
      await put('untouched', 'body');
      await expect(edge.s3.send(command)).rejects.toMatchObject({ $metadata: { httpStatusCode: 501 } });
    },
  );

  test.each(['?acl', '?policy', '?versioning', '?notification', '?encryption'])('answers 501 to %s', async (query) => {
    const url = new URL(`/uploads${query}`, edge.url);
    expect((await fetch(url)).status).toBe(501);
  });

  test('lists by prefix', async () => {
    await put('list/a');
    await put('list/b');
    const { Contents } = await edge.s3.send(new ListObjectsV2Command({ Bucket: 'uploads', Prefix: 'list/' }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(['list/a', 'list/b']);
  });

  describe('browser uploads', () => {
    const form = async (options: {
      size?: number;
      body?: string;
      type?: string;
      expires?: number;
      drop?: string;
      add?: string;
    }) => {
      const { size = 5, body = '12345', type = 'video/mp4', expires = 60, drop, add } = options;
      const { url, fields } = await createPresignedPost(edge.s3, {
        Bucket: 'uploads',
        Key: 'incoming/post',
        Expires: expires,
        Fields: { 'Content-Type': 'video/mp4', 'x-amz-meta-name': 'a', success_action_status: '201' },
        Conditions: [['content-length-range', size, size]],
      });
      const data = new FormData();
      for (const [name, value] of Object.entries({ ...fields, 'Content-Type': type })) {
        if (name !== drop) data.append(name, value);
      }
      if (add !== undefined) data.append(add, 'x');
      data.append('file', new Blob([body]), 'x.mp4');
      const response = await fetch(url, { method: 'POST', body: data, headers: { origin: 'http://page.example' } });
      return { status: response.status, text: await response.text(), headers: response.headers };
    };

    test('takes a form that its policy allows', async () => {
      const { status, text, headers } = await form({});
      expect(status).toBe(201);
      expect(text).toContain('<Key>incoming/post</Key>');
      expect(headers.get('access-control-allow-origin')).toBe('http://page.example');
      expect(headers.get('access-control-expose-headers')).toBe('ETag');
      expect(await records()).toMatchObject([{ eventName: 'ObjectCreated:Post', s3: { object: { size: 5 } } }]);
      const head = await edge.s3.send(new HeadObjectCommand({ Bucket: 'uploads', Key: 'incoming/post' }));
      expect(head).toMatchObject({ ContentType: 'video/mp4', Metadata: { name: 'a' } });
    });

    test.each([
      ['too large a file', { body: '123456' }, 400, 'EntityTooLarge'],
      ['too small a file', { body: '1234' }, 400, 'EntityTooSmall'],
      ['another type', { type: 'text/html' }, 403, 'AccessDenied'],
      ['a missing field', { drop: 'x-amz-meta-name' }, 403, 'AccessDenied'],
      ['a field that no condition covers', { add: 'x-amz-meta-extra' }, 403, 'AccessDenied'],
      ['no signature', { drop: 'X-Amz-Signature' }, 400, 'InvalidArgument'],
      ['an expired policy', { expires: -1 }, 403, 'AccessDenied'],
    ])('refuses %s', async (_, options, status, code) => {
      expect(await form(options)).toMatchObject({
        status,
        text: expect.stringContaining(`<Code>${code}</Code>`) as string,
      });
      expect(await records()).toEqual([]);
    });
  });

  describe('presigned links', () => {
    test('work until they expire, and only for what they were signed for', async () => {
      const command = new PutObjectCommand({ Bucket: 'uploads', Key: 'linked' });
      const link = await getSignedUrl(edge.s3, command, { expiresIn: 60 });
      expect((await fetch(link, { method: 'PUT', body: 'x' })).status).toBe(200);
      expect((await fetch(link.replace('/linked', '/stolen'), { method: 'PUT', body: 'x' })).status).toBe(403);
      const old = await getSignedUrl(edge.s3, command, { expiresIn: 60, signingDate: new Date(Date.now() - 120_000) });
      const answer = await fetch(old, { method: 'PUT', body: 'x' });
      expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('Request has expired')]);
    });
  });

  test('takes a part only of the size that its link was signed for', async () => {
    const id = videoId(1_700_000_000_000, 'a1b2c3d4e5f6');
    const key = sourceKey(id);
    const opened = await edge.s3.send(new CreateMultipartUploadCommand({ Bucket: 'uploads', Key: key }));
    const limits = { postMaxBytes: 1, maxBytes: 100_000_000, expirySeconds: 60, nowMs: () => Date.now() };
    const s3 = new S3Client({
      endpoint: edge.url,
      region: 'us-east-1',
      credentials: edge.s3.config.credentials,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    const { url } = await signMultipart({ s3, bucket: 'uploads', ...limits }, id, {
      operation: 'part',
      uploadId: opened.UploadId,
      partNumber: 1,
      size: 5,
    });
    const send = async (body: string) => (await fetch(url, { method: 'PUT', body })).status;
    expect([await send('123456'), await send('1234'), await send('12345')]).toEqual([403, 403, 200]);
    // Without a length there is nothing to compare.
    const stream = Readable.toWeb(Readable.from(['12345'])) as ReadableStream;
    const init = { method: 'PUT', body: stream, duplex: 'half' } as RequestInit;
    expect((await fetch(url, init)).status).toBe(403);
  });

  describe('CORS', () => {
    const preflight = (origin: string, method: string, headers = 'content-type') =>
      fetch(`${edge.url}/uploads/incoming/x`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers },
      });

    test.each([
      ['the page', 'http://page.example', 'PUT', 'content-type', 200],
      ['another origin', 'http://evil.example', 'PUT', 'content-type', 403],
      ['a method that is not listed', 'http://page.example', 'DELETE', 'content-type', 403],
      ['a header that is not listed', 'http://page.example', 'PUT', 'x-other', 403],
    ])('answers the preflight of %s', async (_, origin, method, headers, status) => {
      expect((await preflight(origin, method, headers)).status).toBe(status);
    });
  });

  describe('access', () => {
    test('reads without a signature only where a distribution stands in front', async () => {
      await edge.s3.send(new PutObjectCommand({ Bucket: 'media', Key: 'a', Body: 'x' }));
      await put('private');
      expect((await fetch(`${edge.url}/media/a`)).status).toBe(200);
      expect((await fetch(`${edge.url}/uploads/private`)).status).toBe(403);
      expect((await fetch(`${edge.url}/media/a`, { method: 'PUT', body: 'y' })).status).toBe(403);
    });

    test('allows a role what its policy says, and nothing else', async () => {
      await put('readable');
      await edge.reader.s3.send(new GetObjectCommand({ Bucket: 'uploads', Key: 'readable' }));
      await expect(
        edge.reader.s3.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'readable', Body: 'x' })),
      ).rejects.toMatchObject({ name: 'AccessDenied' });
      // A signature is judged also where none is needed.
      await edge.s3.send(new PutObjectCommand({ Bucket: 'media', Key: 'signed', Body: 'x' }));
      await expect(edge.reader.s3.send(new GetObjectCommand({ Bucket: 'media', Key: 'signed' }))).rejects.toMatchObject(
        { name: 'AccessDenied' },
      );
    });

    test('answers 503 to a role’s requests when told to, and not to links', async () => {
      await put('readable');
      await edge.setFaults({ httpErrorPercent: 100 });
      const get = new GetObjectCommand({ Bucket: 'uploads', Key: 'readable' });
      await expect(edge.reader.s3.send(get)).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
      const link = await getSignedUrl(edge.reader.s3, get, { expiresIn: 60 });
      expect((await fetch(link)).status).toBe(200);
      await edge.setFaults({ httpErrorPercent: 0 });
    });
  });
});
