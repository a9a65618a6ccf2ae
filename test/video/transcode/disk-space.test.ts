import { tmpdir } from 'node:os';
import { freeBytes, outputBytes, requireSpace, streamBytes } from '../../../video/transcode/disk-space';
import { planLadder } from '../../../video/transcode/ladder';
import fc from '../../support/properties';

describe('disk space of an encoding', () => {
  test('counts the largest rung twice, and a tenth for containers', () => {
    const [large, small] = planLadder(1920, 1080).map((rung) => rung.maxKbitPerSecond + rung.audioKbitPerSecond);
    expect([large, small]).toEqual([2_928, 896]);
    // 998 seconds and 2 of the encoder's buffer.
    expect(streamBytes(planLadder(1920, 1080), 998)).toBe(Math.ceil((2 * 2_928_000 + 896_000) * 125 * 1.1));
  });

  test('is the most for a large picture, and grows with the length', () => {
    const side = fc.integer({ min: 2, max: 8_000 });
    const seconds = fc.double({ min: 0, max: 14_400, noNaN: true });
    fc.assert(
      fc.property(side, side, seconds, seconds, (width, height, a, b) => {
        const rungs = planLadder(width, height);
        const [short, long] = [Math.min(a, b), Math.max(a, b)];
        expect(outputBytes(rungs, short)).toBeLessThanOrEqual(outputBytes(rungs, long));
        expect(outputBytes(rungs, long)).toBeLessThanOrEqual(outputBytes(planLadder(7_680, 4_320), long));
      }),
    );
  });

  test('refuses with both numbers what a byte is missing for', async () => {
    await requireSpace('/scratch', 12_900_000_000, async () => 12_900_000_000);
    await expect(requireSpace('/scratch', 12_900_000_001, async () => 9_100_000_000)).rejects.toThrow(
      'The disk is too small for this video: it needs 12.9 GB, 9.1 GB are free',
    );
    await expect(requireSpace('/scratch', 1_000, async () => 999)).rejects.toThrow();
  });

  test('asks the file system of the folder', async () => {
    expect(await freeBytes(tmpdir())).toBeGreaterThan(0);
    await expect(freeBytes('/no/such/folder')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
