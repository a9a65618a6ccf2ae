import {
  HARD_END_MS,
  leaseAfterReceive,
  planHeartbeat,
  renewalSeconds,
  renewed,
  RoundTrips,
} from '../../messaging/lease';
import { planOutbox } from '../../messaging/outbox';
import { adaptPollers, planPolls } from '../../messaging/poll-plan';
import { backoffSeconds, callRetryMs, resolveBackoff, visibilityWithin } from '../../messaging/retry';
import { classifyCall, classifyEntry, toSqsError, type SqsErrorKind } from '../../messaging/sqs-errors';
import { quarantineEntry } from '../../messaging/quarantine';
import fc from '../support/properties';

const policy = { visibilityMs: 30_000, roundTripMs: 50 };

describe('lease', () => {
  test('after a receive ends no later than SQS counts, whenever within the call it dequeued', () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(200), fc.integer({ min: 2, max: 43_200 }), (waitMs, backMs, seconds) => {
        const visibilityMs = seconds * 1000;
        const lease = leaseAfterReceive('h', 0, waitMs + backMs, { visibilityMs, roundTripMs: 50 });
        // SQS dequeued at waitMs; the answer took backMs, within the margin.
        expect(lease.deadlineMs).toBeLessThanOrEqual(waitMs + visibilityMs);
        expect(lease.hardEndMs).toBeLessThanOrEqual(waitMs + 43_200_000 - 1_000);
      }),
    );
  });

  test('after a renewal counts from its sending', () => {
    const lease = leaseAfterReceive('h', 0, 10, policy);
    renewed(lease, 20_000, 30);
    expect(lease.deadlineMs).toBe(50_000);
    renewed(lease, 15_000, 30);
    expect(lease.deadlineMs).toBe(50_000);
  });

  test.each([
    [0, 30],
    [HARD_END_MS - 30_000, 30],
    [HARD_END_MS - 29_000, 29],
    [HARD_END_MS - 999, 0],
    [HARD_END_MS, 0],
  ])('asks at %i ms for %i seconds', (now, seconds) => {
    const lease = { ...leaseAfterReceive('h', 0, 0, policy), deadlineMs: now + 1 };
    expect(renewalSeconds(lease, now, 30_000)).toBe(now + seconds * 1000 > now + 1 ? seconds : 0);
  });

  test('heartbeats: the due ones take along what is older than a third of the visibility', () => {
    const at = (receivedAtMs: number) => ({ lease: leaseAfterReceive('h', receivedAtMs, receivedAtMs, policy) });
    const [old, middle, fresh] = [at(0), at(9_000), at(15_000)];
    expect(planHeartbeat([old, middle, fresh], 19_000, policy)).toMatchObject({ renew: [], nextMs: 20_000 });
    const plan = planHeartbeat([fresh, middle, old], 20_000, policy);
    expect(plan.renew.map((r) => r.item)).toEqual([old, middle]);
    expect(plan.lost).toEqual([]);
    expect(planHeartbeat([old], 30_000, policy).lost).toEqual([old]);
  });

  test('heartbeats: each lease is looked at by its deadline, whenever it was renewed in vain before', () => {
    const lease = fc.record({ receivedAtMs: fc.nat(60_000), failedAfterMs: fc.nat(60_000) });
    fc.assert(
      fc.property(
        fc.array(lease, { minLength: 1, maxLength: 20 }),
        fc.nat(120_000),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(20_000),
        (leases, now, seconds, roundTripMs) => {
          const all = { visibilityMs: seconds * 1000, roundTripMs };
          const items = leases.map(({ receivedAtMs, failedAfterMs }) => {
            const received = leaseAfterReceive('h', receivedAtMs, receivedAtMs, all);
            return { lease: { ...received, renewedAtMs: receivedAtMs + failedAfterMs } };
          });
          const { lost, nextMs } = planHeartbeat(items, now, all);
          expect(lost).toEqual(items.filter((item) => item.lease.deadlineMs <= now));
          const live = items.filter((item) => !lost.includes(item)).map((item) => item.lease.deadlineMs);
          if (live.length > 0) expect(nextMs).toBeLessThanOrEqual(Math.min(...live));
        },
      ),
    );
  });

  test('round trips are estimated by the slowest of the last 64', () => {
    const trips = new RoundTrips(10);
    trips.record(500);
    for (let i = 0; i < 63; i++) trips.record(20);
    expect(trips.p99Ms).toBe(500);
    trips.record(20);
    expect(trips.p99Ms).toBe(20);
  });
});

describe('polls', () => {
  test('never reserve more than the capacity, and never starve (I3)', () => {
    const state = fc.record({
      capacity: fc.integer({ min: 1, max: 300 }),
      leased: fc.nat(300),
      waiting: fc.nat(20),
      requested: fc.nat(300),
      outstanding: fc.nat(30),
      pollers: fc.integer({ min: 1, max: 30 }),
      scarceSinceMs: fc.constantFrom(undefined, 0),
      meanRunMs: fc.nat(5_000),
    });
    fc.assert(
      fc.property(state, fc.nat(100), (s, now) => {
        const { asks, wakeAtMs } = planPolls(s, now);
        const sum = asks.reduce((a, b) => a + b, 0);
        expect(s.leased + s.requested + sum).toBeLessThanOrEqual(Math.max(s.capacity, s.leased + s.requested));
        expect(asks.every((a) => a >= 1 && a <= 10)).toBe(true);
        const free = s.capacity - s.leased - s.requested;
        if (s.outstanding === 0 && free > 0) expect(asks.length > 0 || wakeAtMs !== undefined).toBe(true);
      }),
    );
  });

  test('adapt: more after a full receive, fewer after a half empty one', () => {
    expect(adaptPollers(1, 10, 10, 100)).toBe(2);
    expect(adaptPollers(10, 10, 10, 100)).toBe(10);
    expect(adaptPollers(5, 10, 7, 100)).toBe(5);
    expect(adaptPollers(5, 10, 5, 100)).toBe(4);
    expect(adaptPollers(1, 10, 0, 100)).toBe(1);
  });
});

