import type * as DynamoDB from '@aws-sdk/client-dynamodb';
import { systemClock, type Clock } from './clock';
import type { IdempotencyBegin, IdempotencyClaim, IdempotencyStore } from './idempotency';
import { decideBegin, recordLifeMs, type IdempotencyRecord, type RetentionOptions } from './idempotency-record';
import { missingPackage } from './optional-package';

/** What a DynamoDB store needs. */
export interface DynamoDbIdempotencyStoreOptions extends RetentionOptions {
  readonly dynamoDb: DynamoDB.DynamoDBClient;
  /** A table whose partition key is the string `id`, without a sort key, and with `expiresAt` as its TTL attribute. */
  readonly tableName: string;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** Names of the attributes; aliased in expressions because some are reserved words. */
const NAMES = { '#owner': 'owner', '#lease': 'leaseUntilMs', '#done': 'done', '#expires': 'expiresAt' } as const;

/**
 * Remembers handled messages in a DynamoDB table: one conditional write for begin, renew, complete and release each.
 *
 * The condition names the owner, so a write of a worker that lost its lease changes nothing. Items that are expired but
 * not yet removed (DynamoDB takes days for that) count as absent.
 */
export class DynamoDbIdempotencyStore implements IdempotencyStore {
  readonly #client: DynamoDB.DynamoDBClient;
  readonly #tableName: string;
  readonly #clock: Clock;
  readonly #lifeMs: number;
  readonly #sdk: typeof DynamoDB;

  /** @throws MissingPackageError without `@aws-sdk/client-dynamodb` */
  constructor(options: DynamoDbIdempotencyStoreOptions) {
    this.#client = options.dynamoDb;
    this.#tableName = options.tableName;
    this.#clock = options.clock ?? systemClock;
    this.#lifeMs = recordLifeMs(options);
    this.#sdk = loadSdk();
  }

  async begin(key: string, claim: IdempotencyClaim): Promise<IdempotencyBegin> {
    const nowMs = this.#clock.wallClock();
    const command = new this.#sdk.PutItemCommand({
      TableName: this.#tableName,
      Item: {
        id: { S: key },
        owner: { S: claim.owner },
        leaseUntilMs: { N: String(claim.leaseUntilMs) },
        done: { BOOL: false },
        expiresAt: this.#expiresAt(),
      },
      ConditionExpression:
        'attribute_not_exists(id) OR #expires <= :nowSeconds OR (#done = :false AND (#lease <= :now OR #owner = :owner))',
      ExpressionAttributeNames: NAMES,
      ExpressionAttributeValues: {
        ':owner': { S: claim.owner },
        ':now': { N: String(nowMs) },
        ':nowSeconds': { N: String(Math.floor(nowMs / 1_000)) },
        ':false': { BOOL: false },
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    try {
      await this.#client.send(command);
      return 'started';
    } catch (error) {
      if (!(error instanceof this.#sdk.ConditionalCheckFailedException)) throw error;
      const begun = decideBegin(fromItem(error.Item), claim, nowMs);
      // The condition said no: without the item, or when clocks differ, somebody else was just faster.
      return begun === 'started' ? { busyUntilMs: nowMs + 1_000 } : begun;
    }
  }

  async renew(key: string, claim: IdempotencyClaim): Promise<boolean> {
    return this.#change(key, {
      UpdateExpression: 'SET #lease = :lease, #expires = :expires',
      ConditionExpression: '#owner = :owner AND #done = :false',
      ExpressionAttributeNames: NAMES,
      ExpressionAttributeValues: {
        ':lease': { N: String(claim.leaseUntilMs) },
        ':expires': this.#expiresAt(),
        ':owner': { S: claim.owner },
        ':false': { BOOL: false },
      },
    });
  }

  async complete(key: string, owner: string): Promise<boolean> {
    return this.#change(key, {
      UpdateExpression: 'SET #done = :true, #expires = :expires REMOVE #lease',
      ConditionExpression: '#owner = :owner',
      ExpressionAttributeNames: NAMES,
      ExpressionAttributeValues: { ':true': { BOOL: true }, ':expires': this.#expiresAt(), ':owner': { S: owner } },
    });
  }

  async release(key: string, owner: string): Promise<void> {
    const command = new this.#sdk.DeleteItemCommand({
      TableName: this.#tableName,
      Key: { id: { S: key } },
      ConditionExpression: '#owner = :owner AND #done = :false',
      ExpressionAttributeNames: { '#owner': NAMES['#owner'], '#done': NAMES['#done'] },
      ExpressionAttributeValues: { ':owner': { S: owner }, ':false': { BOOL: false } },
    });
    await this.#succeeds(this.#client.send(command));
  }

  async #change(key: string, update: Omit<DynamoDB.UpdateItemCommandInput, 'TableName' | 'Key'>): Promise<boolean> {
    const names = Object.entries(NAMES).filter(([alias]) =>
      `${update.UpdateExpression} ${update.ConditionExpression}`.includes(alias),
    );
    const command = new this.#sdk.UpdateItemCommand({
      ...update,
      TableName: this.#tableName,
      Key: { id: { S: key } },
      // DynamoDB refuses names that no expression uses.
      ExpressionAttributeNames: Object.fromEntries(names),
    });
    return this.#succeeds(this.#client.send(command));
  }

  async #succeeds(call: Promise<unknown>): Promise<boolean> {
    try {
      await call;
      return true;
    } catch (error) {
      if (error instanceof this.#sdk.ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /** TTL attributes are in whole seconds. */
  #expiresAt(): { N: string } {
    return { N: String(Math.ceil((this.#clock.wallClock() + this.#lifeMs) / 1_000)) };
  }
}

function fromItem(item: Record<string, DynamoDB.AttributeValue> | undefined): IdempotencyRecord | undefined {
  if (item === undefined) return undefined;
  return {
    owner: item['owner']?.S ?? '',
    leaseUntilMs: Number(item['leaseUntilMs']?.N ?? 0),
    done: item['done']?.BOOL ?? false,
    expiresAtMs: Number(item['expiresAt']?.N ?? 0) * 1_000,
  };
}

function loadSdk(): typeof DynamoDB {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only where this store is used
    return require('@aws-sdk/client-dynamodb') as typeof DynamoDB;
  } catch (cause) {
    throw missingPackage('@aws-sdk/client-dynamodb', 'DynamoDbIdempotencyStore', cause);
  }
}
