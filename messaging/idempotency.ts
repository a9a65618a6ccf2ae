import type { ReceivedMessage } from './handler';

/**
 * Remembers which messages were handled, so that a second delivery is deleted instead of run again.
 *
 * A record is either in progress, with an owner and a lease, or done. All writes after `begin` carry the owner's token and
 * must change nothing when the record belongs to somebody else (fencing). A record whose lease is over belongs to nobody.
 */
export interface IdempotencyStore {
  /** Takes the key unless it is done or somebody's lease still holds. */
  begin(key: string, claim: IdempotencyClaim): Promise<IdempotencyBegin>;
  /** Prolongs the lease. @returns false when the record is no longer this owner's */
  renew(key: string, claim: IdempotencyClaim): Promise<boolean>;
  /** Marks the key as done. @returns false when the record is no longer this owner's */
  complete(key: string, owner: string): Promise<boolean>;
  /** Gives the key back, so that the next delivery may run at once. */
  release(key: string, owner: string): Promise<void>;
}

/** Who holds a key, and until when. */
export interface IdempotencyClaim {
  /** Unique for each run of a handler. */
  readonly owner: string;
  /** End of the message's lease, milliseconds since 1970. */
  readonly leaseUntilMs: number;
}

/** `started`: run it. `done`: it was handled before. `busyUntilMs`: another owner holds it until then (ms since 1970). */
export type IdempotencyBegin = 'started' | 'done' | { readonly busyUntilMs: number };

/** How a consumer uses a store. `T` is the type of the decoded body. */
export interface IdempotencyOptions<T = string> {
  readonly store: IdempotencyStore;
  /**
   * What makes two messages the same work, of the message as the handler gets it: with a `schema` of what the validator made of
   * the body.
   *
   * @default - the message id, which is the same at each redelivery but not when a producer sends twice
   */
  readonly key?: (message: ReceivedMessage<T>) => string;
}
