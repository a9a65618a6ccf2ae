import { MEDIA_KEYS, videoId } from '../../../video/contract';
import {
  acquireClaim,
  type ClaimContext,
  type ClaimRecord,
  closeClaim,
  latestClaim,
  renewClaim,
} from '../../../video/transcode/claim';
import { MemoryObjectStore } from '../../support/memory-object-store';

const ID = videoId(1_700_000_000_000, 'a1b2c3d4e5f6');
const LEASE_MS = 20_000;

function world() {
  const media = new MemoryObjectStore();
  const time = { nowMs: 1_000_000 };
  const by = (owner: string, messageId = `message-of-${owner}`): ClaimContext => ({
    media,
    owner,
    messageId,
    leaseMs: LEASE_MS,
    wallClockMs: () => time.nowMs,
  });
  return { media, time, by };
}

describe('claims', () => {
  test('the first of two wins, the second learns who holds it', async () => {
    const { by } = world();
    expect(await acquireClaim(by('a'), ID, false)).toMatchObject({ kind: 'won', generation: 1 });
    expect(await acquireClaim(by('b'), ID, false)).toMatchObject({ kind: 'held', by: { owner: 'a' } });
  });

  test('of many at the same instant one wins', async () => {
    const { by } = world();
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => acquireClaim(by(`w${i}`), ID, false)));
    expect(outcomes.filter(({ kind }) => kind === 'won')).toHaveLength(1);
  });

  test('may be taken over only when the lease has run out', async () => {
    const { by, time } = world();
    await acquireClaim(by('a'), ID, false);
    time.nowMs += LEASE_MS - 1;
    expect((await acquireClaim(by('b'), ID, false)).kind).toBe('held');
    time.nowMs += 1;
    expect(await acquireClaim(by('b'), ID, false)).toMatchObject({ kind: 'won', generation: 2 });
    expect(await renewClaim(by('a'), ID, 1, LEASE_MS)).toBe(false);
  });

  test('a renewed lease holds', async () => {
    const { by, time } = world();
    await acquireClaim(by('a'), ID, false);
    time.nowMs += LEASE_MS - 1;
    expect(await renewClaim(by('a'), ID, 1, LEASE_MS)).toBe(true);
    time.nowMs += LEASE_MS - 1;
    expect((await acquireClaim(by('b'), ID, false)).kind).toBe('held');
  });

  test('a lease of zero hands the upload back at once', async () => {
    const { by } = world();
    await acquireClaim(by('a'), ID, false);
    await renewClaim(by('a'), ID, 1, 0);
    expect(await acquireClaim(by('b'), ID, false)).toMatchObject({ kind: 'won', generation: 2 });
  });

  test('a writer whose answer was lost knows its own claim', async () => {
    const { by, media } = world();
    media.loseNextAnswer = true;
    expect(await acquireClaim(by('a'), ID, false)).toMatchObject({ kind: 'won', generation: 1 });
  });

  test('begins anew when told so, though the lease still holds', async () => {
    const { by } = world();
    await acquireClaim(by('a'), ID, false);
    expect(await acquireClaim(by('b'), ID, true)).toMatchObject({ kind: 'won', generation: 2 });
  });

  test('sorts generations as numbers', async () => {
    const { by, media, time } = world();
    for (let i = 1; i <= 11; i++) {
      await acquireClaim(by(`w${i}`), ID, false);
      time.nowMs += LEASE_MS;
    }
    expect((await latestClaim(media, ID))?.generation).toBe(11);
  });

  test('keeps how the work ended', async () => {
    const { by, media } = world();
    await acquireClaim(by('a'), ID, false);
    await closeClaim(by('a'), ID, 1, 'ready');
    expect(media.json<ClaimRecord>(MEDIA_KEYS.claim(ID, 1))).toMatchObject({ outcome: 'ready', owner: 'a' });
  });
});
