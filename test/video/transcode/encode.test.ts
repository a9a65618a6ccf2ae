import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../messaging';
import { encode, type EncodeResult } from '../../../video/transcode/encode';
import { findFfmpeg } from '../../../video/transcode/find-ffmpeg';
import { runFfmpeg } from '../../../video/transcode/run-ffmpeg';

/** With the real ffmpeg of this machine: on a bare one that is the 2018 build of the npm package. */
const ffmpeg = findFfmpeg();

describe('encode', () => {
  let folder: string;
  const at = (file: string): string => join(folder, file);
  const draw = (file: string, ...args: string[]): void => {
    const { status, stderr } = spawnSync(ffmpeg, ['-loglevel', 'error', '-y', ...args, at(file)]);
    if (status !== 0) throw new Error(stderr.toString());
  };
  const run = (file: string, signal = new AbortController().signal): Promise<EncodeResult> => {
    const context = { ffmpeg, clock: systemClock, signal, maxDurationSeconds: 3600, onProgress: () => {} };
    return encode(context, at(file), folder);
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

  test('an abort ends ffmpeg and rejects with its reason', async () => {
    const stop = new AbortController();
    const args = ['-f', 'lavfi', '-i', 'testsrc=s=640x360:r=25', '-progress', 'pipe:1', '-f', 'null', '-'];
    const reason = new Error('drain');
    const onProgress = (): void => stop.abort(reason);
    const running = runFfmpeg({ ffmpeg, args, signal: stop.signal, clock: systemClock, stallMs: 20_000, onProgress });
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
