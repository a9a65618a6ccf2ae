import { parseProbe } from '../../../video/transcode/probe';

const probe = (...lines: string[]): string =>
  [
    "Input #0, mov,mp4,m4a,3gp,3g2,mj2, from '/tmp/x/source':",
    ...lines,
    'At least one output file must be specified',
  ].join('\n');
const VIDEO = '    Stream #0:0(und): Video: h264 (Main) (avc1 / 0x31637661), yuv420p';

describe('parseProbe', () => {
  test('reads duration, size, rate and sound as ffmpeg 5 writes them', () => {
    const text = probe(
      '  Duration: 00:01:03.52, start: 0.000000, bitrate: 1205 kb/s',
      '  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive), 1280x720 [SAR 1:1 DAR 16:9], 980 kb/s, 29.97 fps, 29.97 tbr, 30k tbn (default)',
      '  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, stereo, fltp, 128 kb/s (default)',
    );
    expect(parseProbe(text)).toEqual({
      durationSeconds: 63.52,
      width: 1280,
      height: 720,
      framesPerSecond: 29.97,
      hasAudio: true,
    });
  });

  test.each([
    ['the 2018 build', '      rotate          : 90'],
    ['ffmpeg 5', '      displaymatrix: rotation of -90.00 degrees'],
  ])('turns the picture where the file says so (%s)', (_build, line) => {
    const { width, height } = parseProbe(probe(`${VIDEO}, 1920x1080, 30 fps`, line));
    expect([width, height]).toEqual([1080, 1920]);
  });

  test('widens pixels that are not square', () => {
    expect(parseProbe(probe(`${VIDEO}, 720x576 [SAR 64:45 DAR 16:9], 25 fps`)).width).toBe(1024);
  });

  test('a duration that is not known stays unknown', () => {
    const text = probe('  Duration: N/A, bitrate: N/A', `${VIDEO}, 640x360, 1k fps`);
    expect(parseProbe(text)).toMatchObject({ durationSeconds: undefined, framesPerSecond: 1000, hasAudio: false });
  });

  test('a 10-hour header is read as such', () => {
    expect(parseProbe(probe('  Duration: 10:00:00.00,', `${VIDEO}, 640x360`)).durationSeconds).toBe(36_000);
  });

  test.each([
    ['Unreadable', '[mov @ 0x1] moov atom not found\n/tmp/video-1/source: Invalid data found when processing input'],
    ['NoPicture', probe('  Stream #0:0: Audio: mp3, 44100 Hz')],
    ['NoPicture', probe('  Stream #0:0: Audio: mp3', '  Stream #0:1: Video: mjpeg, yuvj420p, 300x300 (attached pic)')],
    ['Unreadable', probe('  Stream #0:0: Video: h264, none, 25 fps')],
  ])('fails with %s when ffmpeg says %#', (code, text) => {
    expect(() => parseProbe(text)).toThrow(expect.objectContaining({ code }));
  });

  test('the reason keeps no path of the machine', () => {
    expect(() => parseProbe('/tmp/video-1/source: Invalid data found')).toThrow(/\(Invalid data found\)/);
  });
});
