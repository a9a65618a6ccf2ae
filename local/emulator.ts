/**
 * The embedded SQS and S3 (fauxqs) without its own listener: the edge hands requests to it in this process.
 *
 * fauxqs's `startFauxqs` listens on every interface and refuses bodies over 11 MiB, so its parts are used one level
 * below: the stores, the persistence, and the application that answers a request. The interfaces here are the parts of
 * those modules that the local run touches; the version is pinned exactly and the conformance suite covers each.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { LocalRunError } from './errors';
import type { EdgeRequest, EdgeResponse } from './edge/http';

/** A message in the emulator's store. */
export interface StoredMessage {
  messageId: string;
  body: string;
  md5OfBody: string;
  messageAttributes: Record<string, { DataType: string; StringValue?: string; BinaryValue?: string }>;
  md5OfMessageAttributes: string;
  sentTimestamp: number;
  approximateReceiveCount: number;
  approximateFirstReceiveTimestamp?: number;
  delayUntil?: number;
  messageGroupId?: string;
  messageDeduplicationId?: string;
  sequenceNumber?: string;
}

/** A queue in the emulator's store. */
export interface StoredQueue {
  readonly name: string;
  /** Holds the port of the run that created it. */
  url: string;
  readonly arn: string;
  readonly attributes: Record<string, string>;
  readonly inflightMessages: Map<string, { message: StoredMessage; receiptHandle: string; visibilityDeadline: number }>;
  isFifo(): boolean;
  setAttributes(attributes: Record<string, string>): void;
  enqueue(message: StoredMessage): void;
  dequeue(maxCount: number, visibilityTimeout?: number, resolver?: (arn: string) => StoredQueue | undefined): unknown[];
  deleteMessage(receiptHandle: string): boolean;
  changeVisibility(receiptHandle: string, timeoutSeconds: number): void;
  processTimers(): void;
  nextSequenceNumber(): string;
  purge(): void;
  inspectMessages(): {
    ready: StoredMessage[];
    delayed: StoredMessage[];
    inflight: { message: StoredMessage; receiptHandle: string; visibilityDeadline: number }[];
  };
}

/** The emulator's queues. */
export interface QueueStore {
  createQueue(name: string, url: string, arn: string, attributes: Record<string, string>): StoredQueue;
  getQueue(url: string): StoredQueue | undefined;
  getQueueByName(name: string): StoredQueue | undefined;
  getQueueByArn(arn: string): StoredQueue | undefined;
}

/** An object in the emulator's store. */
export interface StoredObject {
  readonly key: string;
  readonly body: Buffer;
  readonly contentType: string;
  readonly contentLength: number;
  readonly etag: string;
  readonly lastModified: Date;
  readonly metadata: Record<string, string>;
}

/** An open multipart upload. */
export interface StoredUpload {
  readonly uploadId: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiated: Date;
  /** `CRC32`, for example, when the upload was created with one. */
  readonly checksumAlgorithm?: string;
  readonly parts: Map<number, { partNumber: number; body: Buffer; etag: string; lastModified: Date }>;
}

/** System metadata of an object. */
export interface SystemMetadata {
  contentLanguage?: string;
  contentDisposition?: string;
  cacheControl?: string;
  contentEncoding?: string;
}

/** The emulator's buckets. */
export interface ObjectStore {
  readonly multipartUploads: Map<string, StoredUpload>;
  createBucket(name: string): void;
  hasBucket(name: string): boolean;
  putObject(
    bucket: string,
    key: string,
    body: Buffer,
    contentType: string,
    metadata: Record<string, string>,
    systemMetadata: SystemMetadata,
    checksum?: { algorithm: string; value: string; type: 'FULL_OBJECT' },
  ): StoredObject;
  headObject(bucket: string, key: string): StoredObject;
  getObject(bucket: string, key: string): StoredObject;
  uploadPart(uploadId: string, partNumber: number, body: Buffer, checksum?: string): { etag: string };
}

/** What the edge needs of the emulator. */
export interface Emulator {
  readonly sqs: QueueStore;
  readonly s3: ObjectStore;
  /** True when queues and objects are kept in a directory. */
  readonly persistent: boolean;
  /** Makes a message as SendMessage does. */
  createMessage(body: string, delaySeconds?: number): StoredMessage;
  /** Answers a request as the emulator itself does. */
  handle(request: EdgeRequest): Promise<EdgeResponse>;
  stop(): Promise<void>;
}

