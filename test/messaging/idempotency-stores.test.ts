import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { DynamoDbIdempotencyStore } from '../../messaging/dynamodb-idempotency-store';
import type { IdempotencyStore } from '../../messaging/idempotency';
import { decideBegin, type IdempotencyRecord } from '../../messaging/idempotency-record';
import { MemoryIdempotencyStore } from '../../messaging/memory-idempotency-store';
import { S3IdempotencyStore } from '../../messaging/s3-idempotency-store';
import { FakeDynamoDb } from '../support/fake-dynamodb';
import { FakeS3, httpError } from '../support/fake-s3';
import fc, { runs } from '../support/properties';

/** Wall clock in whole seconds steps, as DynamoDB's expiry has no finer resolution. */
class WallClock {
  ms = 1_700_000_000_000;
  now = (): number => this.ms;
  wallClock = (): number => this.ms;
  setTimer = (): (() => void) => () => undefined;
}

const retentionSeconds = 60;
const LIFE_MS = (60 + 86_400) * 1_000;
const makers: Record<string, (clock: WallClock) => IdempotencyStore> = {
  memory: (clock) => new MemoryIdempotencyStore({ clock, retentionSeconds }),
  DynamoDB: (clock) =>
    new DynamoDbIdempotencyStore({ dynamoDb: new FakeDynamoDb().client, tableName: 't', clock, retentionSeconds }),
  S3: (clock) => new S3IdempotencyStore({ s3: new FakeS3().client, bucket: 'b', clock, retentionSeconds }),
};

