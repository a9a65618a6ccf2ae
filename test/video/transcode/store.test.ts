import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { S3ObjectStore } from '../../../video/transcode/store';
import { type EdgeHost, startEdgeHost } from '../../local/edge/start-edge-host';

describe('S3ObjectStore, on the local S3', () => {
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

  test('keeps a file as it is, for as long as a client likes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'store-'));
    try {
      const content = randomBytes(300_000);
      writeFileSync(join(folder, 'a'), content);
      const { signal } = new AbortController();
      await store.putFile('a', join(folder, 'a'), 'video/mp2t', signal);
      await store.download('a', join(folder, 'b'), signal);
      expect(readFileSync(join(folder, 'b')).equals(content)).toBe(true);
      expect(await store.head('a')).toMatchObject({ sizeBytes: 300_000, contentType: 'video/mp2t' });
      const { Body, CacheControl } = await edge.s3.send(new GetObjectCommand({ Bucket: 'media', Key: 'a' }));
      await Body?.transformToByteArray();
      expect(CacheControl).toContain('immutable');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
