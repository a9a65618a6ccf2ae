import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { putFile } from './put-file';
import { SMALL_REQUEST } from './s3-client';

/** An object's own facts. */
export interface ObjectHead {
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A small document and the version in which it was found. */
export interface StoredText {
  readonly text: string;
  /** For {@link ObjectStore.replaceText}. */
  readonly version: string;
}

/** One bucket, as the handler uses it. */
export interface ObjectStore {
  /** Undefined when there is no such object. */
  head(key: string): Promise<ObjectHead | undefined>;
  /** Copies an object into a file. */
  download(key: string, path: string, signal: AbortSignal): Promise<void>;
  /** Undefined when there is no such object. */
  getText(key: string): Promise<StoredText | undefined>;
  putText(key: string, text: string, contentType: string): Promise<void>;
  /**
   * Writes only over the given version, or where nothing is without one: of several writers one wins.
   *
   * @returns the new version; undefined when the store holds something else (which after a lost answer may be one's own)
   */
  replaceText(key: string, text: string, contentType: string, version: string | undefined): Promise<string | undefined>;
  putFile(key: string, path: string, contentType: string, signal: AbortSignal): Promise<void>;
  /** Keys below a prefix, at most 1,000. */
  list(prefix: string): Promise<readonly string[]>;
}

/** What a client keeps of a finished file: its content never changes, a second run writes the same. */
const FOREVER = 'public, max-age=31536000, immutable';

/** 412: the version is another. 404: there is none any more. 409: another writer is at it this moment. */
const REFUSED: readonly number[] = [404, 409, 412];

/** An S3 bucket as an {@link ObjectStore}. */
export class S3ObjectStore implements ObjectStore {
  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  async head(key: string): Promise<ObjectHead | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.bucket, Key: key });
    const head = await orUndefined(this.s3.send(command, SMALL_REQUEST));
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

  async getText(key: string): Promise<StoredText | undefined> {
    const command = new GetObjectCommand({ Bucket: this.bucket, Key: key });
    const found = await orUndefined(this.s3.send(command, SMALL_REQUEST));
    if (found?.Body === undefined) return undefined;
    return { text: await found.Body.transformToString(), version: found.ETag ?? '' };
  }

  async putText(key: string, text: string, contentType: string): Promise<void> {
    await this.s3.send(new PutObjectCommand({ ...this.#text(key, text, contentType) }), SMALL_REQUEST);
  }

  async replaceText(key: string, text: string, contentType: string, version?: string): Promise<string | undefined> {
    const condition = version === undefined ? { IfNoneMatch: '*' } : { IfMatch: version };
    try {
      const command = new PutObjectCommand({ ...this.#text(key, text, contentType), ...condition });
      return (await this.s3.send(command, SMALL_REQUEST)).ETag ?? '';
    } catch (error) {
      if (error instanceof S3ServiceException && REFUSED.includes(error.$metadata.httpStatusCode ?? 0))
        return undefined;
      throw error;
    }
  }

  async putFile(key: string, path: string, contentType: string, signal: AbortSignal): Promise<void> {
    const { s3, bucket } = this;
    await putFile(s3, { bucket, key, path, contentType, cacheControl: FOREVER, signal });
  }

  async list(prefix: string): Promise<readonly string[]> {
    const page = await this.s3.send(new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix }), SMALL_REQUEST);
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
