/** How a container begins, and the demuxer that reads it. */
interface Container {
  readonly demuxer: string;
  readonly matches: (head: Buffer) => boolean;
}

const ascii = (head: Buffer, offset: number, text: string): boolean =>
  head.subarray(offset, offset + text.length).equals(Buffer.from(text, 'latin1'));

/** First boxes that QuickTime and MP4 files begin with. */
const MOV_BOXES = ['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot'];

const CONTAINERS: readonly Container[] = [
  { demuxer: 'mov', matches: (head) => MOV_BOXES.some((box) => ascii(head, 4, box)) },
  { demuxer: 'matroska', matches: (head) => head.subarray(0, 4).equals(Buffer.from([0x1a, 0x45, 0xdf, 0xa3])) },
  { demuxer: 'avi', matches: (head) => ascii(head, 0, 'RIFF') && ascii(head, 8, 'AVI ') },
  { demuxer: 'mpegts', matches: (head) => [0, 188, 376].every((offset) => head[offset] === 0x47) },
  { demuxer: 'mpegts', matches: (head) => [4, 196, 388].every((offset) => head[offset] === 0x47) },
  { demuxer: 'mpeg', matches: (head) => head.subarray(0, 4).equals(Buffer.from([0, 0, 1, 0xba])) },
  { demuxer: 'ogg', matches: (head) => ascii(head, 0, 'OggS') },
];

/** Bytes that {@link sniffContainer} looks at. */
export const SNIFF_BYTES = 512;

/**
 * The demuxer for a file, by its first bytes; undefined when it is no container that we take.
 *
 * ffmpeg is always told which demuxer to use. Left to guess, it would also open playlists, and a text file called
 * `.mp4` that lists `/etc/passwd` or an address inside the network would then be read and shown as video.
 */
export function sniffContainer(head: Buffer): string | undefined {
  return CONTAINERS.find(({ matches }) => matches(head))?.demuxer;
}
