import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Logger, PermanentError, ReleaseError } from '../../messaging';
import { decodeName, SIZE_METADATA, type VideoStatus, VIDEO_TYPES } from '../contract';
import { acquireClaim, type ClaimContext, closeClaim, latestClaim } from './claim';
import { ClaimLease } from './claim-lease';
import { requireSpace } from './disk-space';
import { encode, type EncodeContext, type EncodeResult } from './encode';
import type { UploadReference } from './event';
import { MediaError } from './problems';
import { type FoundStatus, readStatus, StatusRecord, SupersededError } from './status-record';
import type { ObjectStore } from './store';

/** What the handler works with on every message. */
export interface TranscodeContext {
  readonly uploads: ObjectStore;
  readonly media: ObjectStore;
  readonly ffmpeg: string;
  readonly clock: Clock;
  /** Host and process, shown with the video. */
  readonly worker: string;
  readonly newNonce: () => string;
  /** Folder for temporary files. */
  readonly scratch: string;
  readonly maxBytes: number;
  readonly maxDurationSeconds: number;
  readonly maxEncodeSeconds: number;
  /** How long a claim holds without a sign of life, milliseconds; renewed three times in that. */
  readonly leaseMs: number;
  readonly encode?: typeof encode;
  /** As {@link EncodeContext.freeBytes}. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** The message that asks for the work. */
export interface TranscodeRequest {
  readonly upload: UploadReference;
  readonly messageId: string;
  /** The message comes back from the dead-letter queue: a failed video is to be tried again. */
  readonly redriven: boolean;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** What was done about a message. */
export type TranscodeOutcome = 'encoded' | 'duplicate';

/** Between two looks at a claim that our own message's last receive left behind, milliseconds. */
const CLAIM_POLL_MS = 1_000;
const UPLOADS_AT_ONCE = 8;

/**
 * Makes one upload into a video, exactly once however often the message comes: a ready one is left alone, a running one
 * belongs to its claim, a lost one is taken over when its claim has run out.
 *
 * @throws MediaError when the upload can never become a video; ReleaseError when `signal` aborts.
 */
export async function transcode(context: TranscodeContext, request: TranscodeRequest): Promise<TranscodeOutcome> {
  const { upload, messageId, signal } = request;
  const claims: ClaimContext = {
    media: context.media,
    owner: `${context.worker}-${context.newNonce()}`,
    messageId,
    leaseMs: context.leaseMs,
    wallClockMs: () => context.clock.wallClock(),
  };
  for (;;) {
    signal.throwIfAborted();
    const found = await readStatus(context.media, upload.id);
    const state = found?.status.state;
    if (state === 'ready') return 'duplicate';
    const again = state === 'failed' && request.redriven;
    if (found !== undefined && state === 'failed' && !again) return repeatFailure(context, request, found.status);
    const outcome = await acquireClaim(claims, upload.id, again);
    if (outcome.kind === 'won') {
      const { generation, after } = outcome;
      // Between the look at the status and the claim, the last owner may have finished.
      const before = generation > 1 ? await readStatus(context.media, upload.id) : found;
      if (before?.status.state === 'ready') return 'duplicate';
      if (before === undefined || before.status.state !== 'failed' || request.redriven || after === undefined) {
        return work(context, request, claims, generation, before);
      }
      // The failure stays with the message that it is of.
      await closeClaim({ ...claims, messageId: after.messageId }, upload.id, generation, 'failed');
      return repeatFailure(context, request, before.status);
    }
    if (outcome.by.messageId !== messageId) {
      return 'duplicate';
    }
    // Our own message, received again while the claim of its last receive still holds: its worker was lost, or is
    // cut off. Waiting here costs a slot for a few seconds; giving the message back would cost one of its receives.
    await sleep(context.clock, CLAIM_POLL_MS, signal);
  }
}

/** The message whose failure is on record goes to the dead-letter queue again; a duplicate of it does not. */
async function repeatFailure(
  { media }: TranscodeContext,
  { upload, messageId }: TranscodeRequest,
  status: VideoStatus,
): Promise<TranscodeOutcome> {
  const claim = await latestClaim(media, upload.id);
  if (claim !== undefined && claim.record.messageId !== messageId) return 'duplicate';
  throw new PermanentError(status.reason ?? 'The video failed before');
}

async function work(
  context: TranscodeContext,
  request: TranscodeRequest,
  claims: ClaimContext,
  generation: number,
  found: FoundStatus | undefined,
): Promise<TranscodeOutcome> {
  const { upload, messageId, signal, logger } = request;
  const { clock, media, worker } = context;
  const { id } = upload;
  const lost = new AbortController();
  const stop = AbortSignal.any([signal, lost.signal]);
  const give = (reason: string): void => lost.abort(new ReleaseError(reason, messageId));
  const lease = new ClaimLease({ clock, claims, id, generation, logger, lost: give });
  const superseded = (error: SupersededError): void => lost.abort(error);
  const record = new StatusRecord({ media, clock, logger, worker, id, generation, found, superseded });
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(context.scratch, 'video-'));
    await produceOrFail(context, upload, stop, folder, record);
    await lease.close('ready');
    logger.info({ id, generation }, `ready to play: ${record.name}`);
    return 'encoded';
  } catch (error) {
    if (error instanceof SupersededError && error.ready) return 'duplicate';
    if (error instanceof MediaError) {
      await lease.close('failed');
      throw error;
    }
    await lease.handBack();
    if (!stop.aborted && !(error instanceof SupersededError)) throw error;
    throw new ReleaseError('Stopped before the video was done', messageId, { cause: error });
  } finally {
    await lease.stop();
    record.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** @throws MediaError once the failure is on record; whatever else went wrong leaves no verdict */
async function produceOrFail(...[context, upload, signal, folder, record]: Parameters<typeof produce>): Promise<void> {
  try {
    await produce(context, upload, signal, folder, record);
  } catch (error) {
    // A worker that was stopped knows nothing for sure: ffmpeg may have seen half of the file.
    signal.throwIfAborted();
    if (error instanceof MediaError) await record.fail(error.code, error.message);
    throw error;
  }
}

async function produce(
  context: TranscodeContext,
  upload: UploadReference,
  signal: AbortSignal,
  folder: string,
  record: StatusRecord,
): Promise<void> {
  const head = await context.uploads.head(upload.key);
  if (head === undefined) throw new MediaError('SourceMissing');
  await record.start(decodeName(head.metadata['name'] ?? upload.id), head.sizeBytes);
  if (head.sizeBytes === 0) throw new MediaError('Empty');
  if (head.sizeBytes > context.maxBytes) throw new MediaError('TooLarge', `${head.sizeBytes} bytes`);
  const declared = head.metadata[SIZE_METADATA];
  if (declared !== undefined && Number(declared) !== head.sizeBytes) {
    throw new MediaError('SizeDiffers', `${head.sizeBytes} bytes, declared were ${declared}`);
  }
  if (!Object.hasOwn(VIDEO_TYPES, head.contentType)) throw new MediaError('TypeNotAllowed', head.contentType);
  await requireSpace(folder, head.sizeBytes, context.freeBytes);
  const source = join(folder, 'source');
  await context.uploads.download(upload.key, source, signal);
  signal.throwIfAborted();
  const encoding: EncodeContext = {
    ffmpeg: context.ffmpeg,
    clock: context.clock,
    signal,
    maxDurationSeconds: context.maxDurationSeconds,
    maxEncodeSeconds: context.maxEncodeSeconds,
    onProgress: (percent) => record.progress(percent),
    ...(context.freeBytes && { freeBytes: context.freeBytes }),
  };
  const result = await (context.encode ?? encode)(encoding, source, folder);
  await publish(context.media, upload.id, result, folder, signal);
  await record.finish(result);
}

/** Uploads all files, several at once; the master playlist after all others. */
async function publish(
  media: ObjectStore,
  id: string,
  { files }: EncodeResult,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const put = ({ name, contentType }: (typeof files)[number]): Promise<void> =>
    media.putFile(`${id}/${name}`, join(folder, name), contentType, signal);
  const parts = files.slice(0, -1);
  for (let i = 0; i < parts.length; i += UPLOADS_AT_ONCE) {
    await Promise.all(parts.slice(i, i + UPLOADS_AT_ONCE).map(put));
  }
  for (const master of files.slice(-1)) await put(master);
}

/** @throws the signal's reason when it aborts. */
function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = clock.setTimer(delayMs, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}
