import { planLadder } from '../../../video/transcode/ladder';
import fc, { runs } from '../../support/properties';

describe('planLadder', () => {
  test.each([
    [1920, 1080, ['1280x720', '640x360']],
    [3840, 2160, ['1280x720', '640x360']],
    [1280, 720, ['1280x720', '640x360']],
    [854, 480, ['854x480']],
    [640, 360, ['640x360']],
    [320, 240, ['320x240']],
    [1080, 1920, ['720x1280', '360x640']],
    [2560, 1080, ['1280x540', '640x270']],
    [641, 361, ['640x360']],
    [1, 1, ['2x2']],
  ])('a source of %i x %i gives %j', (width, height, expected) => {
    expect(planLadder(width, height).map((rung) => `${rung.width}x${rung.height}`)).toEqual(expected);
  });

  test('never enlarges, keeps the shape, has even sides and a level that holds the picture', () => {
    const side = fc.integer({ min: 16, max: 8192 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const rungs = planLadder(width, height);
        expect(rungs.length).toBeGreaterThan(0);
        for (const rung of rungs) {
          expect(rung.width).toBeLessThanOrEqual(width);
          expect(rung.height).toBeLessThanOrEqual(height);
          expect(rung.width % 2).toBe(0);
          expect(rung.height % 2).toBe(0);
          expect(Math.abs(rung.width - (rung.height * width) / height)).toBeLessThan(2 + (2 * width) / height);
          const macroblocks = Math.ceil(rung.width / 16) * Math.ceil(rung.height / 16);
          // Level 3.0: 1,620 macroblocks a picture; 3.1: 3,600 (H.264, table A-1).
          expect(macroblocks).toBeLessThanOrEqual(rung.level === '3.0' ? 1_620 : 3_600);
        }
        expect(new Set(rungs.map(({ name }) => name)).size).toBe(rungs.length);
      }),
      { numRuns: runs(500) },
    );
  });
});
