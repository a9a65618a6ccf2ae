import { MediaError } from './problems';

/** What a file holds, as far as the encoder must know. */
export interface MediaInfo {
  /** Undefined when the container does not say. */
  readonly durationSeconds: number | undefined;
  /** Size as shown: after rotation and with square pixels. */
  readonly width: number;
  readonly height: number;
  /** Pictures per second, undefined when it varies or is not given. */
  readonly framesPerSecond: number | undefined;
  readonly hasAudio: boolean;
}

/**
 * Reads what `ffmpeg -i <file>` writes about a file. (ffprobe would answer in JSON, but it is not in the npm package.)
 *
 * @throws MediaError `Unreadable` or `NoPicture`.
 */
export function parseProbe(stderr: string): MediaInfo {
  if (!/^Input #0/m.test(stderr)) throw new MediaError('Unreadable', lastLine(stderr));
  // A cover picture of an audio file is listed as video, marked "attached pic".
  const video = streamLines(stderr, 'Video').find((line) => !line.includes('attached pic'));
  if (video === undefined) throw new MediaError('NoPicture');
  const size = /, (\d{2,5})x(\d{2,5})/.exec(video);
  if (size === null) throw new MediaError('Unreadable', 'the size of the picture is not known');
  const aspect = /\[?SAR (\d+):(\d+)/.exec(video);
  const sampleAspect = aspect === null || Number(aspect[1]) === 0 ? 1 : Number(aspect[1]) / Number(aspect[2]);
  const shown = { width: Math.round(Number(size[1]) * sampleAspect), height: Number(size[2]) };
  const quarterTurn = /(?:rotate\s*:\s*|rotation of )-?(?:90|270)\b/.test(stderr);
  const rate = /, ([\d.]+)(k?) fps/.exec(video);
  return {
    durationSeconds: parseDuration(stderr),
    width: quarterTurn ? shown.height : shown.width,
    height: quarterTurn ? shown.width : shown.height,
    framesPerSecond: rate === null ? undefined : Number(rate[1]) * (rate[2] === 'k' ? 1000 : 1),
    hasAudio: streamLines(stderr, 'Audio').length > 0,
  };
}

function parseDuration(stderr: string): number | undefined {
  const match = /Duration: (\d+):(\d{2}):(\d{2}(?:\.\d+)?)/.exec(stderr);
  return match === null ? undefined : Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
}

function streamLines(stderr: string, kind: string): string[] {
  return stderr.split('\n').filter((line) => new RegExp(`Stream #0:\\d+.*: ${kind}: (?!none)`).test(line));
}

/** The last line of ffmpeg's words without the path of our temporary file. */
export function lastLine(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '' && !line.includes('Conversion failed'));
  return (lines.at(-1) ?? 'ffmpeg gave no reason')
    .replace(/^.*\/source: /, '')
    .trim()
    .slice(0, 200);
}
