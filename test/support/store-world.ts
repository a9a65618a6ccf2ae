import { createHash } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  DynamoDbIdempotencyStore,
  MemoryIdempotencyStore,
  S3IdempotencyStore,
  type Clock,
  type IdempotencyStore,
} from '../../messaging';
import { FakeDynamoDb } from './fake-dynamodb';
import { FakeS3 } from './fake-s3';

export const STORE_KINDS = ['memory', 'dynamodb', 's3'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** The way of one call to where the records are, with its latency and faults. */
export type Way = <R>(call: () => Promise<R>) => Promise<R>;

/** The records that all workers of a world share, and what a look at them tells. */
export interface SharedRecords {
  /** A worker's own store, whose every call goes that way. */
  reachedBy(way: Way): IdempotencyStore;
  isDone(key: string): boolean;
}

/** Records in memory, in a DynamoDB table, or in S3 objects. */
export function sharedRecords(kind: StoreKind, clock: Clock): SharedRecords {
  if (kind === 'dynamodb') {
    const table = new FakeDynamoDb();
    return {
      reachedBy: (way) => {
        const { client } = table;
        const send = (command: never): Promise<object> => way(() => client.send(command));
        return new DynamoDbIdempotencyStore({
          dynamoDb: { send } as unknown as DynamoDBClient,
          tableName: 'table',
          clock,
        });
      },
      isDone: (key) => table.items.get(key)?.['done']?.BOOL === true,
    };
  }
  if (kind === 's3') {
    const bucket = new FakeS3();
    return {
      reachedBy: (way) => {
        const { client } = bucket;
        const send = (command: never): Promise<object> => way(() => client.send(command));
        return new S3IdempotencyStore({ s3: { send } as unknown as S3Client, bucket: 'bucket', prefix: '', clock });
      },
      isDone: (key) => {
        const object = bucket.objects.get(`bucket/${createHash('sha256').update(key).digest('hex')}`);
        return object !== undefined && (JSON.parse(object.body) as { done: boolean }).done;
      },
    };
  }
  const store = new MemoryIdempotencyStore({ clock });
  const done = new Set<string>();
  return {
    reachedBy: (way) => ({
      begin: (key, claim) => way(() => store.begin(key, claim)),
      renew: (key, claim) => way(() => store.renew(key, claim)),
      complete: (key, owner) =>
        way(async () => {
          const ours = await store.complete(key, owner);
          if (ours) done.add(key);
          return ours;
        }),
      release: (key, owner) => way(() => store.release(key, owner)),
    }),
    isDone: (key) => done.has(key),
  };
}
