import { createHash } from 'node:crypto';
import type * as S3 from '@aws-sdk/client-s3';
import { systemClock, type Clock } from './clock';
import type { IdempotencyBegin, IdempotencyClaim, IdempotencyStore } from './idempotency';
import { decideBegin, recordLifeMs, type IdempotencyRecord, type RetentionOptions } from './idempotency-record';
import { missingPackage } from './optional-package';

/** What an S3 store needs. */
export interface S3IdempotencyStoreOptions extends RetentionOptions {
  readonly s3: S3.S3Client;
  readonly bucket: string;
  /** Prefix of the objects; a lifecycle rule on it removes them after the retention. @default idempotency/ */
  readonly prefix?: string;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** A record as read, with the tag that a conditional write of it names. */
interface Stored {
  readonly record: IdempotencyRecord;
  readonly etag: string;
}

/** How often a write is tried again after somebody else changed the record in between. */
const MAX_ROUNDS = 4;

/**
 * Remembers handled messages as small objects in S3: no table to run, at the price of slower and dearer writes than
 * DynamoDB's.
 *
 * A new key is created with `If-None-Match: *`. Every later write reads the record, checks its owner and writes with
 * `If-Match`, so it succeeds only on the very version that was checked.
 */
export class S3IdempotencyStore implements IdempotencyStore {
  readonly #client: S3.S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #lifeMs: number;
  readonly #sdk: typeof S3;

  /** @throws MissingPackageError without `@aws-sdk/client-s3` */
  constructor(options: S3IdempotencyStoreOptions) {
    this.#client = options.s3;
    this.#bucket = options.bucket;
    this.#prefix = options.prefix ?? 'idempotency/';
    this.#clock = options.clock ?? systemClock;
    this.#lifeMs = recordLifeMs(options);
    this.#sdk = loadSdk();
  }

  async begin(key: string, claim: IdempotencyClaim): Promise<IdempotencyBegin> {
    const mine = { owner: claim.owner, leaseUntilMs: claim.leaseUntilMs, done: false };
    if (await this.#write(key, mine, { IfNoneMatch: '*' })) return 'started';
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const stored = await this.#read(key);
      const begun = decideBegin(stored?.record, claim, this.#clock.wallClock());
      if (begun !== 'started') return begun;
      if (await this.#write(key, mine, stored === undefined ? { IfNoneMatch: '*' } : { IfMatch: stored.etag }))
        return 'started';
    }
    return { busyUntilMs: this.#clock.wallClock() + 1_000 };
  }

  async renew(key: string, claim: IdempotencyClaim): Promise<boolean> {
    return this.#change(key, claim.owner, (record) => (record.done ? undefined : { ...record, ...claim }));
  }

  async complete(key: string, owner: string): Promise<boolean> {
    return this.#change(key, owner, (record) => ({ ...record, leaseUntilMs: 0, done: true }));
  }

  async release(key: string, owner: string): Promise<void> {
    // Ends the lease instead of deleting: not every S3 implementation deletes conditionally. Nobody owns it then, so that a
    // renewal that was on its way cannot take it again.
    await this.#change(key, owner, (record) => (record.done ? undefined : { ...record, owner: '', leaseUntilMs: 0 }));
  }

  /** Rewrites the record while it is the owner's; false when it is not, or `next` declines. */
  async #change(
    key: string,
    owner: string,
    next: (record: IdempotencyRecord) => Omit<IdempotencyRecord, 'expiresAtMs'> | undefined,
  ): Promise<boolean> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const stored = await this.#read(key);
      if (stored?.record.owner !== owner) return false;
      const changed = next(stored.record);
      if (changed === undefined) return false;
      if (await this.#write(key, changed, { IfMatch: stored.etag })) return true;
    }
    throw new Error(`the record of ${key} is changed by others again and again`);
  }

  /** False when the condition does not hold, or S3 saw another conditional write at the same moment. */
  async #write(
    key: string,
    record: Omit<IdempotencyRecord, 'expiresAtMs'>,
    condition: Pick<S3.PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>,
  ): Promise<boolean> {
    const stored: IdempotencyRecord = { ...record, expiresAtMs: this.#clock.wallClock() + this.#lifeMs };
    const command = new this.#sdk.PutObjectCommand({
      Bucket: this.#bucket,
      Key: this.#objectKey(key),
      Body: JSON.stringify(stored),
      ContentType: 'application/json',
      ...condition,
    });
    try {
      await this.#client.send(command);
      return true;
    } catch (error) {
      const status = httpStatus(error);
      // 412: the condition does not hold. 409: two at once. 404: the object of `If-Match` is gone.
      if (status === 412 || status === 409 || (status === 404 && condition.IfMatch !== undefined)) return false;
      throw error;
    }
  }

  async #read(key: string): Promise<Stored | undefined> {
    const command = new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: this.#objectKey(key) });
    try {
      const { Body, ETag } = await this.#client.send(command);
      const record = JSON.parse((await Body?.transformToString()) ?? '') as IdempotencyRecord;
      return { record, etag: ETag ?? '' };
    } catch (error) {
      if (error instanceof this.#sdk.NoSuchKey) return undefined;
      throw error;
    }
  }

  /** Keys may hold anything and be of any length; object keys may not. */
  #objectKey(key: string): string {
    return this.#prefix + createHash('sha256').update(key).digest('hex');
  }
}

function httpStatus(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function loadSdk(): typeof S3 {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only where this store is used
    return require('@aws-sdk/client-s3') as typeof S3;
  } catch (cause) {
    throw missingPackage('@aws-sdk/client-s3', 'S3IdempotencyStore', cause);
  }
}
