import { statfs } from 'node:fs/promises';
import type { Rung } from './ladder';

/** What containers add: MPEG-TS 3 to 5 % at full rate, MP4 less than one. */
const WRAPPED = 1.1;

/** The rate holds on average over the encoder's buffer, twice the rate: so much may come before. */
const BUFFER_SECONDS = 2;

/** Playlists, poster, and ends of blocks of the file system, bytes: 3,600 segments for four hours. */
const REST_BYTES = 64 * 1024 ** 2;

/** Most bytes of the streams of a video of this length: every rung as HLS, the largest also as MP4. */
export function streamBytes(rungs: readonly Rung[], durationSeconds: number): number {
  const kbitPerSecond = [...rungs, ...rungs.slice(0, 1)].reduce(
    (sum, { maxKbitPerSecond, audioKbitPerSecond }) => sum + maxKbitPerSecond + audioKbitPerSecond,
    0,
  );
  return Math.ceil((durationSeconds + BUFFER_SECONDS) * kbitPerSecond * 125 * WRAPPED);
}

/** Most bytes on the disk of all that an encoding makes. */
export function outputBytes(rungs: readonly Rung[], durationSeconds: number): number {
  return streamBytes(rungs, durationSeconds) + REST_BYTES;
}

/** Bytes that a program may still write below `folder`. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/**
 * Refuses work before its hours, not after. Of a worker with one video at a time: two would count the same bytes.
 *
 * @throws Error, and no verdict on the file: another machine, or this one later, may have the space
 */
export async function requireSpace(folder: string, neededBytes: number, free = freeBytes): Promise<void> {
  const found = await free(folder);
  if (found >= neededBytes) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new Error(
    `The disk is too small for this video: it needs ${gigabytes(neededBytes)}, ${gigabytes(found)} are free`,
  );
}
