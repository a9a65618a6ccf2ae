import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PermanentError, ReleaseError, silentLogger, type ReceivedMessage } from '../../../messaging';
import { MEDIA_KEYS, sourceKey, videoId, type VideoStatus } from '../../../video/contract';
import type { EncodeResult } from '../../../video/transcode/encode';
import { createHandler } from '../../../video/transcode/handler';
import { MediaError } from '../../../video/transcode/problems';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { VirtualTime } from '../../support/virtual-time';

const IDS = [1, 2, 3].map((n) => videoId(1_700_000_000_000 + n, 'a1b2c3d4e5f6'));
const [A = '', B = '', C = ''] = IDS;
const RESULT: EncodeResult = {
  info: { durationSeconds: 3, width: 640, height: 360, framesPerSecond: 25, hasAudio: true },
  renditions: ['360p'],
  files: [],
};

let scratch: string;
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), 'handler-test-'))));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A handler whose encoder fails as a test says, by the content of the upload, and the statuses of all videos. */
function world(failures: Record<string, Error> = {}) {
  const uploads = new MemoryObjectStore();
  const media = new MemoryObjectStore();
  for (const id of IDS) uploads.put(sourceKey(id), id, 'video/mp4', { name: 'a.mp4' });
  let nonce = 0;
  let encodes = 0;
  const abort = new AbortController();
  const handler = createHandler(
    {
      uploads,
      media,
      ffmpeg: '/no/ffmpeg',
      clock: new VirtualTime(),
      worker: 'worker-1',
      newNonce: () => String(nonce++),
      scratch,
      maxBytes: 1_000,
      maxDurationSeconds: 3_600,
      maxEncodeSeconds: 3_600,
      leaseMs: 20_000,
      encode: async (_context, source) => {
        encodes += 1;
        const failure = failures[readFileSync(source, 'utf8')];
        if (failure instanceof StopNow) abort.abort(failure);
        if (failure) throw failure;
        return RESULT;
      },
    },
    'uploads',
  );
  const records = (bucketOfFirst: string) =>
    IDS.map((id, i) => ({
      eventName: 'ObjectCreated:Post',
      s3: { bucket: { name: i === 0 ? bucketOfFirst : 'uploads' }, object: { key: sourceKey(id) } },
    }));
  const handle = (bucketOfFirst = 'uploads'): Promise<unknown> => {
    const body = JSON.stringify({ Records: records(bucketOfFirst) });
    const message: ReceivedMessage = { messageId: 'm', body, attributes: {}, receiveCount: 1, sentAtMs: 0 };
    const context = { signal: abort.signal, logger: silentLogger, extend: () => undefined };
    return handler(message, context).then(
      () => undefined,
      (error: unknown) => error,
    );
  };
  const states = () => IDS.map((id) => media.json<VideoStatus>(MEDIA_KEYS.status(id))?.state);
  return { handle, states, failures, encodes: () => encodes };
}

class StopNow extends Error {}

describe('createHandler', () => {
  test('does all uploads of a message', async () => {
    const { handle, states } = world();
    expect(await handle()).toBeUndefined();
    expect(states()).toEqual(['ready', 'ready', 'ready']);
  });

  test('one upload that can never become a video does not hide the others, also not when the message comes back', async () => {
    const { handle, states, encodes } = world({ [A]: new MediaError('Unreadable') });
    for (let receive = 1; receive <= 2; receive++) {
      const error = await handle();
      expect(error).toBeInstanceOf(PermanentError);
      expect((error as Error).message).toMatch(/^1 of 3 uploads failed: The file is damaged/);
      expect(states()).toEqual(['failed', 'ready', 'ready']);
    }
    expect(encodes()).toBe(3);
  });

  test('a record of another bucket does not hide the others', async () => {
    const { handle, states } = world();
    expect(await handle('elsewhere')).toMatchObject({
      name: 'PermanentError',
      message: '1 of 3 uploads failed: The S3 event is of another bucket: elsewhere',
    });
    expect(states()).toEqual([undefined, 'ready', 'ready']);
  });

  test('comes back while one may still succeed, and ends with what failed for good', async () => {
    const outage = new Error('S3 cannot be reached');
    const { handle, states, failures, encodes } = world({ [A]: new MediaError('Unreadable'), [B]: outage });
    const first = await handle();
    expect(first).not.toBeInstanceOf(PermanentError);
    expect(first).toMatchObject({ message: expect.stringMatching(/^2 of 3 .*damaged.*; S3 cannot be reached$/) });
    expect((first as { cause: AggregateError }).cause.errors).toEqual([expect.any(MediaError), outage]);
    expect(states()).toEqual(['failed', 'processing', 'ready']);
    delete failures[B];
    expect(await handle()).toBeInstanceOf(PermanentError);
    expect(states()).toEqual(['failed', 'ready', 'ready']);
    expect(encodes()).toBe(4);
  });

  test('is given back without a failure when an upload was', async () => {
    const { handle } = world({ [A]: new MediaError('Unreadable'), [C]: new ReleaseError('the claim is lost') });
    expect(await handle()).toBeInstanceOf(ReleaseError);
  });

  test('stops at once when it is told to', async () => {
    const { handle, states, encodes } = world({ [A]: new MediaError('Unreadable'), [B]: new StopNow('drain') });
    expect(await handle()).toBeInstanceOf(ReleaseError);
    expect(encodes()).toBe(2);
    expect(states()[2]).toBeUndefined();
  });
});
