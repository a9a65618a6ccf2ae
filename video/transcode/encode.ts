import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../messaging';
import { outputBytes, requireSpace } from './disk-space';
import { MAX_FRAMES_PER_SECOND, planLadder, type Rung } from './ladder';
import { masterPlaylist, parseSegments, type Rendition } from './playlist';
import { lastLine, type MediaInfo, parseProbe } from './probe';
import { MediaError } from './problems';
import { type FfmpegResult, type FfmpegRun, runFfmpeg } from './run-ffmpeg';
import { SNIFF_BYTES, sniffContainer } from './sniff';

/** What an encoding works with. */
export interface EncodeContext {
  readonly ffmpeg: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Longest video that is taken, seconds. */
  readonly maxDurationSeconds: number;
  /** Longest time that all runs of ffmpeg on one video may take together, seconds. */
  readonly maxEncodeSeconds: number;
  readonly onProgress: (percent: number) => void;
  /** Bytes that may still be written below a folder. @default - what the file system says */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** A file to upload. */
export interface OutputFile {
  /** Key below the video's folder, and path below the output folder. */
  readonly name: string;
  readonly contentType: string;
}

/** What came out. */
export interface EncodeResult {
  readonly info: MediaInfo & { readonly durationSeconds: number };
  readonly renditions: readonly string[];
  /** In the order of upload: the master playlist last, so that whoever finds it finds all. */
  readonly files: readonly OutputFile[];
}

/** Silence of ffmpeg after which it counts as hung, milliseconds. */
const STALL_MS = 60_000;
const SEGMENT_SECONDS = 4;
const KEYFRAME_SECONDS = 2;

/** Largest picture that is decoded, pixels: 8K. A file of some kilobytes can hold one that fills the memory. */
export const MAX_PIXELS = 7_680 * 4_320;

/** The input options that every run on an upload begins with: one demuxer, no protocol but files, no picture above 8K. */
function inputOf(demuxer: string, source: string): string[] {
  return ['-protocol_whitelist', 'file', '-max_pixels', String(MAX_PIXELS), '-f', demuxer, '-i', source];
}

/** Encodes `source` into `folder`: HLS ladder, MP4 and poster. @throws MediaError when the file is at fault. */
export async function encode(options: EncodeContext, source: string, folder: string): Promise<EncodeResult> {
  const context = { ...options, endMs: options.clock.now() + options.maxEncodeSeconds * 1000 };
  const { maxDurationSeconds } = context;
  const demuxer = sniffContainer(await head(source));
  if (demuxer === undefined) throw new MediaError('NotAVideo');
  const info = await probe(context, inputOf(demuxer, source));
  const rungs = planLadder(info.width, info.height);
  // What a header does not tell is not reckoned with: the disk may be full later, which is no verdict either.
  if (info.durationSeconds !== undefined) {
    await requireSpace(folder, outputBytes(rungs, info.durationSeconds), context.freeBytes);
  }
  for (const { name } of rungs) await mkdir(join(folder, name), { recursive: true });
  const encoded = await run(context, {
    // A second more than allowed: what the header hides, or has no header for, is seen and ends all the same.
    args: ['-t', String(maxDurationSeconds + 1), ...encodeArguments(inputOf(demuxer, source), info, rungs, folder)],
    onProgress: (seconds) => context.onProgress(percent(seconds, info.durationSeconds)),
  });
  requireSuccess(encoded);
  const durationSeconds = await durationOf(context, join(folder, 'play.mp4'));
  requireShort(durationSeconds, maxDurationSeconds);
  // A file cut off in the middle decodes without an error, only not to its end.
  if (info.durationSeconds !== undefined && durationSeconds < 0.9 * info.durationSeconds - 0.5) {
    const shown = `${durationSeconds.toFixed(1)} of ${info.durationSeconds.toFixed(1)} seconds`;
    throw new MediaError('Truncated', shown);
  }
  requireSuccess(await run(context, { args: packageArguments(rungs[0], durationSeconds, folder) }));
  return { info: { ...info, durationSeconds }, ...(await collect(folder, rungs, info.hasAudio)) };
}

/** A context whose time runs. */
interface Running extends EncodeContext {
  /** When the time for the whole video is up, on the context's clock. */
  readonly endMs: number;
}

async function probe(context: Running, input: readonly string[]): Promise<MediaInfo> {
  // ffmpeg without an output always ends with exit code 1: the words decide.
  const { stderr, killedBy } = await run(context, { args: [...input] });
  if (killedBy !== undefined) throw new Error(`ffmpeg was ended while it read the file: ${killedBy}`);
  const info = parseProbe(stderr);
  requireShort(info.durationSeconds, context.maxDurationSeconds);
  return info;
}

function requireShort(durationSeconds: number | undefined, maxSeconds: number): void {
  if (durationSeconds === undefined || durationSeconds <= maxSeconds) return;
  // Of what is cut off nobody knows how long it would have been.
  const found = durationSeconds <= maxSeconds + 2 ? '' : `${spoken(durationSeconds)}, `;
  throw new MediaError('TooLong', `${found}at most ${spoken(maxSeconds)}`);
}

/** `4 hours`, `90 minutes`, `1 second`. */
function spoken(seconds: number): string {
  const [unit, size] = seconds >= 7_200 ? ['hour', 3_600] : seconds >= 120 ? ['minute', 60] : (['second', 1] as const);
  const count = (seconds / size).toFixed(1).replace(/\.0$/, '');
  return `${count} ${unit}${count === '1' ? '' : 's'}`;
}

async function durationOf(context: Running, mp4: string): Promise<number> {
  const { stderr } = await run(context, { args: ['-i', mp4] });
  return parseProbe(stderr).durationSeconds ?? 0;
}

/** @throws MediaError when the time is up, or the decoder met a picture that is too large */
async function run(context: Running, what: Pick<FfmpegRun, 'args' | 'onProgress'>): Promise<FfmpegResult> {
  const { ffmpeg, clock, signal, endMs, maxEncodeSeconds } = context;
  const limitMs = Math.max(0, endMs - clock.now());
  const result = await runFfmpeg({ ffmpeg, clock, signal, stallMs: STALL_MS, limitMs, ...what });
  if (result.overtime) throw new MediaError('TooSlow', `stopped after ${spoken(maxEncodeSeconds)}`);
  const pixels = /Picture size (\d+x\d+) exceeds specified max pixel count/.exec(result.stderr)?.[1];
  if (pixels !== undefined) throw new MediaError('TooManyPixels', `${pixels}, at most 7680x4320`);
  return result;
}

/** @throws MediaError when the file is at fault, Error when the machine is: only the second is worth a retry. */
function requireSuccess({ exitCode, killedBy, stderr }: FfmpegResult): void {
  if (killedBy !== undefined) throw new Error(`ffmpeg was ended: ${killedBy}`);
  if (exitCode === 0) return;
  if (
    /No space left on device|Cannot allocate memory|Resource temporarily unavailable|Input\/output error/.test(stderr)
  ) {
    throw new Error(`ffmpeg could not work on this machine: ${lastLine(stderr)}`);
  }
  throw new MediaError('Undecodable', lastLine(stderr));
}

/** One run: the largest rung as MP4, the others as HLS, all from one decoding. */
export function encodeArguments(
  input: readonly string[],
  info: MediaInfo,
  rungs: readonly Rung[],
  folder: string,
): string[] {
  // Without a rate ffmpeg takes that of the time base, which may be 90,000 a second.
  const limit = (info.framesPerSecond ?? Infinity) > MAX_FRAMES_PER_SECOND + 0.5 ? `fps=${MAX_FRAMES_PER_SECOND},` : '';
  const labels = rungs.map((_, i) => `[s${i}]`).join('');
  const filters = [
    `[0:v:0]${limit}split=${rungs.length}${labels}`,
    ...rungs.map(({ width, height }, i) => `[s${i}]scale=${width}:${height},setsar=1,format=yuv420p[v${i}]`),
  ];
  const outputs = rungs.flatMap((rung, i) => [
    ...['-map', `[v${i}]`, ...(info.hasAudio ? ['-map', '0:a:0'] : ['-an'])],
    ...['-map_metadata', '-1', '-max_muxing_queue_size', '1024'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'main', '-level', rung.level, '-crf', '23'],
    ...['-maxrate', `${rung.maxKbitPerSecond}k`, '-bufsize', `${2 * rung.maxKbitPerSecond}k`],
    ...['-force_key_frames', `expr:gte(t,n_forced*${KEYFRAME_SECONDS})`, '-sc_threshold', '0'],
    ...(info.hasAudio ? ['-c:a', 'aac', '-b:a', `${rung.audioKbitPerSecond}k`, '-ac', '2', '-ar', '48000'] : []),
    ...(i === 0 ? ['-movflags', '+faststart', join(folder, 'play.mp4')] : hlsArguments(rung, folder)),
  ]);
  const progress = ['-loglevel', 'error', '-nostats', '-progress', 'pipe:1'];
  return [...progress, ...input, '-filter_complex', filters.join(';'), ...outputs];
}

/** Second run, without encoding: the MP4 cut into HLS, and a poster out of it. */
function packageArguments(top: Rung | undefined, durationSeconds: number, folder: string): string[] {
  if (top === undefined) throw new Error('A ladder has at least one rung');
  const posterAt = Math.min(10, durationSeconds * 0.3).toFixed(2);
  return [
    ...['-loglevel', 'error', '-nostats', '-progress', 'pipe:1', '-i', join(folder, 'play.mp4')],
    ...['-map', '0', '-c', 'copy', ...hlsArguments(top, folder)],
    ...['-map', '0:v:0', '-ss', posterAt, '-frames:v', '1', '-q:v', '4', join(folder, 'poster.jpg')],
  ];
}

function hlsArguments(rung: Rung, folder: string): string[] {
  const path = (file: string): string => join(folder, rung.name, file);
  return [
    ...['-f', 'hls', '-hls_time', String(SEGMENT_SECONDS), '-hls_list_size', '0', '-hls_playlist_type', 'vod'],
    ...['-hls_segment_filename', path('%05d.ts'), path('index.m3u8')],
  ];
}

/** Writes the master playlist and lists everything that is to be uploaded. */
async function collect(
  folder: string,
  rungs: readonly Rung[],
  hasAudio: boolean,
): Promise<Pick<EncodeResult, 'renditions' | 'files'>> {
  const renditions: Rendition[] = [];
  const files: OutputFile[] = [];
  for (const rung of rungs) {
    const listed = parseSegments(await readFile(join(folder, rung.name, 'index.m3u8'), 'utf8'));
    const segments = await Promise.all(
      listed.map(async (segment) => ({ ...segment, bytes: (await stat(join(folder, rung.name, segment.file))).size })),
    );
    renditions.push({ rung, hasAudio, segments });
    files.push(...segments.map(({ file }) => ({ name: `${rung.name}/${file}`, contentType: 'video/mp2t' })));
    files.push({ name: `${rung.name}/index.m3u8`, contentType: 'application/vnd.apple.mpegurl' });
  }
  await writeFile(join(folder, 'master.m3u8'), masterPlaylist(renditions));
  files.push({ name: 'poster.jpg', contentType: 'image/jpeg' });
  files.push({ name: 'play.mp4', contentType: 'video/mp4' });
  files.push({ name: 'master.m3u8', contentType: 'application/vnd.apple.mpegurl' });
  return { renditions: rungs.map(({ name }) => name), files };
}

async function head(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function percent(seconds: number, durationSeconds: number | undefined): number {
  return durationSeconds === undefined || durationSeconds <= 0
    ? 0
    : Math.min(95, Math.floor((95 * seconds) / durationSeconds));
}
