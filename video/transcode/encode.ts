import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../messaging';
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
  readonly onProgress: (percent: number) => void;
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

/** The input options that every run on an upload begins with: one demuxer, and no protocol but files. */
function inputOf(demuxer: string, source: string): string[] {
  return ['-protocol_whitelist', 'file', '-f', demuxer, '-i', source];
}

/** Encodes `source` into `folder`: HLS ladder, MP4 and poster. @throws MediaError when the file is at fault. */
export async function encode(context: EncodeContext, source: string, folder: string): Promise<EncodeResult> {
  const demuxer = sniffContainer(await head(source));
  if (demuxer === undefined) throw new MediaError('NotAVideo');
  const info = await probe(context, inputOf(demuxer, source));
  const rungs = planLadder(info.width, info.height);
  for (const { name } of rungs) await mkdir(join(folder, name), { recursive: true });
  const encoded = await run(context, {
    args: encodeArguments(inputOf(demuxer, source), info, rungs, folder),
    onProgress: (seconds) => context.onProgress(percent(seconds, info.durationSeconds)),
  });
  requireSuccess(encoded);
  const durationSeconds = await durationOf(context, join(folder, 'play.mp4'));
  // A file cut off in the middle decodes without an error, only not to its end.
  if (info.durationSeconds !== undefined && durationSeconds < 0.9 * info.durationSeconds - 0.5) {
    const shown = `${durationSeconds.toFixed(1)} of ${info.durationSeconds.toFixed(1)} seconds`;
    throw new MediaError('Truncated', shown);
  }
  requireSuccess(await run(context, { args: packageArguments(rungs[0], durationSeconds, folder) }));
  return { info: { ...info, durationSeconds }, ...(await collect(folder, rungs, info.hasAudio)) };
}

async function probe(context: EncodeContext, input: readonly string[]): Promise<MediaInfo> {
  // ffmpeg without an output always ends with exit code 1: the words decide.
  const { stderr, killedBy } = await run(context, { args: [...input] });
  if (killedBy !== undefined) throw new Error(`ffmpeg was ended while it read the file: ${killedBy}`);
  const info = parseProbe(stderr);
  const { durationSeconds } = info;
  if (durationSeconds !== undefined && durationSeconds > context.maxDurationSeconds) {
    const hours = (seconds: number): string => `${(seconds / 3600).toFixed(1)} hours`;
    throw new MediaError('TooLong', `${hours(durationSeconds)}, at most ${hours(context.maxDurationSeconds)}`);
  }
  return info;
}

async function durationOf(context: EncodeContext, mp4: string): Promise<number> {
  const { stderr } = await run(context, { args: ['-i', mp4] });
  return parseProbe(stderr).durationSeconds ?? 0;
}

function run(context: EncodeContext, what: Pick<FfmpegRun, 'args' | 'onProgress'>): Promise<FfmpegResult> {
  const { ffmpeg, clock, signal } = context;
  return runFfmpeg({ ffmpeg, clock, signal, stallMs: STALL_MS, ...what });
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
  const limit = (info.framesPerSecond ?? 0) > MAX_FRAMES_PER_SECOND + 0.5 ? `fps=${MAX_FRAMES_PER_SECOND},` : '';
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
