import type * as Lru from 'lru-cache';
import { systemClock, type Clock } from './clock';
import type { IdempotencyBegin, IdempotencyClaim, IdempotencyStore } from './idempotency';
import { decideBegin, recordLifeMs, type IdempotencyRecord, type RetentionOptions } from './idempotency-record';
import { missingPackage } from './optional-package';

/** What a memory store needs. */
export interface MemoryIdempotencyStoreOptions extends RetentionOptions {
  /** Records kept; beyond it the one that was used longest ago is forgotten. @default 100000 */
  readonly maxRecords?: number;
  /** @default systemClock */
  readonly clock?: Clock;
}

/**
 * Remembers handled messages in this process: stops repetitions that reach the same process again, such as a message
 * that was done when its delete failed. Several processes need a shared store.
 */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly #records: Lru.LRUCache<string, IdempotencyRecord>;
  readonly #clock: Clock;
  readonly #lifeMs: number;

  /** @throws MissingPackageError without `lru-cache` */
  constructor(options: MemoryIdempotencyStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#lifeMs = recordLifeMs(options);
    const { LRUCache } = loadLru();
    this.#records = new LRUCache({ max: options.maxRecords ?? 100_000 });
  }

  async begin(key: string, claim: IdempotencyClaim): Promise<IdempotencyBegin> {
    const nowMs = this.#clock.wallClock();
    const begun = decideBegin(this.#records.get(key), claim, nowMs);
    if (begun === 'started') this.#write(key, { ...claim, done: false });
    return begun;
  }

  async renew(key: string, claim: IdempotencyClaim): Promise<boolean> {
    const record = this.#records.get(key);
    if (record?.owner !== claim.owner || record.done) return false;
    this.#write(key, { ...claim, done: false });
    return true;
  }

  async complete(key: string, owner: string): Promise<boolean> {
    if (this.#records.get(key)?.owner !== owner) return false;
    this.#write(key, { owner, leaseUntilMs: 0, done: true });
    return true;
  }

  async release(key: string, owner: string): Promise<void> {
    const record = this.#records.get(key);
    if (record?.owner === owner && !record.done) this.#records.delete(key);
  }

  #write(key: string, record: Omit<IdempotencyRecord, 'expiresAtMs'>): void {
    this.#records.set(key, { ...record, expiresAtMs: this.#clock.wallClock() + this.#lifeMs });
  }
}

function loadLru(): typeof Lru {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only where this store is used
    return require('lru-cache') as typeof Lru;
  } catch (cause) {
    throw missingPackage('lru-cache', 'MemoryIdempotencyStore', cause);
  }
}
