import type { Clock, Logger } from '../../messaging';
import { MEDIA_KEYS, type VideoStatus } from '../contract';
import type { EncodeResult } from './encode';
import type { MediaProblem } from './problems';
import type { ObjectStore } from './store';

/** A status as it was found, with its version. */
export interface FoundStatus {
  readonly status: VideoStatus;
  readonly version: string;
}

/** Reads `<id>/status.json`; undefined before the first. */
export async function readStatus(media: ObjectStore, id: string): Promise<FoundStatus | undefined> {
  const found = await media.getText(MEDIA_KEYS.status(id));
  return found && { status: JSON.parse(found.text) as VideoStatus, version: found.version };
}

/** The status is another's: a later claim has begun, or the video is ready. Nothing may be written over it. */
export class SupersededError extends Error {
  override name = 'SupersededError';
  constructor(
    /** Whether the video is ready, by whoever made it. */
    readonly ready: boolean,
  ) {
    super(ready ? 'Another worker has made this video' : 'Another worker took this upload over');
  }
}

/** What a record works with. */
export interface StatusContext {
  readonly media: ObjectStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Host and process. */
  readonly worker: string;
  readonly id: string;
  /** The generation of the claim under which it is written. */
  readonly generation: number;
  /** The status that was there when the claim was won. */
  readonly found: FoundStatus | undefined;
  /** Hears when a progress document found that the status is another's. */
  readonly superseded: (error: SupersededError) => void;
}

const JSON_TYPE = 'application/json';
/** Between two progress documents, milliseconds. */
const PROGRESS_MS = 2_000;
/** Before the first one. */
const FIRST_PROGRESS_MS = 1_000;
/** Writes that may meet another's before one gives up: a late writer of an earlier claim writes once at most. */
const TRIES = 5;

/**
 * Writes `status.json`: one write at a time, progress at most every 2 seconds, the last word always last.
 *
 * Fenced by the generation of the claim, which the document holds as `encodes`: each write names the version that it
 * replaces, so that a worker that was frozen, and wakes when another has taken over, finds a newer document instead of
 * writing over it.
 */
export class StatusRecord {
  #status: VideoStatus;
  /** What is there, as far as this worker knows. */
  #found: FoundStatus | undefined;
  #writing: Promise<void> = Promise.resolve();
  #nextProgressMs: number;
  #closed = false;

  constructor(private readonly context: StatusContext) {
    const { clock, id, generation, worker, found } = context;
    const nowMs = clock.wallClock();
    this.#found = found;
    // A clip that is done at once is not worth a document.
    this.#nextProgressMs = clock.now() + FIRST_PROGRESS_MS;
    this.#status = {
      id,
      name: id,
      state: 'processing',
      progressPercent: 0,
      sizeBytes: 0,
      renditions: [],
      encodes: generation,
      worker,
      startedAtMs: nowMs,
      updatedAtMs: nowMs,
    };
  }

  get name(): string {
    return this.#status.name;
  }

  /** @throws SupersededError like each of the others */
  start(name: string, sizeBytes: number): Promise<void> {
    return this.#write({ name, sizeBytes });
  }

  progress(progressPercent: number): void {
    const { clock, logger, superseded } = this.context;
    const nowMs = clock.now();
    if (this.#closed || nowMs < this.#nextProgressMs || progressPercent <= this.#status.progressPercent) return;
    this.#nextProgressMs = nowMs + PROGRESS_MS;
    this.#write({ progressPercent }).catch((error: unknown) => {
      if (error instanceof SupersededError) superseded(error);
      // Only news: a lost one is not worth failing for.
      else logger.warn({ error }, 'the progress could not be written');
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
    const status = { ...this.#status, ...change, updatedAtMs: this.context.clock.wallClock() };
    this.#status = status;
    const written = this.#writing.then(() => this.#replace(status));
    this.#writing = written.catch(() => {});
    return written;
  }

  async #replace(status: VideoStatus): Promise<void> {
    const { media, id } = this.context;
    const key = MEDIA_KEYS.status(id);
    const text = JSON.stringify(status);
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      if (this.#found !== undefined) this.#requireOlder(this.#found.status);
      const version = await media.replaceText(key, text, JSON_TYPE, this.#found?.version);
      this.#found = version === undefined ? await readStatus(media, id) : { status, version };
      // The SDK repeats a request whose answer was lost, and then finds its own document.
      if (this.#found !== undefined && JSON.stringify(this.#found.status) === text) return;
    }
    throw new Error(`${key} was changed by others under each of ${TRIES} writes`);
  }

  /** @throws SupersededError unless the document is of an earlier claim that made nothing of it, or our own */
  #requireOlder({ state, encodes, worker }: VideoStatus): void {
    const { generation } = this.context;
    const own = encodes === generation && worker === this.context.worker;
    if (!own && (state === 'ready' || encodes >= generation)) throw new SupersededError(state === 'ready');
  }
}