interface FauxqsApplication {
  ready(): Promise<unknown>;
  close(): Promise<unknown>;
  inject(request: { method: string; url: string; headers: object; payload?: Buffer }): Promise<{
    statusCode: number;
    headers: Record<string, string | string[] | number | undefined>;
    rawPayload: Buffer;
  }>;
}

/** Directory of fauxqs's modules. Its package.json exports only an import condition, so `require.resolve` cannot find it. */
function fauxqsDirectory(): string {
  const candidates = createRequire(__filename).resolve.paths('fauxqs') ?? [];
  const found = candidates
    .map((directory) => path.join(directory, 'fauxqs', 'dist'))
    .find((directory) => existsSync(path.join(directory, 'app.js')));
  if (found) return found;
  throw new LocalRunError('the local run needs the package fauxqs: run `npm install --save-dev fauxqs@2.4.1`');
}

/** @throws LocalRunError when this Node.js has no `node:sqlite`, which the emulator loads */
export function checkNodeVersion(version: string, hasSqlite: boolean): void {
  if (hasSqlite) return;
  throw new LocalRunError(
    `the local run needs Node.js 22.13 or newer, this is ${version}: run \`npm ci\` without --ignore-scripts ` +
      '(it brings Node.js 24) and start through npm, or install a newer Node.js',
  );
}

/** Starts the emulator; with `dataDir`, with the queues and objects that were there before. */
export async function startEmulator(options: { readonly dataDir?: string } = {}): Promise<Emulator> {
  checkNodeVersion(process.version, process.getBuiltinModule?.('node:sqlite') !== undefined);
  const directory = fauxqsDirectory();
  const load = (file: string): Promise<Record<string, never>> => import(pathToFileURL(path.join(directory, file)).href);
  const [app, sqsModule, snsModule, s3Module, persistenceModule] = await Promise.all([
    load('app.js'),
    load('sqs/sqsStore.js'),
    load('sns/snsStore.js'),
    load('s3/s3Store.js'),
    load('persistence.js'),
  ]);
  const make = <T>(module: Record<string, unknown>, name: string, ...args: unknown[]): T =>
    new (module[name] as new (...args: unknown[]) => T)(...args);
  type Persisted = { persistence?: unknown };
  const sqs = make<QueueStore & Persisted & { allQueues(): Iterable<Persisted> }>(sqsModule, 'SqsStore');
  const sns = make<Persisted>(snsModule, 'SnsStore');
  const s3 = make<ObjectStore & Persisted>(s3Module, 'S3Store');
  const persistence =
    options.dataDir === undefined
      ? undefined
      : make<{ load(...stores: unknown[]): void; close(): void }>(
          persistenceModule,
          'PersistenceManager',
          options.dataDir,
        );
  if (persistence) {
    // Loaded before the stores are told of it: loading would otherwise write everything again.
    persistence.load(sqs, sns, s3);
    for (const store of [sqs, sns, s3, ...sqs.allQueues()]) store.persistence = persistence;
  }
  const buildApp = app['buildApp'] as unknown as (options: object) => FauxqsApplication;
  const application = buildApp({ logger: false, stores: { sqsStore: sqs, snsStore: sns, s3Store: s3 } });
  await application.ready();
  return {
    sqs,
    s3,
    persistent: persistence !== undefined,
    createMessage: (body, delaySeconds) =>
      (
        sqsModule['SqsStore'] as unknown as {
          createMessage(body: string, attributes: object, delaySeconds?: number): StoredMessage;
        }
      ).createMessage(body, {}, delaySeconds),
    handle: async ({ method, target, headers, body }) => {
      const answer = await application.inject({
        method,
        url: target,
        headers: { ...headers, 'content-length': String(body.length) },
        ...(body.length > 0 && { payload: body }),
      });
      const kept = Object.entries(answer.headers).flatMap(([name, value]) =>
        value === undefined || HOP_BY_HOP.has(name) ? [] : [[name, String(value)] as const],
      );
      return { status: answer.statusCode, headers: Object.fromEntries(kept), body: answer.rawPayload };
    },
    stop: async () => {
      await application.close();
      persistence?.close();
    },
  };
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date']);
