import { decodeChunks } from '../../../local/edge/aws-chunked';
import { AwsError } from '../../../local/edge/http';
import fc, { runs } from '../../support/properties';

const chunk = (data: Buffer, signature = ''): Buffer =>
  Buffer.concat([Buffer.from(`${data.length.toString(16)}${signature}\r\n`), data, Buffer.from('\r\n')]);
const frame = (parts: readonly Buffer[], signature = '', end = '\r\n'): Buffer =>
  Buffer.concat([...parts.map((part) => chunk(part, signature)), Buffer.from(`0${signature}\r\n${end}`)]);
const bytes = (minLength: number) => fc.uint8Array({ minLength, maxLength: 40 }).map((array) => Buffer.from(array));

/** The code of the refusal; anything else that is thrown fails the test. */
function refusal(framed: Buffer): string {
  try {
    decodeChunks(framed);
    return 'none';
  } catch (error) {
    if (error instanceof AwsError) return error.code;
    throw error;
  }
}

describe('decodeChunks', () => {
  test('joins the chunks and reads the trailers', () => {
    const framed = frame([Buffer.from('ab\r\n'), Buffer.from('c')], '', 'X-Amz-Checksum-Crc32: AAAA==\r\n\r\n');
    const { body, trailers } = decodeChunks(framed);
    expect([body.toString(), trailers]).toEqual(['ab\r\nc', { 'x-amz-checksum-crc32': 'AAAA==' }]);
  });

  test.each([
    ['a negative size', '-6\r\nabcdef\r\n0\r\n\r\n'],
    ['minus nothing', '-0\r\n\r\n'],
    ['a size with something behind it', '3xyz\r\nabc\r\n0\r\n\r\n'],
    ['a size that no body has', 'ffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
    ['no size', '\r\nabc\r\n0\r\n\r\n'],
    ['a chunk that is longer than it says', '2\r\nabc\r\n0\r\n\r\n'],
    ['a body without its last chunk', '3\r\nabc\r\n'],
    ['an endless first line', 'a'.repeat(3_000)],
    ['nothing', ''],
  ])('refuses %s', (_, text) => expect(refusal(Buffer.from(text))).toBe('IncompleteBody'));

  test('gives back what was framed, whatever the bytes and the sizes of the chunks', () => {
    const signature = fc.constantFrom('', `;chunk-signature=${'0'.repeat(64)}`);
    fc.assert(
      fc.property(fc.array(bytes(1), { maxLength: 8 }), signature, (parts, signed) => {
        expect(decodeChunks(frame(parts, signed)).body.equals(Buffer.concat(parts))).toBe(true);
      }),
    );
  });

  test('comes to an end on any bytes: a body or a refusal', () => {
    fc.assert(
      fc.property(fc.array(bytes(1), { maxLength: 4 }), fc.nat(), bytes(0), fc.nat(12), (parts, at, change, gone) => {
        const whole = frame(parts);
        const place = at % (whole.length + 1);
        const damaged = Buffer.concat([whole.subarray(0, place), change, whole.subarray(place + gone)]);
        expect(['none', 'IncompleteBody']).toContain(refusal(damaged));
      }),
      { numRuns: runs(2_000) },
    );
    const digits = fc.string({ unit: fc.constantFrom(...'-+0123aF;x \r\n') });
    fc.assert(
      fc.property(digits, (text) => {
        expect(['none', 'IncompleteBody']).toContain(refusal(Buffer.from(text)));
      }),
      { numRuns: runs(2_000) },
    );
  });
});
