/** One rendition of a video. */
export interface Rung {
  /** Folder of its files: the short side and `p`. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly maxKbitPerSecond: number;
  readonly audioKbitPerSecond: number;
  /** H.264 level for the encoder, and what HLS calls the combination of profile and level (RFC 6381). */
  readonly level: string;
  readonly videoCodec: string;
}

/** The pictures of the ladder, largest first. */
const BOXES = [
  { shortSide: 720, longSide: 1280 },
  { shortSide: 360, longSide: 640 },
];

/** Rates, H.264 level and codec name (main profile with constraint_set1 is `4d40`, then the level in hexadecimal). */
const LARGE = { maxKbitPerSecond: 2_800, audioKbitPerSecond: 128, level: '3.1', videoCodec: 'avc1.4d401f' };
const SMALL = { maxKbitPerSecond: 800, audioKbitPerSecond: 96, level: '3.0', videoCodec: 'avc1.4d401e' };

/** Largest picture of level 3.0 at 30 pictures per second: 40,500 macroblocks of 256 pixels a second. */
const SMALL_PIXELS = (40_500 * 256) / 30;

/** Pictures per second above which the rate is lowered to it: the levels above hold for 30. */
export const MAX_FRAMES_PER_SECOND = 30;

/** A lower rung must be smaller than the one above by this factor to be worth its storage. */
const STEP = 1.4;

/**
 * The renditions for a picture of this size, largest first; at least one, none larger than the source.
 *
 * A 1920 x 1080 source gives 1280 x 720 and 640 x 360; 640 x 360 gives only itself; 854 x 480 gives only itself too,
 * since 360p would be 1.33 times smaller.
 */
export function planLadder(width: number, height: number): readonly Rung[] {
  const rungs: Rung[] = [];
  for (const box of BOXES) {
    const scale = Math.min(1, box.shortSide / Math.min(width, height), box.longSide / Math.max(width, height));
    const rung = { width: even(width * scale), height: even(height * scale) };
    const above = rungs.at(-1);
    if (above !== undefined && Math.min(above.width, above.height) < STEP * Math.min(rung.width, rung.height)) continue;
    // Named by the picture: a source that is smaller than every box keeps its own size.
    const name = `${Math.min(rung.width, rung.height)}p`;
    rungs.push({ name, ...rung, ...(rung.width * rung.height > SMALL_PIXELS ? LARGE : SMALL) });
  }
  return rungs;
}

/** H.264 with 4:2:0 colour needs even sides; rounded down so as not to enlarge, at least 2. */
function even(pixels: number): number {
  // 719.9999 of a floating point product is 720.
  return Math.max(2, Math.floor(Math.round(pixels * 1000) / 1000 / 2) * 2);
}
