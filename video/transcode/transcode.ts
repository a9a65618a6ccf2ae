import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Logger, PermanentError, ReleaseError } from '../../messaging';
import { decodeName, MEDIA_KEYS, type VideoStatus, VIDEO_TYPES } from '../contract';
import { acquireClaim, type ClaimContext, closeClaim, latestClaim, renewClaim } from './claim';
import { encode, type EncodeContext, type EncodeResult } from './encode';
import type { UploadReference } from './event';
import { MediaError, type MediaProblem } from './problems';
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
  /** How long a claim holds without a sign of life, milliseconds; renewed three times in that. */
  readonly leaseMs: number;
  readonly encode?: typeof encode;
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

const JSON_TYPE = 'application/json';
/** Between two looks at a claim that our own message's last receive left behind, milliseconds. */
const CLAIM_POLL_MS = 1_000;
/** Between two progress documents, milliseconds. */
const PROGRESS_MS = 2_000;
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
    const status = await readStatus(context.media, upload.id);
    if (status?.state === 'ready') return 'duplicate';
    const again = status?.state === 'failed' && request.redriven;
    if (status?.state === 'failed' && !again) return repeatFailure(context, request, status);
    const outcome = await acquireClaim(claims, upload.id, again);
    if (outcome.kind === 'won') {
      // Between the look at the status and the claim, the last owner may have finished.
      if (outcome.generation > 1 && (await readStatus(context.media, upload.id))?.state === 'ready') return 'duplicate';
      await work(context, request, claims, outcome.generation);
      return 'encoded';
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
): Promise<void> {
  const { upload, signal, logger } = request;
  const lost = new AbortController();
  const stop = AbortSignal.any([signal, lost.signal]);
  const stopRenewing = keepClaim(context, claims, upload.id, generation, lost, logger);
  const folder = await mkdtemp(join(context.scratch, 'video-'));
  const record = new StatusRecord(context, upload, generation, logger);
  try {
    await produce(context, upload, stop, folder, record);
    stopRenewing();
    await closeClaim(claims, upload.id, generation, 'ready').catch(() => {});
    logger.info({ id: upload.id, generation }, `ready to play: ${record.name}`);
  } catch (error) {
    // Handed back at once, so that the next try need not wait for the lease.
    const handBack = (): Promise<unknown> => renewClaim(claims, upload.id, generation, 0).catch(() => false);
    if (stop.aborted) {
      await handBack();
      throw new ReleaseError('Stopped before the video was done', request.messageId, { cause: stop.reason });
    }
    if (error instanceof MediaError) {
      await record.fail(error.code, error.message);
      stopRenewing();
      await closeClaim(claims, upload.id, generation, 'failed').catch(() => {});
    } else {
      await handBack();
    }
    throw error;
  } finally {
    stopRenewing();
    record.close();
    await rm(folder, { recursive: true, force: true });
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
  if (!Object.hasOwn(VIDEO_TYPES, head.contentType)) throw new MediaError('TypeNotAllowed', head.contentType);
  const source = join(folder, 'source');
  await context.uploads.download(upload.key, source, signal);
  signal.throwIfAborted();
  const encoding: EncodeContext = {
    ffmpeg: context.ffmpeg,
    clock: context.clock,
    signal,
    maxDurationSeconds: context.maxDurationSeconds,
    onProgress: (percent) => record.progress(percent),
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

/** Renews the claim three times per lease, and aborts `lost` when another worker has taken over. */
function keepClaim(
  { clock, leaseMs }: TranscodeContext,
  claims: ClaimContext,
  id: string,
  generation: number,
  lost: AbortController,
  logger: Logger,
): () => void {
  let stopped = false;
  let cancel = (): void => {};
  const next = (): void => {
    cancel = clock.setTimer(leaseMs / 3, () => {
      renewClaim(claims, id, generation, leaseMs).then(
        (mine) => {
          if (stopped) return;
          if (mine) next();
          else lost.abort(new ReleaseError('Another worker took this upload over'));
        },
        (error: unknown) => {
          // The lease outlasts two failed renewals; after that another worker may begin, which renewClaim then tells.
          logger.warn({ id, error }, 'the claim could not be renewed');
          if (!stopped) next();
        },
      );
    });
  };
  next();
  return () => {
    stopped = true;
    cancel();
  };
}

/** Writes `status.json`: one write at a time, progress at most every 2 seconds, the last word always last. */
class StatusRecord {
  #status: VideoStatus;
  #writing: Promise<void> = Promise.resolve();
  #nextProgressMs = 0;
  #closed = false;

  constructor(
    private readonly context: TranscodeContext,
    upload: UploadReference,
    generation: number,
    private readonly logger: Logger,
  ) {
    const nowMs = context.clock.wallClock();
    this.#status = {
      id: upload.id,
      name: upload.id,
      state: 'processing',
      progressPercent: 0,
      sizeBytes: 0,
      renditions: [],
      encodes: generation,
      worker: context.worker,
      startedAtMs: nowMs,
      updatedAtMs: nowMs,
    };
  }

  get name(): string {
    return this.#status.name;
  }

  start(name: string, sizeBytes: number): Promise<void> {
    return this.#write({ name, sizeBytes });
  }

  progress(progressPercent: number): void {
    const nowMs = this.context.clock.now();
    if (this.#closed || nowMs < this.#nextProgressMs || progressPercent <= this.#status.progressPercent) return;
    this.#nextProgressMs = nowMs + PROGRESS_MS;
    // Only news: a lost one is not worth failing for.
    this.#write({ progressPercent }).catch((error: unknown) => {
      this.logger.warn({ error }, 'the progress could not be written');
    });
  }

  finish({ info, renditions }: EncodeResult): Promise<void> {
    this.#closed = true;
    const { durationSeconds, width, height } = info;
    const finishedAtMs = this.context.clock.wallClock();
    return this.#write({
      state: 'ready',
      progressPercent: 100,
      durationSeconds,
      width,
      height,
      renditions,
      finishedAtMs,
    });
  }

  fail(code: MediaProblem, reason: string): Promise<void> {
    this.#closed = true;
    return this.#write({ state: 'failed', code, reason, finishedAtMs: this.context.clock.wallClock() });
  }

  close(): void {
    this.#closed = true;
  }

  #write(change: Partial<VideoStatus>): Promise<void> {
    this.#status = { ...this.#status, ...change, updatedAtMs: this.context.clock.wallClock() };
    const text = JSON.stringify(this.#status);
    const key = MEDIA_KEYS.status(this.#status.id);
    const written = this.#writing.then(() => this.context.media.putText(key, text, JSON_TYPE));
    this.#writing = written.catch(() => {});
    return written;
  }
}

async function readStatus(media: ObjectStore, id: string): Promise<VideoStatus | undefined> {
  const text = await media.getText(MEDIA_KEYS.status(id));
  return text === undefined ? undefined : (JSON.parse(text) as VideoStatus);
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
