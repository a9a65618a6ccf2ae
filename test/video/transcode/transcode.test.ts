import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PermanentError, ReleaseError, silentLogger } from '../../../messaging';
import { encodeName, MEDIA_KEYS, sourceKey, videoId, type VideoStatus } from '../../../video/contract';
import type { ClaimRecord } from '../../../video/transcode/claim';
import type { EncodeContext, EncodeResult } from '../../../video/transcode/encode';
import { MediaError } from '../../../video/transcode/problems';
import { transcode, type TranscodeContext, type TranscodeRequest } from '../../../video/transcode/transcode';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { settle, VirtualTime } from '../../support/virtual-time';

const ID = videoId(1_700_000_000_000, 'a1b2c3d4e5f6');
const UPLOAD = { id: ID, key: sourceKey(ID) };
const LEASE_MS = 20_000;
const RESULT: EncodeResult = {
  info: { durationSeconds: 3, width: 640, height: 360, framesPerSecond: 25, hasAudio: true },
  renditions: ['360p'],
  files: [
    { name: '00000.ts', contentType: 'video/mp2t' },
    { name: 'poster.jpg', contentType: 'image/jpeg' },
    { name: 'master.m3u8', contentType: 'application/vnd.apple.mpegurl' },
  ],
};

let scratch: string;
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), 'transcode-test-'))));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
afterEach(() => expect(readdirSync(scratch)).toEqual([]));

/** Two buckets, a clock, and an encoder that does what a test tells it. */
function world() {
  const uploads = new MemoryObjectStore();
  const media = new MemoryObjectStore();
  const clock = new VirtualTime();
  let encodes = 0;
  let gate: Promise<void> = Promise.resolve();
  let failure: Error | undefined;
  let freeBytes = Infinity;
  uploads.put(UPLOAD.key, 'content', 'video/mp4', { name: encodeName('Ferien + 🎬.mp4') });
  let progress = (_percent: number): void => {};
  const encode = async (context: EncodeContext, _source: string, folder: string): Promise<EncodeResult> => {
    encodes += 1;
    progress = context.onProgress;
    progress(40);
    await Promise.race([
      gate,
      new Promise((_, reject) =>
        context.signal.addEventListener('abort', () => reject(context.signal.reason as Error)),
      ),
    ]);
    if (failure) throw failure;
    for (const { name } of RESULT.files) writeFileSync(join(folder, name), name);
    return RESULT;
  };
  let nonce = 0;
  const context = (worker: string, folder: string): TranscodeContext => ({
    uploads,
    media,
    ffmpeg: '/no/ffmpeg',
    clock,
    worker,
    newNonce: () => String(nonce++),
    scratch: folder,
    maxBytes: 1_000,
    maxDurationSeconds: 3600,
    maxEncodeSeconds: 3600,
    leaseMs: LEASE_MS,
    encode,
    freeBytes: async () => freeBytes,
  });
  const run = (messageId: string, options: Partial<TranscodeRequest> & { worker?: string; scratch?: string } = {}) =>
    transcode(context(options.worker ?? 'worker-1', options.scratch ?? scratch), {
      upload: UPLOAD,
      messageId,
      redriven: false,
      signal: new AbortController().signal,
      logger: silentLogger,
      ...options,
    });
  /** Waits until `count` encodes have begun; what comes before touches real files, so turns of the loop cannot be counted. */
  const encoding = async (count = 1): Promise<void> => {
    while (encodes < count) await settle();
    await settle();
  };
  return {
    uploads,
    media,
    clock,
    run,
    encoding,
    status: () => media.json<VideoStatus>(MEDIA_KEYS.status(ID)),
    claim: (generation: number) => media.json<ClaimRecord>(MEDIA_KEYS.claim(ID, generation)),
    encodes: () => encodes,
    progress: (percent: number) => progress(percent),
    holdEncoder: (): (() => void) => {
      let open = (): void => {};
      gate = new Promise((resolve) => (open = resolve));
      return open;
    },
    freeUp: (bytes: number) => (freeBytes = bytes),
    failWith: (error: Error | undefined) => (failure = error),
  };
}

