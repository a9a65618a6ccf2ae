import { open, type FileHandle, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { SMALL_REQUEST } from './s3-client';

/** A file, and where it goes. */
export interface FileUpload {
  readonly bucket: string;
  readonly key: string;
  readonly path: string;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly signal: AbortSignal;
  /** Most bytes of one request, at least 5 MiB; a larger file goes in parts. 64 MiB unless told. */
  readonly partBytes?: number;
}

/** A range of the file: one request. */
export interface Part {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  readonly bytes: number;
}

/** The most that a lost connection costs. */
const PART_BYTES = 64 * 1024 ** 2;
const PARTS_AT_ONCE = 4;

/** Limits of S3, checked November 2026. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MAX_PARTS = 10_000;
const MAX_PART_BYTES = 5 * 1024 ** 3;

/** The SDK does not repeat the upload of a stream, and one refused part must not cost a whole encoding. */
const TRIES = 5;
const PAUSE_MS = 100;

/**
 * Cuts a file into as few equal parts as may be, the last one smaller; one part means one plain request.
 *
 * @throws RangeError above 10,000 parts of 5 GiB, which S3 cannot take
 */
export function planParts(sizeBytes: number, partBytes = PART_BYTES): readonly Part[] {
  const bytes = Math.max(partBytes, Math.ceil(sizeBytes / MAX_PARTS));
  if (bytes > MAX_PART_BYTES) {
    throw new RangeError(`The file has ${sizeBytes} bytes: S3 takes at most ${MAX_PARTS * MAX_PART_BYTES}`);
  }
  return Array.from({ length: Math.max(1, Math.ceil(sizeBytes / bytes)) }, (_, i) => ({
    number: i + 1,
    start: i * bytes,
    bytes: Math.min(bytes, sizeBytes - i * bytes),
  }));
}

/**
 * Writes a file of any size that S3 takes. Nothing of it is seen before all is there, and what fails on the way, or is
 * ended by the signal, is taken back.
 */
export async function putFile(s3: S3Client, upload: FileUpload): Promise<void> {
  const { size } = await stat(upload.path);
  const parts = planParts(size, upload.partBytes);
  const [whole] = parts;
  if (whole === undefined || parts.length > 1) return putParts(s3, upload, parts);
  const { signal } = upload;
  await sendRange(upload, whole, signal, (body) =>
    s3.send(new PutObjectCommand({ ...objectOf(upload), ...body }), { abortSignal: signal }),
  );
}

async function putParts(s3: S3Client, upload: FileUpload, parts: readonly Part[]): Promise<void> {
  upload.signal.throwIfAborted();
  // Without the signal: an upload whose id did not arrive could not be taken back. With parts that have a checksum, S3
  // wants to know which one beforehand, and all of them at the end.
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ ...objectOf(upload), ChecksumAlgorithm: 'CRC32' }),
    SMALL_REQUEST,
  );
  const target = { Bucket: upload.bucket, Key: upload.key, UploadId };
  try {
    const completed = await sendParts(s3, upload, target, parts);
    await complete(s3, upload, target, completed, parts);
  } catch (error) {
    // What S3 cannot be told now, the bucket's lifecycle rule removes a day later.
    await s3.send(new AbortMultipartUploadCommand(target), SMALL_REQUEST).catch(() => {});
    throw error;
  }
}

/** An upload in parts that S3 has begun. */
interface OpenUpload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

/** @throws the first error, once no request is under way any more: a part that arrives after the end would stay. */
async function sendParts(
  s3: S3Client,
  upload: FileUpload,
  target: OpenUpload,
  parts: readonly Part[],
): Promise<readonly CompletedPart[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([upload.signal, failed.signal]);
  const completed: CompletedPart[] = [];
  const waiting = parts.values();
  const lane = async (): Promise<void> => {
    for (const part of waiting) {
      signal.throwIfAborted();
      const PartNumber = part.number;
      const { ETag, ChecksumCRC32 } = await sendRange(upload, part, signal, (body) =>
        s3.send(new UploadPartCommand({ ...target, PartNumber, ...body }), { abortSignal: signal }),
      );
      completed.push({ PartNumber, ETag, ChecksumCRC32 });
    }
  };
  const lanes = Array.from({ length: PARTS_AT_ONCE }, () => lane().catch((error: unknown) => failed.abort(error)));
  await Promise.all(lanes);
  failed.signal.throwIfAborted();
  return completed.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
}

async function complete(
  s3: S3Client,
  { signal }: FileUpload,
  target: OpenUpload,
  completed: readonly CompletedPart[],
  parts: readonly Part[],
): Promise<void> {
  const command = new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts: [...completed] } });
  try {
    await s3.send(command, { abortSignal: signal });
  } catch (error) {
    // The SDK asks again when an answer was lost, and an upload that is complete is no longer there.
    if (!(error instanceof S3ServiceException) || error.name !== 'NoSuchUpload') throw error;
    const { Bucket, Key } = target;
    const found = await s3.send(new HeadObjectCommand({ Bucket, Key }), SMALL_REQUEST).catch(() => undefined);
    const sizeBytes = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    if (found?.ContentLength !== sizeBytes) throw error;
  }
}

/** What a request carries of the file. */
interface Body {
  readonly Body: ReturnType<FileHandle['createReadStream']>;
  readonly ContentLength: number;
}

/** Sends one range of the file, again when S3 or the way to it is at fault. */
async function sendRange<T>(
  { path }: FileUpload,
  { start, bytes }: Part,
  signal: AbortSignal,
  send: (body: Body) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    // Of an empty file there is no last byte.
    const body = (await open(path)).createReadStream({ start, end: Math.max(start, start + bytes - 1) });
    try {
      return await send({ Body: body, ContentLength: bytes });
    } catch (error) {
      if (signal.aborted || attempt === TRIES || !isTransient(error)) throw error;
      await sleep(PAUSE_MS * 2 ** attempt, undefined, { signal });
    } finally {
      // The SDK leaves a stream open that it could not send, and an open file keeps its space on the disk.
      body.destroy();
    }
  }
}

function objectOf({ bucket, key, contentType, cacheControl }: FileUpload) {
  return { Bucket: bucket, Key: key, ContentType: contentType, CacheControl: cacheControl };
}

/** Whether a request failed on the way or on S3's side; a refusal (4xx) stays one. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof S3ServiceException)) return true;
  const status = error.$metadata.httpStatusCode;
  // S3 waited for the body in vain: it says 400.
  return status === undefined || status === 429 || status >= 500 || error.name === 'RequestTimeout';
}
