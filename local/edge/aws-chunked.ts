/** The framing in which AWS SDKs send a body of which they do not know the checksum beforehand. */
import { AwsError } from './http';

/** A body without its framing, and the headers that followed it. */
export interface DecodedChunks {
  readonly body: Buffer;
  /** By lower-case name. */
  readonly trailers: Readonly<Record<string, string>>;
}

/** A chunk's first line: its size in hexadecimal (of at most 2^48 bytes), then perhaps a signature. */
const SIZE_LINE = /^([0-9a-f]{1,12})(?:;[^\r\n]*)?$/i;

/** Longest first line of a chunk, bytes; with a signature it has about 90. */
const SIZE_LINE_BYTES = 1_024;

/**
 * Decodes `aws-chunked`: `<hex size>[;signature]\r\n<data>\r\n … 0\r\n<trailers>`.
 *
 * Every turn of its loop leaves at least one byte behind, whatever the body holds.
 * @throws AwsError `IncompleteBody` for a body that ends too early, or whose frames are none
 */
export function decodeChunks(framed: Buffer): DecodedChunks {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = framed.subarray(at, at + SIZE_LINE_BYTES);
    const lineBytes = line.indexOf('\r\n');
    const digits = lineBytes < 0 ? undefined : SIZE_LINE.exec(line.subarray(0, lineBytes).toString('latin1'))?.[1];
    if (digits === undefined) throw incomplete('The body is not in aws-chunked encoding');
    const size = parseInt(digits, 16);
    at += lineBytes + 2;
    if (size === 0) break;
    const end = at + size;
    if (end > framed.length) throw incomplete('The chunked body ends before its last chunk');
    if (framed.subarray(end, end + 2).toString('latin1') !== '\r\n') throw incomplete('A chunk is not of its size');
    chunks.push(framed.subarray(at, end));
    at = end + 2;
  }
  const trailers = framed
    .subarray(at)
    .toString('latin1')
    .split('\r\n')
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const];
    });
  return { body: Buffer.concat(chunks), trailers: Object.fromEntries(trailers) };
}

function incomplete(message: string): AwsError {
  return new AwsError('IncompleteBody', message);
}
