import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { S3ObjectStore } from '../../../video/transcode/store';

const refusal = (httpStatusCode: number): S3ServiceException =>
  new S3ServiceException({ name: 'Refused', $fault: 'server', $metadata: { httpStatusCode } });

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
