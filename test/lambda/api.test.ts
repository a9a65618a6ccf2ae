import { S3Client } from '@aws-sdk/client-s3';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type ApiContext, serve } from '../../lambda/api';
import { enqueueUpload } from '../../lambda/enqueue';
import { encodeName, MEDIA_KEYS, sourceKey, type UploadTicket, videoId, type VideoPage } from '../../video/contract';
import { BucketClient } from '../support/bucket-client';

const NOW = 1_700_000_000_000;
const ids = Array.from({ length: 5 }, (_, i) => videoId(NOW - i * 1000, `00000000000${i}`));

function world(change: Partial<ApiContext> = {}) {
  const s3 = new BucketClient();
  const errors: unknown[] = [];
  const real = new S3Client({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  // Signing computes; only what would go over the wire is taken from the fake.
  const signer = Object.assign(real, { send: (command: never) => s3.send(command) });
  const context: ApiContext = {
    signing: {
      s3: signer,
      bucket: 'uploads',
      postMaxBytes: 1_000,
      maxBytes: 100_000_000,
      expirySeconds: 600,
      nowMs: () => NOW,
    },
    listing: {
      s3: s3.asS3(),
      uploadsBucket: 'uploads',
      mediaBucket: 'media',
      mediaBaseUrl: 'https://media.example.com',
      finished: new Map(),
    },
    randomHex12: () => 'abcdefabcdef',
    logError: (error) => errors.push(error),
    ...change,
  };
  const ask = async (method: string, path: string, body?: unknown, query?: Record<string, string>) => {
    const event = {
      rawPath: path,
      requestContext: { http: { method } },
      queryStringParameters: query,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    } as unknown as APIGatewayProxyEventV2;
    const { statusCode, body: text } = await serve(context, event);
    return { statusCode, answer: JSON.parse(text ?? '') as Record<string, never> };
  };
  return { s3, context, ask, errors };
}

const clip = { name: 'a+b 🎬.mp4', size: 900, type: 'video/mp4' };

describe('POST /uploads', () => {
  test('signs a POST for exactly this size, type and key', async () => {
    const { statusCode, answer } = await world().ask('POST', '/uploads', clip);
    const ticket = answer as unknown as Extract<UploadTicket, { kind: 'post' }>;
    expect(statusCode).toBe(201);
    expect(ticket).toMatchObject({ kind: 'post', id: videoId(NOW, 'abcdefabcdef'), expiresAtMs: NOW + 600_000 });
    const policy = JSON.parse(Buffer.from(ticket.fields['Policy'] ?? '', 'base64').toString()) as {
      conditions: unknown;
    };
    expect(policy.conditions).toEqual(
      expect.arrayContaining([
        ['content-length-range', 900, 900],
        { 'Content-Type': 'video/mp4' },
        { key: sourceKey(ticket.id) },
        { 'x-amz-meta-name': encodeName(clip.name) },
      ]),
    );
  });

  test('opens a multipart upload above the limit of a POST', async () => {
    const { ask, s3 } = world();
    const { answer, statusCode } = await ask('POST', '/uploads', { ...clip, size: 1_001 });
    expect(statusCode).toBe(201);
    expect(s3.inputs.at(-1)).toMatchObject({ ContentType: 'video/mp4', Metadata: { size: '1001' } });
    expect(answer).toMatchObject({ kind: 'multipart', uploadId: 'upload-1', partBytes: 8 * 1024 * 1024 });
  });

  test('says why it refuses', async () => {
    const { answer, statusCode } = await world().ask('POST', '/uploads', { ...clip, size: 0 });
    expect(statusCode).toBe(400);
    expect(answer).toEqual({ error: { code: 'FileEmpty', message: 'The file is empty (0 bytes)' } });
  });

  test('hides what went wrong on our side', async () => {
    const { ask, errors, context } = world();
    Object.assign(context.signing, { s3: undefined });
    const { statusCode, answer } = await ask('POST', '/uploads', clip);
    expect(statusCode).toBe(500);
    expect(JSON.stringify(answer)).not.toContain('undefined');
    expect(errors).toHaveLength(1);
  });
});

describe('POST /uploads/{id}/sign', () => {
  const [id = ''] = ids;

  test.each([
    ['part', { partNumber: 3, size: 8_388_608 }, /partNumber=3.*uploadId=u1|uploadId=u1.*partNumber=3/],
    ['list', {}, /uploadId=u1/],
    ['complete', {}, /uploadId=u1/],
    ['abort', {}, /uploadId=u1/],
  ])('signs %s without a checksum of its own', async (operation, more, expected) => {
    const { answer } = await world().ask('POST', `/uploads/${id}/sign`, { operation, uploadId: 'u1', ...more });
    const { url } = answer as unknown as { url: string };
    expect(url).toMatch(expected);
    expect(url).toContain(`/incoming/${id}/source`);
    expect(url).not.toMatch(/checksum/i);
  });

  test('binds the size of a part into its link, and of nothing else', async () => {
    const signedHeaders = async (body: object): Promise<string | null> => {
      const { answer } = await world().ask('POST', `/uploads/${id}/sign`, { uploadId: 'u1', ...body });
      return new URL((answer as unknown as { url: string }).url).searchParams.get('X-Amz-SignedHeaders');
    };
    expect(await signedHeaders({ operation: 'part', partNumber: 1, size: 5 })).toBe('content-length;host');
    expect(await signedHeaders({ operation: 'list' })).toBe('host');
  });

  test.each([
    ['OperationNotAllowed', id, { operation: 'delete', uploadId: 'u1' }],
    ['UploadIdMissing', id, { operation: 'list' }],
    ['PartNotAllowed', id, { operation: 'part', uploadId: 'u1', partNumber: 0 }],
    ['PartNotAllowed', id, { operation: 'part', uploadId: 'u1', partNumber: 13 }],
    ['PartSizeNotAllowed', id, { operation: 'part', uploadId: 'u1', partNumber: 1 }],
    ['PartSizeNotAllowed', id, { operation: 'part', uploadId: 'u1', partNumber: 1, size: 0 }],
    ['PartSizeNotAllowed', id, { operation: 'part', uploadId: 'u1', partNumber: 1, size: 8_388_609 }],
    ['IdNotAllowed', '..', { operation: 'list', uploadId: 'u1' }],
  ])('refuses with %s', async (code, of, body) => {
    const { answer } = await world().ask('POST', `/uploads/${of}/sign`, body);
    expect(answer).toMatchObject({ error: { code } });
  });
});

describe('GET /videos', () => {
  const status = (id: string, state: string): string => JSON.stringify({ id, state, name: id, renditions: ['360p'] });

  test('lists newest first: queued uploads, running and finished videos in one', async () => {
    const { s3, ask } = world();
    const [newest = '', running = '', ready = ''] = ids;
    s3.put('uploads', sourceKey(newest), 'x'.repeat(7), { name: encodeName('Ä + b.mp4') });
    s3.put('uploads', sourceKey(running), 'x');
    s3.put('media', MEDIA_KEYS.status(running), status(running, 'processing'));
    s3.put('media', MEDIA_KEYS.status(ready), status(ready, 'ready'));
    const { videos } = (await ask('GET', '/videos')).answer as unknown as VideoPage;
    expect(videos.map(({ id, state }) => [id, state])).toEqual([
      [newest, 'queued'],
      [running, 'processing'],
      [ready, 'ready'],
    ]);
    expect(videos[0]).toMatchObject({ name: 'Ä + b.mp4', sizeBytes: 7, uploadedAtMs: NOW });
    expect(videos[2]?.urls?.master).toBe(`https://media.example.com/${ready}/master.m3u8`);
  });

  test('pages without a gap and without a repetition', async () => {
    const { s3, ask } = world();
    for (const id of ids) s3.put('media', MEDIA_KEYS.status(id), status(id, 'ready'));
    const seen: string[] = [];
    let after: string | undefined;
    for (let i = 0; i < 10; i++) {
      const query = { limit: '2', ...(after === undefined ? {} : { after }) };
      const page = (await ask('GET', '/videos', undefined, query)).answer as unknown as VideoPage;
      seen.push(...page.videos.map(({ id }) => id));
      after = page.next;
      if (after === undefined) break;
    }
    expect(seen).toEqual(ids);
  });

  test('gives the videos of a list of ids, without those that are gone', async () => {
    const { s3, ask } = world();
    const [queued = '', gone = '', ready = ''] = ids;
    s3.put('uploads', sourceKey(queued), 'x');
    s3.put('media', MEDIA_KEYS.status(ready), status(ready, 'ready'));
    const { answer } = await ask('GET', '/videos', undefined, { ids: [ready, gone, queued, ready].join() });
    const { videos, next } = answer as unknown as VideoPage;
    expect([videos.map(({ id, state }) => [id, state]), next]).toEqual([
      [
        [ready, 'ready'],
        [queued, 'queued'],
      ],
      undefined,
    ]);
  });

  test('asks for a finished video only once', async () => {
    const { s3, ask } = world();
    for (const id of ids) s3.put('media', MEDIA_KEYS.status(id), status(id, 'ready'));
    await ask('GET', '/videos');
    s3.asked.length = 0;
    await ask('GET', '/videos');
    expect(s3.asked).toEqual(['ListObjectsV2Command', 'ListObjectsV2Command']);
  });

  test.each([
    [400, 'LimitNotAllowed', '/videos', { limit: '0' }],
    [400, 'LimitNotAllowed', '/videos', { limit: 'many' }],
    [400, 'IdNotAllowed', '/videos', { after: '../' }],
    [400, 'IdNotAllowed', '/videos', { ids: `${ids[0] ?? ''},../` }],
    [400, 'IdNotAllowed', '/videos', { ids: '' }],
    [400, 'IdsNotAllowed', '/videos', { ids: Array.from({ length: 61 }, (_, i) => videoId(i, '000000000000')).join() }],
    [404, 'VideoNotFound', `/videos/${ids[0] ?? ''}`, undefined],
    [404, 'RouteNotFound', '/secrets', undefined],
  ])('answers %i %s to %s', async (statusCode, code, path, query) => {
    const found = await world().ask('GET', path, undefined, query);
    expect(found.statusCode).toBe(statusCode);
    expect(found.answer).toMatchObject({ error: { code } });
  });
});

describe('POST /uploads/{id}/complete (ordered variant)', () => {
  const [id = ''] = ids;

  test('there is no such route without a FIFO queue', async () => {
    expect((await world().ask('POST', `/uploads/${id}/complete`)).statusCode).toBe(404);
  });

  test('sends the message in its uploader’s group, and refuses what has not arrived', async () => {
    const sent: { input: Record<string, string> }[] = [];
    const s3 = new BucketClient();
    const sqs = { send: async (command: { input: Record<string, string> }) => sent.push(command) };
    const enqueue = (upload: string): Promise<void> =>
      enqueueUpload({ s3: s3.asS3(), sqs: sqs as never, bucket: 'uploads', queueUrl: 'https://queue' }, upload);
    const { ask } = world({ enqueue });
    expect(await ask('POST', `/uploads/${id}/complete`)).toMatchObject({
      statusCode: 409,
      answer: { error: { code: 'NotUploaded' } },
    });
    s3.put('uploads', sourceKey(id), 'x', { uploader: 'ann' });
    expect((await ask('POST', `/uploads/${id}/complete`)).statusCode).toBe(202);
    expect(sent[0]?.input).toMatchObject({ MessageGroupId: 'ann', MessageDeduplicationId: id });
    expect(sent[0]?.input['MessageBody']).toContain(sourceKey(id));
  });
});
