import { MEDIA_KEYS } from '../contract';
import type { ObjectStore } from './store';

/** The document of one claim, `<id>/claims/<generation>.json`. */
export interface ClaimRecord {
  /** Unique per attempt, so that a writer whose answer was lost knows its own record again. */
  readonly owner: string;
  /** The message whose receive made the claim: the same at each redelivery, another one for a duplicate event. */
  readonly messageId: string;
  /** Milliseconds since 1970; the claim may be taken over after it. */
  readonly leaseUntilMs: number;
  readonly startedAtMs: number;
  /** How the work ended, once it has. */
  readonly outcome?: 'ready' | 'failed';
}

/** What became of an attempt to claim. */
export type ClaimOutcome =
  /** `after`: the claim before it. */
  | { readonly kind: 'won'; readonly generation: number; readonly after: ClaimRecord | undefined }
  | { readonly kind: 'held'; readonly by: ClaimRecord };

/** What claims work with. */
export interface ClaimContext {
  readonly media: ObjectStore;
  readonly owner: string;
  readonly messageId: string;
  readonly leaseMs: number;
  readonly wallClockMs: () => number;
}

const JSON_TYPE = 'application/json';

/**
 * Claims an upload: whoever creates the object of the next generation owns it. A later generation may only be begun
 * when the lease of the latest has run out (its worker is gone) or `anew` says that the work is to be done again.
 *
 * Generations instead of overwriting: a create that must find nothing is the only conditional write needed, and the
 * number of generations is the number of times that an encoder was started.
 */
export async function acquireClaim(context: ClaimContext, id: string, anew: boolean): Promise<ClaimOutcome> {
  const { media, owner, messageId, leaseMs, wallClockMs } = context;
  const latest = await latestClaim(media, id);
  const held = latest !== undefined && !anew && latest.record.leaseUntilMs > wallClockMs();
  if (held) return { kind: 'held', by: latest.record };
  const generation = (latest?.generation ?? 0) + 1;
  const startedAtMs = wallClockMs();
  const mine: ClaimRecord = { owner, messageId, leaseUntilMs: startedAtMs + leaseMs, startedAtMs };
  const key = MEDIA_KEYS.claim(id, generation);
  const version = await media.replaceText(key, JSON.stringify(mine), JSON_TYPE, undefined);
  const won = { kind: 'won', generation, after: latest?.record } as const;
  if (version !== undefined) return won;
  const winner = await readClaim(media, key);
  // A lost answer and the SDK's own retry make our first write look like another's.
  if (winner?.owner === owner) return won;
  return { kind: 'held', by: winner ?? mine };
}

/** Moves the end of the lease. @returns false when another attempt has taken over, after which nothing may be written. */
export async function renewClaim(
  context: ClaimContext,
  id: string,
  generation: number,
  leaseMs: number,
): Promise<boolean> {
  const { media, owner, messageId, wallClockMs } = context;
  const latest = await latestClaim(media, id);
  if (latest === undefined || latest.generation !== generation || latest.record.owner !== owner) return false;
  const { startedAtMs } = latest.record;
  const record: ClaimRecord = { owner, messageId, leaseUntilMs: wallClockMs() + leaseMs, startedAtMs };
  await media.putText(MEDIA_KEYS.claim(id, generation), JSON.stringify(record), JSON_TYPE);
  return true;
}

/** Notes how the work ended, for whoever counts; the status document alone decides. */
export async function closeClaim(
  context: ClaimContext,
  id: string,
  generation: number,
  outcome: NonNullable<ClaimRecord['outcome']>,
): Promise<void> {
  const { media, owner, messageId, wallClockMs } = context;
  const key = MEDIA_KEYS.claim(id, generation);
  const startedAtMs = (await readClaim(media, key))?.startedAtMs ?? wallClockMs();
  const record: ClaimRecord = { owner, messageId, leaseUntilMs: wallClockMs(), startedAtMs, outcome };
  await media.putText(key, JSON.stringify(record), JSON_TYPE);
}

/** The claim of the highest generation, undefined before the first. */
export async function latestClaim(
  media: ObjectStore,
  id: string,
): Promise<{ readonly generation: number; readonly record: ClaimRecord } | undefined> {
  const generations = (await media.list(`${id}/claims/`)).map((key) => Number(/\/(\d+)\.json$/.exec(key)?.[1] ?? 0));
  const generation = Math.max(0, ...generations);
  if (generation === 0) return undefined;
  const record = await readClaim(media, MEDIA_KEYS.claim(id, generation));
  return record === undefined ? undefined : { generation, record };
}

async function readClaim(media: ObjectStore, key: string): Promise<ClaimRecord | undefined> {
  const found = await media.getText(key);
  return found === undefined ? undefined : (JSON.parse(found.text) as ClaimRecord);
}
