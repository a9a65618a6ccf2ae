import AwsS3 from '@uppy/aws-s3';
import Uppy, { type Body, type Meta, type UppyFile } from '@uppy/core';
import { PART_BYTES, type UploadTicket } from '../contract';
import type { Api, PageConfig, SignedOperation } from './api';
import type { ResumeStore, UnfinishedUpload } from './resume-store';
import { isDropped, isOutdated, partBytes, reasonOf, refusalOf, typeOf } from './upload-rules';

/** A file on its way. */
export interface UploadRow {
  /** Uppy's id of the file, or one of our own for a file that was refused. */
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly state: 'waiting' | 'sending' | 'paused' | 'done' | 'failed' | 'refused';
  /** Why it failed or was refused. */
  readonly reason?: string;
  /** Continued after a reload. */
  readonly resumed: boolean;
}

type File_ = UppyFile<Meta, Body>;

/** Files sent at the same time: browsers open six connections to one host, and the list needs one. */
const AT_ONCE = 4;

/** Sends files by presigned POST, or in parts with pause and resume, and tells of every change. */
export class Uploader {
  readonly #uppy: Uppy<Meta, Body>;
  readonly #tickets = new Map<string, UploadTicket>();
  readonly #refused = new Map<string, UploadRow>();
  readonly #resumed = new Set<string>();
  readonly #reasons = new Map<string, string>();
  /** Files that were given a new link by themselves; a second refusal is for the person to see. */
  readonly #renewed = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly config: PageConfig,
    private readonly unfinished: ResumeStore,
    private readonly listeners: { changed: () => void; uploaded: (id: string, name: string) => void },
  ) {
    const { changed } = listeners;
    this.#uppy = new Uppy<Meta, Body>({ autoProceed: true, allowMultipleUploadBatches: true });
    this.#uppy.use(AwsS3, {
      limit: AT_ONCE,
      shouldUseMultipart: (file: File_) => (file.size ?? 0) > config.postMaxBytes,
      getChunkSize: () => PART_BYTES,
      generateObjectKey: (file: File_) => file.id,
      signRequest: (request) => this.#sign(request),
    });
    this.#uppy.addPreProcessor((ids) => this.#openMultipart(ids));
    this.#uppy.on('upload-success', (file) => void this.#finish(file));
    this.#uppy.on('upload-error', (file, error) => {
      if (file && isOutdated(error) && !this.#renewed.has(file.id)) this.#renew(file.id, error);
      else if (file) this.#reasons.set(file.id, reasonOf(error));
      changed();
    });
    this.#uppy.on('upload-start', changed);
    this.#uppy.on('upload-progress', changed);
    this.#uppy.on('upload-pause', changed);
    this.#uppy.on('pause-all', changed);
    this.#uppy.on('resume-all', changed);
    this.#uppy.on('file-removed', changed);
    this.#uppy.on('file-added', changed);
  }

  /** Takes files of a drop or a choice; those that cannot be uploaded are listed with the reason. */
  add(files: readonly File[]): void {
    for (const file of files) {
      const type = typeOf(file);
      const reason = refusalOf(file, type, this.config.maxBytes);
      if (reason !== undefined || type === undefined) this.#refuse(file, reason ?? 'Not a video');
      else this.#addFile(file, type);
    }
    this.listeners.changed();
  }

  /** Continues what a closed page left behind. */
  async resume(nowMs: number): Promise<number> {
    const found = await this.unfinished.all(nowMs);
    for (const upload of found) this.#addUnfinished(upload);
    this.listeners.changed();
    return found.length;
  }

  rows(): readonly UploadRow[] {
    return [...this.#uppy.getFiles().map((file) => this.#row(file)), ...this.#refused.values()];
  }

  pauseOrResume(id: string): void {
    this.#uppy.pauseResume(id);
    this.listeners.changed();
  }

  pauseAll(): void {
    this.#uppy.pauseAll();
  }

  resumeAll(): void {
    this.#uppy.resumeAll();
  }

  retry(id: string): void {
    this.#reasons.delete(id);
    this.#renewed.delete(id);
    // A link may have expired meanwhile: a POST gets a fresh one, parts are signed one by one anyway.
    if (this.#tickets.get(id)?.kind === 'post') this.#tickets.delete(id);
    this.#uppy.retryUpload(id).catch(() => {});
    this.listeners.changed();
  }

  /** Begins again with a new link, or a new upload in parts, in place of one that S3 does not take any more. */
  #renew(id: string, error: unknown): void {
    this.#renewed.add(id);
    const ticket = this.#tickets.get(id);
    if (ticket?.kind === 'post' || isDropped(error)) this.#tickets.delete(id);
    if (ticket?.kind === 'multipart' && isDropped(error)) {
      void this.unfinished.remove(ticket.id);
      this.#uppy.setFileState(id, { s3Multipart: undefined });
    }
    // Uppy is still about to clear up after the failure.
    setTimeout(() => void this.#uppy.retryUpload(id).catch(() => {}));
  }

  remove(id: string): void {
    this.#refused.delete(id);
    this.#forget(id);
    if (this.#uppy.getFile(id)) this.#uppy.removeFile(id);
    this.listeners.changed();
  }

  #addFile(file: File, type: string): string | undefined {
    try {
      return this.#uppy.addFile({ name: file.name, type, data: file, source: 'page' });
    } catch (error) {
      // Uppy refuses a file that is already in the list.
      this.#refuse(file, error instanceof Error ? 'This file is already being uploaded' : String(error));
      return undefined;
    }
  }

  #addUnfinished({ file, ticket }: UnfinishedUpload): void {
    const id = this.#addFile(file, typeOf(file) ?? 'video/mp4');
    if (id === undefined) return;
    this.#tickets.set(id, ticket);
    this.#resumed.add(id);
    // Uppy then asks S3 for the parts that are there, and sends the others.
    this.#uppy.setFileState(id, { s3Multipart: { uploadId: ticket.uploadId, key: ticket.key } });
  }

  #refuse(file: File, reason: string): void {
    const id = `refused-${crypto.randomUUID()}`;
    const row = { id, name: file.name, sizeBytes: file.size, sentBytes: 0, state: 'refused' as const, reason };
    this.#refused.set(id, { ...row, resumed: false });
  }

  /** Asks the API to open the uploads in parts, before Uppy begins: it then finds them as if continued. */
  async #openMultipart(ids: readonly string[]): Promise<void> {
    const large = ids
      .map((id) => this.#uppy.getFile(id))
      .filter((file) => (file?.size ?? 0) > this.config.postMaxBytes);
    for (const file of large) {
      if (this.#tickets.has(file.id)) continue;
      try {
        const ticket = await this.#open(file);
        if (ticket.kind !== 'multipart') continue;
        this.#uppy.setFileState(file.id, { s3Multipart: { uploadId: ticket.uploadId, key: ticket.key } });
        if (file.data instanceof File) {
          await this.unfinished.save({ ticket, file: file.data, savedAtMs: Date.now() });
        }
      } catch (error) {
        this.#reasons.set(file.id, reasonOf(error));
        this.#uppy.emit('upload-error', file, error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  async #open(file: File_): Promise<UploadTicket> {
    const ticket = await this.api.open({ name: file.name, size: file.size ?? 0, type: file.type });
    this.#tickets.set(file.id, ticket);
    return ticket;
  }

  /** Uppy's one question: how do I send this request to S3? */
  async #sign(request: {
    method: string;
    key: string;
    uploadId?: string;
    partNumber?: number;
  }): Promise<{ url: string; fields?: Record<string, string>; key?: string }> {
    if (request.uploadId !== undefined) {
      const { key, uploadId, partNumber } = request;
      const [fileId, ticket] = [...this.#tickets].find(([, opened]) => opened.key === key) ?? [];
      const id = ticket?.id ?? key.split('/')[1] ?? '';
      const bytesOfFile = this.#uppy.getFile(fileId ?? '')?.size ?? 0;
      const part = partNumber === undefined ? undefined : { partNumber, size: partBytes(bytesOfFile, partNumber) };
      return { url: await this.api.sign(id, uploadId, operationOf(request), part) };
    }
    const file = this.#uppy.getFile(request.key);
    if (file === undefined) throw new Error('The file was removed');
    const ticket = await this.#open(file);
    if (ticket.kind !== 'post') throw new Error('The server wants this file in parts: reload the page');
    return { url: ticket.url, fields: { ...ticket.fields }, key: ticket.key };
  }

  async #finish(file: File_ | undefined): Promise<void> {
    if (file === undefined) return;
    const ticket = this.#tickets.get(file.id);
    if (ticket !== undefined) {
      if (this.config.confirmUploads === true) {
        try {
          await this.api.confirm(ticket.id);
        } catch (error) {
          this.#reasons.set(file.id, `Uploaded, but not queued: ${reasonOf(error)}`);
          return this.listeners.changed();
        }
      }
      this.listeners.uploaded(ticket.id, file.name);
    }
    this.#forget(file.id);
    // Frees the file's memory, and lets the same file be uploaded again.
    if (this.#uppy.getFile(file.id)) this.#uppy.removeFile(file.id);
  }

  #forget(id: string): void {
    const ticket = this.#tickets.get(id);
    if (ticket?.kind === 'multipart') void this.unfinished.remove(ticket.id);
    this.#tickets.delete(id);
    this.#reasons.delete(id);
    this.#resumed.delete(id);
    this.#renewed.delete(id);
  }

  #row(file: File_): UploadRow {
    const { bytesUploaded, uploadStarted, uploadComplete } = file.progress;
    const sentBytes = typeof bytesUploaded === 'number' ? bytesUploaded : 0;
    const reason = this.#reasons.get(file.id);
    const state =
      reason !== undefined
        ? 'failed'
        : uploadComplete
          ? 'done'
          : file.isPaused
            ? 'paused'
            : uploadStarted
              ? 'sending'
              : 'waiting';
    const resumed = this.#resumed.has(file.id);
    return { id: file.id, name: file.name, sizeBytes: file.size ?? 0, sentBytes, state, reason, resumed };
  }
}

function operationOf({ method, partNumber }: { method: string; partNumber?: number }): SignedOperation {
  if (partNumber !== undefined) return 'part';
  return method === 'GET' ? 'list' : method === 'DELETE' ? 'abort' : 'complete';
}
