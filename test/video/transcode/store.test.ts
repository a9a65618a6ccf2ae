import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, type ReadStream, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { createS3Client, S3ObjectStore } from '../../../video/transcode/store';
import { type EdgeHost, startEdgeHost } from '../../local/edge/start-edge-host';

const refusal = (httpStatusCode: number): S3ServiceException =>
  new S3ServiceException({ name: 'Refused', $fault: 'server', $metadata: { httpStatusCode } });

describe('S3ObjectStore.replaceText, on the local S3', () => {
  const KEY = 'status.json';
  const TYPE = 'application/json';
  let edge: EdgeHost;
  let store: S3ObjectStore;
  beforeAll(async () => {
    edge = await startEdgeHost();
    store = new S3ObjectStore(edge.s3, 'media');
  }, 30_000);
  afterAll(() => edge.stop());

  test('writes over the version that was read, and over no other', async () => {
    const first = await store.replaceText(KEY, '{"n":1}', TYPE, undefined);
    expect(await store.getText(KEY)).toEqual({ text: '{"n":1}', version: first });
    expect(await store.replaceText(KEY, '{"n":2}', TYPE, undefined)).toBeUndefined();
    const second = await store.replaceText(KEY, '{"n":2}', TYPE, first);
    expect(await store.replaceText(KEY, '{"n":3}', TYPE, first)).toBeUndefined();
    expect(await store.getText(KEY)).toEqual({ text: '{"n":2}', version: second });
    expect(await store.replaceText('absent.json', '{}', TYPE, first)).toBeUndefined();
  });
});

describe('S3ObjectStore.putFile, on the local S3', () => {
  test('sends a file of several chunks as it is', async () => {
    const edge = await startEdgeHost();
    const folder = mkdtempSync(join(tmpdir(), 'store-'));
    try {
      const store = new S3ObjectStore(edge.s3, 'media');
      const content = randomBytes(300_000);
      writeFileSync(join(folder, 'a'), content);
      const { signal } = new AbortController();
      await store.putFile('a', join(folder, 'a'), 'video/mp2t', signal);
      await store.download('a', join(folder, 'b'), signal);
      expect(readFileSync(join(folder, 'b')).equals(content)).toBe(true);
      expect(await store.head('a')).toMatchObject({ sizeBytes: 300_000, contentType: 'video/mp2t' });
    } finally {
      rmSync(folder, { recursive: true });
      await edge.stop();
    }
  }, 30_000);
});

describe('createS3Client', () => {
  test('gives up on a server that takes a small request and never answers', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const client = createS3Client(50, {
      endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      forcePathStyle: true,
      maxAttempts: 1,
    });
    await expect(client.send(new HeadObjectCommand({ Bucket: 'b', Key: 'k' }))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('S3ObjectStore.putFile', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'store-'));
    path = join(folder, 'segment.ts');
    writeFileSync(path, 'segment');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A bucket that fails with each of `failures` once. */
  function bucket(...failures: readonly Error[]) {
    const left = [...failures];
    const bodies: string[] = [];
    const send = async ({ input }: PutObjectCommand): Promise<object> => {
      let body = '';
      for await (const chunk of input.Body as AsyncIterable<Buffer>) body += chunk.toString();
      bodies.push(body);
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      return {};
    };
    const store = new S3ObjectStore({ send } as unknown as S3Client, 'media');
    const put = (signal = new AbortController().signal) => store.putFile('a/segment.ts', path, 'video/mp2t', signal);
    return { put, bodies };
  }

  test('sends the file again, whole, when S3 had no time for it', async () => {
    const { put, bodies } = bucket(refusal(503), new Error('socket hang up'));
    await put();
    expect(bodies).toEqual(['segment', 'segment', 'segment']);
  });

  test('closes the file when nobody read it: a file that is open keeps its space, also after its folder is gone', async () => {
    const files: ReadStream[] = [];
    const send = async ({ input }: PutObjectCommand): Promise<object> => {
      files.push(input.Body as ReadStream);
      throw files.length < 3 ? new Error('connect ECONNREFUSED') : refusal(403);
    };
    const store = new S3ObjectStore({ send } as unknown as S3Client, 'media');
    await expect(store.putFile('k', path, 'video/mp2t', new AbortController().signal)).rejects.toThrow();
    expect(files.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
  });

  test('takes a refusal as an answer', async () => {
    const { put, bodies } = bucket(refusal(403));
    await expect(put()).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    expect(bodies).toHaveLength(1);
  });

  test('does not go on after an abort', async () => {
    const stop = new AbortController();
    const { put, bodies } = bucket(refusal(503));
    stop.abort(new Error('stopped'));
    await expect(put(stop.signal)).rejects.toBeInstanceOf(S3ServiceException);
    expect(bodies).toHaveLength(1);
  });
});
