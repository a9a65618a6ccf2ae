import { findFfmpeg, type FfmpegSearch } from '../../../video/transcode/find-ffmpeg';

const search = (executables: readonly string[], change: Partial<FfmpegSearch> = {}): FfmpegSearch => ({
  env: { PATH: '/usr/local/bin:/usr/bin' },
  from: ['/opt/worker', '/home/me'],
  isExecutable: (path) => executables.includes(path),
  resolvePackage: (from) => (from === '/home/me' ? '/home/me/node_modules/ffmpeg' : undefined),
  ...change,
});

describe('findFfmpeg', () => {
  test.each([
    ['FFMPEG_PATH', ['/x/ffmpeg', '/opt/worker/bin/ffmpeg'], { FFMPEG_PATH: '/x/ffmpeg' }, '/x/ffmpeg'],
    ['the worker’s own', ['/opt/worker/bin/ffmpeg', '/usr/bin/ffmpeg'], {}, '/opt/worker/bin/ffmpeg'],
    ['the PATH', ['/usr/bin/ffmpeg', '/home/me/node_modules/ffmpeg'], {}, '/usr/bin/ffmpeg'],
    ['the npm package', ['/home/me/node_modules/ffmpeg'], {}, '/home/me/node_modules/ffmpeg'],
  ])('takes it from %s', (_where, executables, env, expected) => {
    const { env: base } = search([]);
    expect(findFfmpeg(search(executables, { env: { ...base, ...env } }))).toBe(expected);
  });

  test('fails with one line that says what to do', () => {
    expect(() => findFfmpeg(search([]))).toThrow(/^No ffmpeg found: set FFMPEG_PATH, .*$/);
    expect(() => findFfmpeg(search([], { env: { FFMPEG_PATH: '/gone' } }))).toThrow("FFMPEG_PATH is '/gone'");
  });
});
