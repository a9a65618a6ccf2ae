import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { lambdaBundle } from '../../video/bundle';
import { PART_BYTES, POST_MAX_BYTES, UPLOAD_MAX_BYTES } from '../../video/contract';
import { outputBytes } from '../../video/transcode/disk-space';
import { MAX_DURATION_SECONDS } from '../../video/transcode/handler';
import { planLadder } from '../../video/transcode/ladder';

const ROOT = resolve(__dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/video-example.md'), 'utf8').replace(/\s+/g, ' ');
const numberIn = (phrase: RegExp): number => Number(phrase.exec(PAGE)?.[1]);

describe('docs/video-example.md', () => {
  test('says where the multipart upload begins', () => {
    expect(numberIn(/above (\d+) MB, opens/)).toBe(POST_MAX_BYTES / 1e6);
    expect(numberIn(/of (\d+) MiB parts/)).toBe(PART_BYTES / 2 ** 20);
  });

  test('quotes the numbers of the sources', () => {
    const source = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
    const inSource = (file: string, constant: RegExp): number => Number(constant.exec(source(file))?.[1]);
    expect(numberIn(/a lease of (\d+) seconds/)).toBe(
      inSource('video/transcode/handler.ts', /CLAIM_LEASE_SECONDS = (\d+)/),
    );
    expect(numberIn(/throttling \((\d+) requests a second\)/)).toBe(
      inSource('video/upload-api.ts', /THROTTLE = \{ rateLimit: (\d+)/),
    );
    expect(numberIn(/A file of more than (\d+) MiB goes in parts/)).toBe(
      inSource('video/transcode/put-file.ts', /PART_BYTES = (\d+) \* 1024 \*\* 2/),
    );
    expect(numberIn(/most instances, default (\d+)/)).toBe(
      inSource('video/video-upload-stack.ts', /props\.maxCapacity \?\? (\d+)/),
    );
  });

  test('says what bounds the disk of a worker', () => {
    expect(numberIn(/an upload has at most (\d+) GB/)).toBe(UPLOAD_MAX_BYTES / 1e9);
    expect(numberIn(/a video (\d+) hours, and its rates/)).toBe(MAX_DURATION_SECONDS / 3600);
    const rungs = planLadder(1920, 1080);
    const rates = /\(([\d.]+) and ([\d.]+) Mbit\/s of pictures, (\d+) and (\d+) kbit\/s of sound\)/
      .exec(PAGE)
      ?.slice(1);
    expect(rates?.map(Number)).toEqual([
      ...rungs.map(({ maxKbitPerSecond }) => maxKbitPerSecond / 1000),
      ...rungs.map(({ audioKbitPerSecond }) => audioKbitPerSecond),
    ]);
    const gigabytes = outputBytes(rungs, MAX_DURATION_SECONDS) / 1e9;
    expect(numberIn(/at most ([\d.]+) GB beside the upload/)).toBe(Math.ceil(gigabytes * 10) / 10);
  });

  test('says how large the upload function is, within 5 %', () => {
    const folder = mkdtempSync(join(tmpdir(), 'queue-fleet-function-'));
    try {
      lambdaBundle(join(ROOT, 'lambda/uploads.ts')).local?.tryBundle(folder, lambdaBundle(''));
      const kilobytes = gzipSync(readFileSync(join(folder, 'index.mjs'))).length / 1000;
      expect(Math.abs(numberIn(/one bundled file of (\d+) kB compressed/) / kilobytes - 1)).toBeLessThan(0.05);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 30_000);
});
