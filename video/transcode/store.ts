import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';

/** An object's own facts. */
export interface ObjectHead {
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** One bucket, as the handler uses it. */
export interface ObjectStore {
  /** Undefined when there is no such object. */
  head(key: string): Promise<ObjectHead | undefined>;
  /** Copies an object into a file. */
  download(key: string, path: string, signal: AbortSignal): Promise<void>;
  /** Undefined when there is no such object. */
  getText(key: string): Promise<string | undefined>;
  putText(key: string, text: string, contentType: string): Promise<void>;
  /** Writes only where nothing is: one of several writers wins. @returns whether this call wrote. */
  putTextIfAbsent(key: string, text: string, contentType: string): Promise<boolean>;
  putFile(key: string, path: string, contentType: string, signal: AbortSignal): Promise<void>;
  /** Keys below a prefix, at most 1,000. */
  list(prefix: string): Promise<readonly string[]>;
}

/** What a client keeps of a finished file: its content never changes, a second run writes the same. */
const FOREVER = 'public, max-age=31536000, immutable';

/** The SDK does not repeat the upload of a stream, and one refused part must not cost a whole encoding. */
const PUT_TRIES = 5;
const PUT_PAUSE_MS = 100;

/** An S3 bucket as an {@link ObjectStore}. */
export class S3ObjectStore implements ObjectStore {
  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  async head(key: string): Promise<ObjectHead | undefined> {
    const head = await orUndefined(this.s3.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key })));
    if (head === undefined) return undefined;
    return { sizeBytes: head.ContentLength ?? 0, contentType: head.ContentType ?? '', metadata: head.Metadata ?? {} };
  }

  async download(key: string, path: string, signal: AbortSignal): Promise<void> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }), {
      abortSignal: signal,
    });
    if (!(Body instanceof Readable)) throw new Error(`S3 answered without a body for ${key}`);
    await pipeline(Body, createWriteStream(path), { signal });
  }

  async getText(key: string): Promise<string | undefined> {
    const found = await orUndefined(this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key })));
    return found?.Body?.transformToString();
  }

  async putText(key: string, text: string, contentType: string): Promise<void> {
    await this.s3.send(new PutObjectCommand({ ...this.#text(key, text, contentType) }));
  }

  async putTextIfAbsent(key: string, text: string, contentType: string): Promise<boolean> {
    try {
      await this.s3.send(new PutObjectCommand({ ...this.#text(key, text, contentType), IfNoneMatch: '*' }));
      return true;
    } catch (error) {
      // 412: it is there. 409: another writer is at it this moment; who wins is seen by reading.
      if (error instanceof S3ServiceException && [409, 412].includes(error.$metadata.httpStatusCode ?? 0)) return false;
      throw error;
    }
  }

  async putFile(key: string, path: string, contentType: string, signal: AbortSignal): Promise<void> {
    const { size } = await stat(path);
    for (let attempt = 1; ; attempt++) {
      const command = new PutObjectCommand({
        Bucket: this.bucket,
        Key: key,
        Body: createReadStream(path),
        ContentLength: size,
        ContentType: contentType,
        CacheControl: FOREVER,
      });
      try {
        await this.s3.send(command, { abortSignal: signal });
        return;
      } catch (error) {
        if (signal.aborted || attempt === PUT_TRIES || !isTransient(error)) throw error;
        await sleep(PUT_PAUSE_MS * 2 ** attempt, undefined, { signal });
      }
    }
  }

  async list(prefix: string): Promise<readonly string[]> {
    const page = await this.s3.send(new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix }));
    return (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
  }

  #text(key: string, text: string, contentType: string) {
    return { Bucket: this.bucket, Key: key, Body: text, ContentType: contentType, CacheControl: 'no-store' };
  }
}

async function orUndefined<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
    throw error;
  }
}

/** Whether a request failed on the way or on S3's side; a refusal (4xx) stays one. */
function isTransient(error: unknown): boolean {
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  return status === undefined || status === 429 || status >= 500;
}