describe('outbox', () => {
  test('sends full batches at once and the rest when one is due, each entry once (I9)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100), { maxLength: 45 }), fc.nat(100), fc.nat(10), (dues, now, inFlight) => {
        const waiting = dues.map((dueMs) => ({ item: dueMs, dueMs }));
        const { batches, wakeAtMs } = planOutbox(waiting, now, { inFlight, softLimit: 8 });
        expect(batches.every((b) => b >= 1 && b <= 10)).toBe(true);
        const sent = batches.reduce((a, b) => a + b, 0);
        expect(dues.length - sent).toBeLessThan(10);
        const left = dues.slice(sent);
        if (wakeAtMs !== undefined) expect(Math.min(...left)).toBe(wakeAtMs);
        else if (left.length > 0) expect(inFlight + batches.length).toBeGreaterThanOrEqual(8);
      }),
    );
  });
});

describe('retries', () => {
  test('backoff grows up to its cap whatever the jitter draws (I18)', () => {
    fc.assert(
      fc.property(
        fc.float({ min: 0, max: 1, noNaN: true }),
        fc.float({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 3000 }),
        (a, b, n) => {
          const backoff = resolveBackoff({ jitter: 0.5 });
          const before = backoffSeconds(backoff, n, () => a);
          const after = backoffSeconds(backoff, n + 1, () => b);
          expect(after).toBeLessThanOrEqual(900);
          if (2 * 2 ** n < 900) expect(after).toBeGreaterThanOrEqual(before);
        },
      ),
    );
  });

  test('a visibility is whole and never past the 12 hours', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 50_000, noNaN: true }), fc.nat(43_200_000), (seconds, now) => {
        const visibility = visibilityWithin(seconds, HARD_END_MS, now);
        expect(Number.isInteger(visibility)).toBe(true);
        expect(visibility).toBeGreaterThanOrEqual(0);
        expect(now + visibility * 1000).toBeLessThanOrEqual(Math.max(now, HARD_END_MS));
      }),
    );
  });

  test.each<[SqsErrorKind, number, number]>([
    ['permanent', 30_000, 60_000],
    ['throttled', 50, 20_000],
    ['transient', 50, 5_000],
    ['credentials', 50, 5_000],
  ])('%s calls pause between %i and %i ms in the end', (kind, least, most) => {
    expect(callRetryMs(kind, 50, () => 0)).toBe(least);
    expect(callRetryMs(kind, 50, () => 1)).toBe(most);
  });
});

describe('errors', () => {
  test.each([
    ['AccessDeniedException', 400, 'permanent'],
    ['KMS.AccessDeniedException', 400, 'permanent'],
    ['KmsThrottled', 400, 'throttled'],
    ['KMS.ThrottlingException', 400, 'throttled'],
    ['AWS.SimpleQueueService.NonExistentQueue', 400, 'permanent'],
    ['RequestThrottled', 403, 'throttled'],
    ['OverLimit', 403, 'throttled'],
    ['ExpiredToken', 403, 'credentials'],
    ['InternalFailure', 500, 'transient'],
    ['ServiceUnavailable', 503, 'transient'],
    ['ECONNRESET', undefined, 'transient'],
    ['CredentialsProviderError', undefined, 'credentials'],
    ['InvalidClientTokenId', 403, 'permanent'],
  ])('%s (%s) is %s', (code, status, kind) => {
    expect(classifyCall(code, status)).toBe(kind);
  });

  test.each([
    ['ReceiptHandleIsInvalid', true, 'stale'],
    ['AWS.SimpleQueueService.MessageNotInflight', true, 'stale'],
    ['InvalidParameterValue', true, 'stale'],
    ['InternalError', false, 'transient'],
    ['RequestThrottled', true, 'throttled'],
  ])('an entry that failed with %s (sender at fault: %s) is %s', (code, senderFault, kind) => {
    expect(classifyEntry(code, senderFault)).toBe(kind);
  });

  test('whatever a call throws becomes an SqsError', () => {
    expect(toSqsError(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))).toMatchObject({
      code: 'ECONNRESET',
      kind: 'transient',
    });
    expect(toSqsError('text')).toMatchObject({ kind: 'transient' });
    expect(toSqsError(undefined)).toMatchObject({ kind: 'transient' });
  });
});

describe('quarantine', () => {
  const message = { messageId: 'm', receiptHandle: 'h', body: 'b', attributes: {}, receiveCount: 1, sentAtMs: 0 };

  test('keeps the attributes of a message first, within the 10 of SQS', () => {
    const attributes = Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => [`a${i}`, { type: 'String', value: 'v' }]),
    );
    const names = Object.keys(quarantineEntry({ ...message, attributes }, new Error('why')).attributes ?? {});
    expect(names).toHaveLength(10);
    expect(names.at(-1)).toBe('QueueFleet.Reason');
  });

  test('leaves its reason out where 1 MiB is full', () => {
    const entry = quarantineEntry({ ...message, body: 'x'.repeat(1_048_576) }, new Error('why'));
    expect(entry.attributes).toEqual({});
  });
});
