import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PermanentError, systemClock } from '../../../messaging';
import { outputBytes, streamBytes } from '../../../video/transcode/disk-space';
import { encode, encodeArguments, type EncodeContext, type EncodeResult } from '../../../video/transcode/encode';
import { findFfmpeg } from '../../../video/transcode/find-ffmpeg';
import { planLadder } from '../../../video/transcode/ladder';
import { runFfmpeg } from '../../../video/transcode/run-ffmpeg';
import { VirtualTime } from '../../support/virtual-time';

// Encoders on a busy machine.
jest.setTimeout(60_000);

/** With the real ffmpeg of this machine: on a bare one that is the 2018 build of the npm package. */
const ffmpeg = findFfmpeg();

describe('encode', () => {
  let folder: string;
  const at = (file: string): string => join(folder, file);
  const draw = (file: string, ...args: string[]): void => {
    const { status, stderr } = spawnSync(ffmpeg, ['-loglevel', 'error', '-y', ...args, at(file)]);
    if (status !== 0) throw new Error(stderr.toString());
  };
  const run = (file: string, change: Partial<EncodeContext> = {}): Promise<EncodeResult> => {
    const { signal } = new AbortController();
    const limits = { maxDurationSeconds: 3600, maxEncodeSeconds: 3600 };
    return encode({ ffmpeg, clock: systemClock, signal, ...limits, onProgress: () => {}, ...change }, at(file), folder);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'encode-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const picture = ['-f', 'lavfi', '-i', 'testsrc=s=160x90:r=10'];
  const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440'];
  const mp4 = ['-t', '1', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];

  test('makes HLS, MP4 and poster, and lists the master playlist last', async () => {
    draw('in.mp4', ...picture, ...sound, ...mp4);
    const { files, renditions, info } = await run('in.mp4');
    expect(renditions).toEqual(['90p']);
    expect(info).toMatchObject({ width: 160, height: 90, hasAudio: true });
    expect(files.map(({ name }) => name)).toEqual([
      '90p/00000.ts',
      '90p/index.m3u8',
      'poster.jpg',
      'play.mp4',
      'master.m3u8',
    ]);
    for (const { name } of files) expect(existsSync(at(name))).toBe(true);
    expect(readFileSync(at('90p/index.m3u8'), 'utf8')).toContain('#EXT-X-ENDLIST');
    // Fast start: the index comes before the pictures.
    const whole = readFileSync(at('play.mp4'));
    expect(whole.indexOf('moov')).toBeLessThan(whole.indexOf('mdat'));
  });

  test('takes a video without sound', async () => {
    draw('in.mp4', ...picture, ...mp4);
    expect((await run('in.mp4')).info.hasAudio).toBe(false);
  });

  test('noise, which no encoder makes small, stays within what is reckoned for the disk', async () => {
    const noise = ['-f', 'lavfi', '-i', 'color=gray:s=320x180:r=30,noise=alls=100:allf=t'];
    draw('in.mp4', ...noise, '-f', 'lavfi', '-i', 'anoisesrc', '-t', '6', '-c:v', 'mpeg4', '-q:v', '3', '-c:a', 'aac');
    const { info, files } = await run('in.mp4');
    const bytes = files.reduce((sum, { name }) => sum + statSync(at(name)).size, 0);
    const reckoned = streamBytes(planLadder(info.width, info.height), info.durationSeconds);
    expect(bytes).toBeLessThan(reckoned);
    // Else this would say nothing.
    expect(bytes).toBeGreaterThan(reckoned / 2);
  });

  test('does not begin what the disk has no room for, and has no verdict on the file', async () => {
    draw('in.mp4', ...picture, ...mp4);
    const progress: number[] = [];
    const needed = outputBytes(planLadder(160, 90), 1);
    const attempt = (free: number) =>
      run('in.mp4', { freeBytes: async () => free, onProgress: (p) => progress.push(p) });
    const error = await attempt(needed - 1).catch((reason: unknown) => reason);
    expect(error).not.toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ message: expect.stringContaining('The disk is too small') as string });
    expect([progress, existsSync(at('play.mp4'))]).toEqual([[], false]);
    await attempt(needed);
  });

  test('a second run writes the same bytes', async () => {
    draw('in.mp4', ...picture, ...sound, ...mp4);
    const bytes = async (): Promise<Buffer[]> => (await run('in.mp4')).files.map(({ name }) => readFileSync(at(name)));
    expect(await bytes()).toEqual(await bytes());
  });

  test.each([
    ['Unreadable', 'cut off before its index', (whole: Buffer) => whole.subarray(0, Math.floor(whole.length * 0.6))],
    ['NotAVideo', 'a text', () => Buffer.from('only text, whatever the name')],
    ['NotAVideo', 'a playlist that names a file', () => Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n')],
  ])('fails with %s on %s', async (code, _what, damage) => {
    draw('in.mp4', ...picture, ...mp4);
    writeFileSync(at('in.mp4'), damage(readFileSync(at('in.mp4'))));
    await expect(run('in.mp4')).rejects.toMatchObject({ code });
  });

  test('fails with Truncated when the index comes first and the end is missing', async () => {
    draw('in.mp4', ...picture, ...mp4, '-t', '4', '-movflags', '+faststart');
    const whole = readFileSync(at('in.mp4'));
    writeFileSync(at('in.mp4'), whole.subarray(0, Math.floor(whole.length * 0.5)));
    await expect(run('in.mp4')).rejects.toMatchObject({ code: 'Truncated' });
  });

  test('fails with NoPicture on sound alone, and with TooLong on a forged header', async () => {
    draw('sound.mp4', ...sound, '-t', '1', '-c:a', 'aac');
    await expect(run('sound.mp4')).rejects.toMatchObject({ code: 'NoPicture' });
    draw('in.mp4', ...picture, ...mp4);
    writeFileSync(at('in.mp4'), withDuration(readFileSync(at('in.mp4')), 36_000));
    await expect(run('in.mp4')).rejects.toMatchObject({ code: 'TooLong' });
  });

  test('takes a stream without a duration, and fails with TooLong where it goes on', async () => {
    draw('live.mkv', ...picture, ...mp4, '-t', '3', '-f', 'matroska', '-live', '1');
    expect((await run('live.mkv', { maxDurationSeconds: 5 })).info.durationSeconds).toBeCloseTo(3, 0);
    await expect(run('live.mkv', { maxDurationSeconds: 1 })).rejects.toMatchObject({
      code: 'TooLong',
      message: 'The video is too long (at most 1 second)',
    });
    // What came after the limit was not encoded.
    const { stderr } = spawnSync(ffmpeg, ['-i', at('play.mp4')]);
    expect(stderr.toString()).toContain('Duration: 00:00:02.0');
  });

  test('fails with TooManyPixels before it decodes a picture that fills the memory', async () => {
    draw('in.mkv', '-f', 'lavfi', '-i', 'color=s=16000x2400:r=1', '-frames:v', '1', '-c:v', 'mjpeg');
    await expect(run('in.mkv')).rejects.toMatchObject({
      code: 'TooManyPixels',
      message: 'The picture is too large (16000x2400, at most 7680x4320)',
    });
  });

  test('fails with TooSlow when the time is up, however busy ffmpeg is', async () => {
    draw('in.mp4', ...picture, ...mp4, '-t', '60');
    const clock = new VirtualTime();
    let killed = 0;
    const onProgress = (): void => {
      if (killed++ === 0) void clock.advance(10_000);
    };
    await expect(run('in.mp4', { clock, maxEncodeSeconds: 10, onProgress })).rejects.toMatchObject({
      code: 'TooSlow',
      message: 'The video takes too long to encode (stopped after 10 seconds)',
    });
    expect(clock.timers).toBe(0);
  });

  test.each([
    [25, false],
    [60, true],
    [undefined, true],
  ])('at %p pictures a second the rate is bounded: %p', (framesPerSecond, bounded) => {
    const info = { durationSeconds: undefined, width: 160, height: 90, framesPerSecond, hasAudio: false };
    expect(encodeArguments([], info, planLadder(160, 90), folder).join(' ').includes('fps=30,')).toBe(bounded);
  });

  test('an abort ends ffmpeg and rejects with its reason', async () => {
    const stop = new AbortController();
    const args = ['-f', 'lavfi', '-i', 'testsrc=s=640x360:r=25', '-progress', 'pipe:1', '-f', 'null', '-'];
    const reason = new Error('drain');
    const onProgress = (): void => stop.abort(reason);
    const running = runFfmpeg({
      ffmpeg,
      args,
      signal: stop.signal,
      clock: systemClock,
      stallMs: 20_000,
      limitMs: 20_000,
      onProgress,
    });
    await expect(running).rejects.toBe(reason);
  });
});

/** Writes another duration into every header of an MP4 that holds one (version 0: time scale and duration, 32 bits). */
function withDuration(content: Buffer, seconds: number): Buffer {
  const changed = Buffer.from(content);
  for (const box of ['mvhd', 'mdhd']) {
    const start = changed.indexOf(box) + 4;
    changed.writeUInt32BE(seconds * changed.readUInt32BE(start + 12), start + 16);
  }
  const track = changed.indexOf('tkhd') + 4;
  changed.writeUInt32BE(seconds * 1000, track + 20);
  const edit = changed.indexOf('elst') + 4;
  if (edit > 4) changed.writeUInt32BE(seconds * 1000, edit + 8);
  return changed;
}
