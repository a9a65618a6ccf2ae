import type { Rung } from './ladder';

/** One segment of a media playlist. */
export interface Segment {
  readonly file: string;
  readonly seconds: number;
}

/** The segments that a media playlist lists, in order. */
export function parseSegments(playlist: string): readonly Segment[] {
  const segments: Segment[] = [];
  let seconds: number | undefined;
  for (const line of playlist.split(/\r?\n/)) {
    const info = /^#EXTINF:([\d.]+)/.exec(line);
    if (info !== null) seconds = Number(info[1]);
    else if (line !== '' && !line.startsWith('#') && seconds !== undefined) {
      segments.push({ file: line, seconds });
      seconds = undefined;
    }
  }
  return segments;
}

/** What a master playlist says about one rendition. */
export interface Rendition {
  readonly rung: Rung;
  readonly hasAudio: boolean;
  readonly segments: readonly (Segment & { readonly bytes: number })[];
}

/**
 * The master playlist, largest rendition first. Written here because the 2018 build of ffmpeg crashes on its own option
 * for it. `BANDWIDTH` is the largest segment's rate, `AVERAGE-BANDWIDTH` that of all (RFC 8216, 4.3.4.2), both measured.
 */
export function masterPlaylist(renditions: readonly Rendition[]): string {
  const lines = renditions.flatMap(({ rung, hasAudio, segments }) => {
    const rates = segments.filter(({ seconds }) => seconds > 0).map(({ bytes, seconds }) => (bytes * 8) / seconds);
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
    const seconds = segments.reduce((sum, segment) => sum + segment.seconds, 0);
    const codecs = hasAudio ? `${rung.videoCodec},mp4a.40.2` : rung.videoCodec;
    const attributes = [
      `BANDWIDTH=${Math.ceil(Math.max(1, ...rates))}`,
      `AVERAGE-BANDWIDTH=${Math.ceil(Math.max(1, seconds > 0 ? (bytes * 8) / seconds : 1))}`,
      `RESOLUTION=${rung.width}x${rung.height}`,
      `CODECS="${codecs}"`,
    ];
    return [`#EXT-X-STREAM-INF:${attributes.join(',')}`, `${rung.name}/index.m3u8`];
  });
  return ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-INDEPENDENT-SEGMENTS', ...lines, ''].join('\n');
}
