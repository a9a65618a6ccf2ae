/**
 * The worker's handler. Environment: UPLOADS_BUCKET, MEDIA_BUCKET; optional MAX_UPLOAD_BYTES, MAX_DURATION_SECONDS,
 * MAX_ENCODE_SECONDS, CLAIM_LEASE_SECONDS and FFMPEG_PATH. A missing ffmpeg or bucket fails the start with one line.
 */
import { randomBytes } from 'node:crypto';
import { hostname, tmpdir } from 'node:os';
import { type Handler, PermanentError, ReleaseError, systemClock } from '../../messaging';
import { UPLOAD_MAX_BYTES } from '../contract';
import { parseUploadEvent } from './event';
import { findFfmpeg } from './find-ffmpeg';
import { createS3Client } from './s3-client';
import { S3ObjectStore } from './store';
import { transcode, type TranscodeContext } from './transcode';

/** Four hours: longer than a film, shorter than a forged header. */
export const MAX_DURATION_SECONDS = 4 * 3600;
/** Six hours: half of the longest time for which SQS lets a message be kept. */
const MAX_ENCODE_SECONDS = 6 * 3600;
const CLAIM_LEASE_SECONDS = 20;

/**
 * The handler on a given context: each upload of the message in turn. One that fails does not keep the others from being
 * done; the message then fails for all that failed.
 */
export function createHandler(context: TranscodeContext, uploadsBucket: string): Handler {
  return async (message, { signal, logger }) => {
    const { messageId } = message;
    const redriven = Object.keys(message.attributes).some((name) => QUARANTINE_ATTRIBUTE.test(name));
    const { uploads, refused } = parseUploadEvent(message.body, uploadsBucket);
    const failures: unknown[] = [...refused];
    for (const upload of uploads) {
      try {
        const outcome = await transcode(context, { upload, messageId, redriven, signal, logger });
        if (outcome === 'duplicate') logger.info({ id: upload.id }, 'duplicate event skipped');
      } catch (error) {
        // Told to stop: all comes back, also what failed for good; its failure is on record.
        if (signal.aborted) throw error;
        logger.warn({ err: error, id: upload.id }, 'an upload failed');
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failureOf(failures, uploads.length + refused.length, messageId);
  };
}

/**
 * One error for all that failed in a message of `count` uploads: for good only if no other can succeed yet, since what goes to
 * the dead-letter queue is not tried again. Of a message that comes back, what was done or failed for good costs no work.
 */
function failureOf(failures: readonly unknown[], count: number, messageId: string): unknown {
  if (count === 1) return failures[0];
  const texts = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  const text = `${failures.length} of ${count} uploads failed: ${texts.join('; ')}`;
  const cause = { cause: new AggregateError(failures, text) };
  const passing = failures.filter((failure) => !(failure instanceof PermanentError));
  if (passing.length === 0) return new PermanentError(text, messageId, cause);
  const released = passing.every((failure) => failure instanceof ReleaseError);
  return released ? new ReleaseError(text, messageId, cause) : new Error(text, cause);
}

/** The runtime marks what it sends to the dead-letter queue; the mark survives the way back. */
const QUARANTINE_ATTRIBUTE = /^QueueFleet/;

/** Reads the handler's context from an environment. @throws Error that says which variable is wrong. */
export function contextFromEnvironment(env: NodeJS.ProcessEnv): { context: TranscodeContext; uploadsBucket: string } {
  const text = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw new Error(`The environment variable ${name} is not set`);
    return value;
  };
  const positive = (name: string, fallback: number): number => {
    const value = Number(env[name] ?? fallback);
    if (!Number.isFinite(value) || value <= 0)
      throw new Error(`${name} is '${env[name]}': it must be a positive number`);
    return value;
  };
  const s3 = createS3Client();
  const uploadsBucket = text('UPLOADS_BUCKET');
  return {
    uploadsBucket,
    context: {
      uploads: new S3ObjectStore(s3, uploadsBucket),
      media: new S3ObjectStore(s3, text('MEDIA_BUCKET')),
      ffmpeg: findFfmpeg(),
      clock: systemClock,
      worker: `${hostname()}-${process.pid}`,
      newNonce: () => randomBytes(8).toString('hex'),
      scratch: tmpdir(),
      maxBytes: positive('MAX_UPLOAD_BYTES', UPLOAD_MAX_BYTES),
      maxDurationSeconds: positive('MAX_DURATION_SECONDS', MAX_DURATION_SECONDS),
      maxEncodeSeconds: positive('MAX_ENCODE_SECONDS', MAX_ENCODE_SECONDS),
      leaseMs: positive('CLAIM_LEASE_SECONDS', CLAIM_LEASE_SECONDS) * 1000,
    },
  };
}