describe('transcode', () => {
  test('publishes the files, the master playlist after them and the status last', async () => {
    const { run, media, status } = world();
    expect(await run('m1')).toBe('encoded');
    const published = media.writes.filter((key) => !key.includes('/claims/'));
    expect(published.slice(-2)).toEqual([MEDIA_KEYS.master(ID), MEDIA_KEYS.status(ID)]);
    expect(status()).toMatchObject({
      state: 'ready',
      name: 'Ferien + 🎬.mp4',
      progressPercent: 100,
      renditions: ['360p'],
      encodes: 1,
      durationSeconds: 3,
    });
  });

  test('takes an upload in parts of the size that was declared', async () => {
    const { run, uploads } = world();
    uploads.put(UPLOAD.key, '12345', 'video/mp4', { name: 'a.mp4', size: '5' });
    expect(await run('m1')).toBe('encoded');
  });

  test('every event twice: encoded once, one after the other and at the same time', async () => {
    const { run, encodes, encoding, holdEncoder } = world();
    const open = holdEncoder();
    const both = [run('m1', { worker: 'a' }), run('m2', { worker: 'b' })];
    await encoding();
    open();
    expect((await Promise.all(both)).sort()).toEqual(['duplicate', 'encoded']);
    expect(await run('m3')).toBe('duplicate');
    expect(encodes()).toBe(1);
  });

  test('takes over when the claim of a dead worker has run out', async () => {
    const { run, media, clock, encodes, claim, status } = world();
    const dead: ClaimRecord = {
      owner: 'dead',
      messageId: 'm1',
      leaseUntilMs: clock.wallClock() + 5_000,
      startedAtMs: 0,
    };
    media.put(MEDIA_KEYS.claim(ID, 1), JSON.stringify(dead));
    const next = run('m1');
    await clock.advance(4_900);
    expect(encodes()).toBe(0);
    await clock.advance(1_100);
    expect(await next).toBe('encoded');
    expect(status()).toMatchObject({ state: 'ready', encodes: 2 });
    expect(claim(2)).toMatchObject({ outcome: 'ready' });
  });

  test('stops when another worker has taken over', async () => {
    const { run, media, clock, encoding, holdEncoder } = world();
    holdEncoder();
    const running = expect(run('m1')).rejects.toBeInstanceOf(ReleaseError);
    await encoding();
    const other: ClaimRecord = { owner: 'other', messageId: 'm1', leaseUntilMs: Infinity, startedAtMs: 0 };
    media.put(MEDIA_KEYS.claim(ID, 2), JSON.stringify(other));
    await clock.advance(LEASE_MS / 3);
    await running;
  });

  test.each(['ready', 'processing', 'failed'] as const)(
    'a worker that was frozen writes nothing over the %s of a later claim',
    async (state) => {
      const { run, media, encoding, holdEncoder, status } = world();
      const thaw = holdEncoder();
      const frozen = run('m1').catch((error: unknown) => error);
      await encoding();
      const later = { id: ID, name: 'clip', state, encodes: 2, worker: 'other', progressPercent: 7 };
      media.put(MEDIA_KEYS.status(ID), JSON.stringify(later));
      thaw();
      const outcome = await frozen;
      if (state === 'ready') expect(outcome).toBe('duplicate');
      else expect(outcome).toBeInstanceOf(ReleaseError);
      expect(status()).toEqual(later);
    },
  );

  test('stops as soon as a progress document finds a later claim', async () => {
    const { run, media, clock, encoding, holdEncoder, progress } = world();
    holdEncoder();
    const running = expect(run('m1')).rejects.toBeInstanceOf(ReleaseError);
    await encoding();
    media.put(MEDIA_KEYS.status(ID), JSON.stringify({ id: ID, state: 'processing', encodes: 2, worker: 'other' }));
    await clock.advance(2_000);
    progress(60);
    await running;
  });

  test('knows its own document when the answer to its write was lost', async () => {
    const { run, media, status } = world();
    media.beforeWrite = (key) => (media.loseNextAnswer = key === MEDIA_KEYS.status(ID));
    expect(await run('m1')).toBe('encoded');
    expect(status()).toMatchObject({ state: 'ready', encodes: 1 });
  });

  test('hands its claim back after a renewal that is under way, not before', async () => {
    const { run, media, clock, claim, encoding, holdEncoder } = world();
    holdEncoder();
    const stop = new AbortController();
    const running = expect(run('m1', { signal: stop.signal })).rejects.toBeInstanceOf(ReleaseError);
    await encoding();
    let land = (): void => {};
    const slow = new Promise<void>((resolve) => (land = resolve));
    let renewals = 0;
    media.hold = async (key) => {
      if (key === MEDIA_KEYS.claim(ID, 1) && ++renewals === 1) await slow;
    };
    await clock.advance(LEASE_MS / 3);
    stop.abort(new Error('drain'));
    await settle();
    land();
    await running;
    expect(renewals).toBe(2);
    expect(claim(1)?.leaseUntilMs).toBeLessThanOrEqual(clock.wallClock());
  });

  test('stops when it could not renew its claim for a whole lease', async () => {
    const { run, media, clock, encoding, holdEncoder } = world();
    holdEncoder();
    const running = expect(run('m1')).rejects.toMatchObject({
      name: 'ReleaseError',
      cause: { message: 'The claim could not be renewed for 20 seconds' },
    });
    await encoding();
    media.beforeWrite = (key) => {
      if (key.includes('/claims/')) throw new Error('S3 does not answer');
    };
    await clock.advance(LEASE_MS);
    await running;
    expect(clock.timers).toBe(0);
  });

  test('tries a failed renewal again before the lease is over', async () => {
    const { run, media, clock, claim, encoding, holdEncoder } = world();
    const open = holdEncoder();
    const running = run('m1');
    await encoding();
    let tries = 0;
    media.beforeWrite = (key) => {
      if (key.includes('/claims/') && tries++ % 8 !== 7) throw new Error('S3 does not answer');
    };
    await clock.advance(5 * LEASE_MS);
    expect(claim(1)?.leaseUntilMs).toBeGreaterThan(clock.wallClock());
    open();
    expect(await running).toBe('encoded');
  });

  test('on shutdown gives the message and the claim back at once', async () => {
    const { run, clock, claim, encoding, holdEncoder } = world();
    holdEncoder();
    const stop = new AbortController();
    const running = expect(run('m1', { signal: stop.signal })).rejects.toBeInstanceOf(ReleaseError);
    await encoding();
    stop.abort(new Error('drain'));
    await running;
    expect(claim(1)?.leaseUntilMs).toBeLessThanOrEqual(clock.wallClock());
    expect(clock.timers).toBe(0);
  });

  test('renews its claim while it works', async () => {
    const { run, clock, claim, encoding, holdEncoder } = world();
    const open = holdEncoder();
    const running = run('m1');
    await encoding();
    await clock.advance(5 * LEASE_MS);
    expect(claim(1)?.leaseUntilMs).toBeGreaterThan(clock.wallClock());
    open();
    expect(await running).toBe('encoded');
  });

  test.each([
    ['Empty', '', 'video/mp4'],
    ['TooLarge', 'x'.repeat(1_001), 'video/mp4'],
    ['TypeNotAllowed', 'text', 'text/plain'],
    ['SizeDiffers', 'more than five bytes', 'video/mp4', { size: '5' }],
  ])(
    'fails for good with %s before anything is encoded',
    async (code, content, type, metadata: Record<string, string> = {}) => {
      const { run, uploads, encodes, status } = world();
      uploads.put(UPLOAD.key, content, type, { name: 'a.mp4', ...metadata });
      await expect(run('m1')).rejects.toBeInstanceOf(PermanentError);
      expect(status()).toMatchObject({ state: 'failed', code });
      expect(encodes()).toBe(0);
    },
  );

  test('fails for good when the upload is gone', async () => {
    const { run, uploads, status } = world();
    uploads.objects.clear();
    await expect(run('m1')).rejects.toMatchObject({ code: 'SourceMissing' });
    expect(status()?.state).toBe('failed');
  });

  test('a broken file is refused by its own message each time, and its duplicate is dropped', async () => {
    const { run, failWith, status, encodes } = world();
    failWith(new MediaError('Truncated', '1 of 3 seconds'));
    await expect(run('m1')).rejects.toBeInstanceOf(MediaError);
    expect(status()).toMatchObject({
      state: 'failed',
      code: 'Truncated',
      reason: expect.stringContaining('1 of 3') as string,
    });
    expect(await run('m2')).toBe('duplicate');
    // The worker may be lost between the status and the quarantine: the message must still get there.
    await expect(run('m1')).rejects.toBeInstanceOf(PermanentError);
    expect(encodes()).toBe(1);
  });

  test('a redriven message tries a failed video again', async () => {
    const { run, failWith, status, encodes } = world();
    failWith(new MediaError('Undecodable'));
    await expect(run('m1')).rejects.toBeInstanceOf(MediaError);
    failWith(undefined);
    expect(await run('m9', { redriven: true })).toBe('encoded');
    expect(status()).toMatchObject({ state: 'ready', encodes: 2 });
    expect(status()?.reason).toBeUndefined();
    expect(encodes()).toBe(2);
  });

  test('trouble of the machine is no fault of the file: retried, with no verdict', async () => {
    const { run, failWith, status } = world();
    failWith(new Error('No space left on device'));
    const failed = await run('m1').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Error);
    expect(failed).not.toBeInstanceOf(PermanentError);
    expect(status()?.state).toBe('processing');
    failWith(undefined);
    expect(await run('m1')).toBe('encoded');
  });

  test('downloads nothing that has no room on the disk, and gives the claim back', async () => {
    const { run, status, encodes, freeUp, uploads } = world();
    const download = jest.spyOn(uploads, 'download');
    freeUp('content'.length - 1);
    await expect(run('m1')).rejects.toThrow('The disk is too small for this video');
    expect([download.mock.calls.length, encodes(), status()?.state]).toEqual([0, 0, 'processing']);
    freeUp('content'.length);
    expect(await run('m1')).toBe('encoded');
  });

  test('gives the claim back when there is no place for temporary files', async () => {
    const { run, clock, claim, status } = world();
    await expect(run('m1', { scratch: join(scratch, 'not-there') })).rejects.toMatchObject({ code: 'ENOENT' });
    expect(claim(1)?.leaseUntilMs).toBeLessThanOrEqual(clock.wallClock());
    expect(status()).toBeUndefined();
    expect(clock.timers).toBe(0);
  });

  test('finds a video that became ready between its look and its claim', async () => {
    const { run, media, clock, encodes } = world();
    const dead: ClaimRecord = { owner: 'slow', messageId: 'm0', leaseUntilMs: clock.wallClock() - 1, startedAtMs: 0 };
    media.put(MEDIA_KEYS.claim(ID, 1), JSON.stringify(dead));
    media.beforeWrite = (key) => {
      if (key !== MEDIA_KEYS.claim(ID, 2)) return;
      media.put(MEDIA_KEYS.status(ID), JSON.stringify({ id: ID, state: 'ready' }));
    };
    expect(await run('m1')).toBe('duplicate');
    expect(encodes()).toBe(0);
  });

  test.each([
    ['m0', 'carries the failure on'],
    ['m1', 'is a duplicate'],
  ])('finds a video that failed between its look and its claim: %s %s', async (messageId, fate) => {
    const { run, media, clock, encodes } = world();
    const slow: ClaimRecord = { owner: 'slow', messageId: 'm0', leaseUntilMs: clock.wallClock() - 1, startedAtMs: 0 };
    media.put(MEDIA_KEYS.claim(ID, 1), JSON.stringify(slow));
    media.beforeWrite = (key) => {
      if (key !== MEDIA_KEYS.claim(ID, 2) || media.objects.has(key)) return;
      media.put(MEDIA_KEYS.status(ID), JSON.stringify({ id: ID, state: 'failed', reason: 'broken', encodes: 1 }));
    };
    const carried = expect.objectContaining({ name: 'PermanentError', message: 'broken' }) as unknown;
    const outcome = run(messageId).catch((error: unknown) => error);
    expect(await outcome).toEqual(fate === 'is a duplicate' ? 'duplicate' : carried);
    // The message that failed still brings it to the dead-letter queue, and no other one.
    expect(await run('m0').catch((error: unknown) => error)).toEqual(carried);
    expect(await run('m2')).toBe('duplicate');
    expect(encodes()).toBe(0);
  });
});
