import { SNIFF_BYTES, sniffContainer } from '../../../video/transcode/sniff';
import fc from '../../support/properties';

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const transportStream = Buffer.alloc(SNIFF_BYTES);
for (const offset of [0, 188, 376]) transportStream[offset] = 0x47;

describe('sniffContainer', () => {
  test.each([
    ['mov', bytes([0, 0, 0, 24], 'ftypisom')],
    ['mov', bytes([0, 0, 0, 8], 'wide')],
    ['matroska', bytes([0x1a, 0x45, 0xdf, 0xa3])],
    ['avi', bytes('RIFF', [1, 2, 3, 4], 'AVI LIST')],
    ['mpegts', transportStream],
    ['mpeg', bytes([0, 0, 1, 0xba])],
    ['ogg', bytes('OggS')],
  ])('knows %s', (demuxer, head) => {
    expect(sniffContainer(head)).toBe(demuxer);
  });

  test.each([
    ['a playlist', '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'],
    ['a concatenation script', 'ffconcat version 1.0\nfile /etc/passwd\n'],
    ['a picture', '\x89PNG\r\n\x1a\n'],
    ['sound', 'RIFF\x00\x00\x00\x00WAVEfmt '],
    ['nothing', ''],
    ['text', 'This is not a video, whatever it is called.'],
  ])('takes no %s for a video, whatever its name', (_what, text) => {
    expect(sniffContainer(bytes(text))).toBeUndefined();
  });

  test('never fails on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: SNIFF_BYTES }), (head) => void sniffContainer(Buffer.from(head))));
  });
});