describe.each(Object.entries(makers))('%s idempotency store', (_name, make) => {
  const owner = fc.constantFrom('a', 'b', 'c');
  const key = fc.constantFrom('k1', 'k2');
  const step = fc.oneof(
    fc.record({
      do: fc.constantFrom('begin' as const, 'renew' as const),
      key,
      owner,
      leaseMs: fc.integer({ min: 1, max: 5 }).map((s) => s * 1_000),
    }),
    fc.record({ do: fc.constantFrom('complete' as const, 'release' as const), key, owner }),
    fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.integer({ min: 1, max: 6 }).map((s) => s * 1_000),
        fc.constant(LIFE_MS),
      ),
    }),
  );

  test('I17: behaves as its model: fenced writes, leases that end, done records that stay', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new WallClock();
        const store = make(clock);
        const model = new Map<string, IdempotencyRecord>();
        const put = (k: string, record: Omit<IdempotencyRecord, 'expiresAtMs'>): void =>
          void model.set(k, { ...record, expiresAtMs: clock.ms + LIFE_MS });
        for (const action of steps) {
          if (action.do === 'wait') {
            clock.ms += action.ms;
            continue;
          }
          const record = model.get(action.key);
          const mine = record?.owner === action.owner;
          if (action.do === 'begin') {
            const claim = { owner: action.owner, leaseUntilMs: clock.ms + action.leaseMs };
            const expected = decideBegin(record, claim, clock.ms);
            expect(await store.begin(action.key, claim)).toEqual(expected);
            if (expected === 'started') put(action.key, { ...claim, done: false });
          } else if (action.do === 'renew') {
            const claim = { owner: action.owner, leaseUntilMs: clock.ms + action.leaseMs };
            const expected = mine && record?.done === false;
            expect(await store.renew(action.key, claim)).toBe(expected);
            if (expected) put(action.key, { ...claim, done: false });
          } else if (action.do === 'complete') {
            expect(await store.complete(action.key, action.owner)).toBe(mine);
            if (mine) put(action.key, { owner: action.owner, leaseUntilMs: 0, done: true });
          } else {
            await store.release(action.key, action.owner);
            if (!mine || record?.done !== false) continue;
            model.delete(action.key);
          }
        }
      }),
      { numRuns: runs(150) },
    );
  });

  test('lets exactly one of many owners start at the same moment', async () => {
    const clock = new WallClock();
    const store = make(clock);
    const race = (prefix: string) =>
      Promise.all(
        [...Array(8).keys()].map((n) => store.begin('k', { owner: `${prefix}${n}`, leaseUntilMs: clock.ms + 5_000 })),
      );
    const first = await race('first');
    expect(first.filter((begun) => begun === 'started')).toHaveLength(1);
    expect(first.filter((begun) => typeof begun === 'object')).toHaveLength(7);
    clock.ms += 5_000;
    expect((await race('second')).filter((begun) => begun === 'started')).toHaveLength(1);
  });

  test('I17: a duplicate of a done message is told so for longer than the retention', async () => {
    const clock = new WallClock();
    const store = make(clock);
    await store.begin('k', { owner: 'a', leaseUntilMs: clock.ms + 1_000 });
    await store.complete('k', 'a');
    clock.ms += retentionSeconds * 1_000 + 1_000;
    expect(await store.begin('k', { owner: 'b', leaseUntilMs: clock.ms + 1_000 })).toBe('done');
  });

  test('I17: a dead owner frees its key at the end of its lease, and can no longer complete it', async () => {
    const clock = new WallClock();
    const store = make(clock);
    await store.begin('k', { owner: 'dead', leaseUntilMs: clock.ms + 30_000 });
    clock.ms += 29_999;
    expect(await store.begin('k', { owner: 'b', leaseUntilMs: clock.ms + 30_000 })).toEqual({
      busyUntilMs: clock.ms + 1,
    });
    clock.ms += 1;
    expect(await store.begin('k', { owner: 'b', leaseUntilMs: clock.ms + 30_000 })).toBe('started');
    expect(await store.complete('k', 'dead')).toBe(false);
    expect(await store.renew('k', { owner: 'dead', leaseUntilMs: clock.ms + 90_000 })).toBe(false);
    await store.release('k', 'dead');
    expect(await store.begin('k', { owner: 'c', leaseUntilMs: clock.ms + 1 })).toEqual({
      busyUntilMs: clock.ms + 30_000,
    });
  });

  test('a renewal that comes after the release does not take the key again', async () => {
    const clock = new WallClock();
    const store = make(clock);
    await store.begin('k', { owner: 'a', leaseUntilMs: clock.ms + 30_000 });
    await store.release('k', 'a');
    expect(await store.renew('k', { owner: 'a', leaseUntilMs: clock.ms + 60_000 })).toBe(false);
    expect(await store.begin('k', { owner: 'b', leaseUntilMs: clock.ms + 30_000 })).toBe('started');
  });

  test('takes keys of any length and content', async () => {
    const clock = new WallClock();
    const store = make(clock);
    for (const odd of ['ü/../?', 'x'.repeat(2_000)]) {
      expect(await store.begin(odd, { owner: 'a', leaseUntilMs: clock.ms + 1 })).toBe('started');
      expect(await store.complete(odd, 'a')).toBe(true);
    }
  });
});

describe('MemoryIdempotencyStore', () => {
  test('forgets the record that was used longest ago beyond its limit', async () => {
    const clock = new WallClock();
    const store = new MemoryIdempotencyStore({ clock, maxRecords: 2 });
    for (const key of ['k1', 'k2', 'k3']) {
      await store.begin(key, { owner: 'a', leaseUntilMs: clock.ms + 1_000 });
      await store.complete(key, 'a');
    }
    expect(await store.begin('k3', { owner: 'b', leaseUntilMs: clock.ms + 1 })).toBe('done');
    expect(await store.begin('k1', { owner: 'b', leaseUntilMs: clock.ms + 1 })).toBe('started');
  });
});

describe('DynamoDbIdempotencyStore', () => {
  function table() {
    const dynamoDb = new FakeDynamoDb();
    const clock = new WallClock();
    return {
      dynamoDb,
      clock,
      store: new DynamoDbIdempotencyStore({ dynamoDb: dynamoDb.client, tableName: 'jobs', clock }),
    };
  }

  test('sends one conditional write for each call, with the expiry in seconds 15 days ahead', async () => {
    const { dynamoDb, clock, store } = table();
    await store.begin('k', { owner: 'a', leaseUntilMs: clock.ms + 5 });
    await store.complete('k', 'a');
    const [put, update] = dynamoDb.commands as [PutItemCommand, UpdateItemCommand];
    const expiresAt = { N: String(clock.ms / 1_000 + 15 * 86_400) };
    expect(put.input).toEqual({
      TableName: 'jobs',
      Item: {
        id: { S: 'k' },
        owner: { S: 'a' },
        leaseUntilMs: { N: String(clock.ms + 5) },
        done: { BOOL: false },
        expiresAt,
      },
      ConditionExpression:
        'attribute_not_exists(id) OR #expires <= :nowSeconds OR (#done = :false AND (#lease <= :now OR #owner = :owner))',
      ExpressionAttributeNames: {
        '#owner': 'owner',
        '#lease': 'leaseUntilMs',
        '#done': 'done',
        '#expires': 'expiresAt',
      },
      ExpressionAttributeValues: {
        ':owner': { S: 'a' },
        ':now': { N: String(clock.ms) },
        ':nowSeconds': { N: String(clock.ms / 1_000) },
        ':false': { BOOL: false },
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    expect(update.input).toEqual({
      TableName: 'jobs',
      Key: { id: { S: 'k' } },
      UpdateExpression: 'SET #done = :true, #expires = :expires REMOVE #lease',
      ConditionExpression: '#owner = :owner',
      ExpressionAttributeNames: {
        '#owner': 'owner',
        '#lease': 'leaseUntilMs',
        '#done': 'done',
        '#expires': 'expiresAt',
      },
      ExpressionAttributeValues: { ':true': { BOOL: true }, ':expires': expiresAt, ':owner': { S: 'a' } },
    });
  });

  test('starts again for the same owner after a lost answer', async () => {
    const { dynamoDb, clock, store } = table();
    dynamoDb.loseNextAnswer = true;
    const claim = { owner: 'a', leaseUntilMs: clock.ms + 5_000 };
    await expect(store.begin('k', claim)).rejects.toThrow('socket hang up');
    expect(await store.begin('k', claim)).toBe('started');
  });

  test('passes other errors on', async () => {
    const { dynamoDb, store } = table();
    dynamoDb.loseNextAnswer = true;
    await store.begin('k', { owner: 'a', leaseUntilMs: 0 }).catch(() => undefined);
    dynamoDb.loseNextAnswer = true;
    await expect(store.complete('k', 'a')).rejects.toThrow('socket hang up');
  });
});

describe('S3IdempotencyStore', () => {
  function bucket() {
    const s3 = new FakeS3();
    const clock = new WallClock();
    return { s3, clock, store: new S3IdempotencyStore({ s3: s3.client, bucket: 'b', clock }) };
  }

  test('creates with If-None-Match and changes with If-Match', async () => {
    const { s3, clock, store } = bucket();
    await store.begin('k', { owner: 'a', leaseUntilMs: clock.ms + 5 });
    await store.complete('k', 'a');
    const puts = s3.commands.filter((command) => command instanceof PutObjectCommand).map(({ input }) => input);
    expect(puts).toEqual([
      expect.objectContaining({
        Bucket: 'b',
        Key: expect.stringMatching(/^idempotency\/[0-9a-f]{64}$/),
        IfNoneMatch: '*',
      }),
      expect.objectContaining({ IfMatch: '"0"' }),
    ]);
  });

  test('repeats a write that S3 refuses because two came at once', async () => {
    const { s3, clock, store } = bucket();
    s3.failures.push(httpError(409, 'ConditionalRequestConflict'));
    expect(await store.begin('k', { owner: 'a', leaseUntilMs: clock.ms + 5 })).toBe('started');
  });

  test('passes other errors on', async () => {
    const { s3, store } = bucket();
    s3.failures.push(httpError(403, 'AccessDenied'));
    await expect(store.begin('k', { owner: 'a', leaseUntilMs: 0 })).rejects.toThrow('AccessDenied');
  });
});
