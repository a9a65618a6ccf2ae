import { randomUUID } from 'node:crypto';
import type * as S3 from '@aws-sdk/client-s3';
import type { BodyCodec } from './body-codec';
import { OptionsError } from './consumer-options';
import { PermanentError } from './handler';
import { missingPackage } from './optional-package';
import { attributeSize, contentDeduplicationId, SEND_LIMITS } from './outgoing-message';
import { SendError } from './send-error';
import type { BodyEncoder, QueueAddress } from './producer-options';
import type { MessageAttribute, SendEntry, TransportMessage } from './transport';

/** What a claim check needs. */
export interface ClaimCheckOptions {
  readonly s3: S3.S3Client;
  /** Where large bodies are put. */
  readonly bucket: string;
  /** Prefix of the objects: letters, digits and `. / _ -`. @default - none */
  readonly prefix?: string;
  /**
   * Messages larger than this, attributes included, go to S3; bytes, 0 to 1048576. 0 sends every body there.
   *
   * @default 1048576
   */
  readonly thresholdBytes?: number;
  /**
   * Further buckets that a pointer may name. Without this check whoever may send to the queue could have the consumer read, and
   * delete, any object that its role can reach.
   *
   * @default - only `bucket`
   */
  readonly trustedBuckets?: readonly string[];
  /** Delete the object once its message is deleted from the queue. @default true */
  readonly deleteAfterwards?: boolean;
  /** A larger object is refused as poison, bytes. @default 104857600 (100 MiB) */
  readonly maxBytes?: number;
}

/** Where a body is. */
export interface PayloadPointer {
  readonly s3BucketName: string;
  readonly s3Key: string;
}

/** Holds the size of the body in S3; its presence says that the SQS body is a pointer. */
export const PAYLOAD_SIZE_ATTRIBUTE = 'ExtendedPayloadSize';

/** What versions 1.x of the Java client called it. */
export const LEGACY_PAYLOAD_SIZE_ATTRIBUTE = 'SQSLargePayloadSize';

const RESERVED = [PAYLOAD_SIZE_ATTRIBUTE, LEGACY_PAYLOAD_SIZE_ATTRIBUTE];
const POINTER_CLASS = 'software.amazon.payloadoffloading.PayloadS3Pointer';
const POINTER_CLASSES = new Set([POINTER_CLASS, 'com.amazon.sqs.javamessaging.MessageS3Pointer']);

/** Writes the SQS body that the Java extended client reads. */
export function formatPointer(pointer: PayloadPointer): string {
  return JSON.stringify([POINTER_CLASS, { s3BucketName: pointer.s3BucketName, s3Key: pointer.s3Key }]);
}

/** Reads what this class or the Java extended client wrote; undefined when it is no pointer. */
export function parsePointer(body: string): PayloadPointer | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length !== 2 || !POINTER_CLASSES.has(parsed[0] as string)) return undefined;
  const { s3BucketName, s3Key } = (parsed[1] ?? {}) as Record<string, unknown>;
  return typeof s3BucketName === 'string' && typeof s3Key === 'string' ? { s3BucketName, s3Key } : undefined;
}

/**
 * Sends bodies that are too large for SQS through S3, in the format of the Amazon SQS Extended Client Library for Java:
 * give the same kind of object to a producer's `claimCheck` and a consumer's `claimCheck`.
 *
 * The object is there before the message is sent, and deleted only after the message is. A lifecycle rule on the bucket,
 * longer than the retention of queue and dead-letter queue together, removes what failed sends and crashes leave.
 */
export class ClaimCheck implements BodyEncoder, BodyCodec {
  readonly extraAttributes = 1;
  /** Whichever of two messages is deleted first takes its object with it. */
  readonly isExclusive = true;
  readonly #options: ClaimCheckOptions;
  readonly #trusted: ReadonlySet<string>;
  readonly #sdk: typeof S3;

  /** @throws OptionsError; MissingPackageError without `@aws-sdk/client-s3` */
  constructor(options: ClaimCheckOptions) {
    checkOptions(options);
    this.#options = options;
    this.#trusted = new Set([options.bucket, ...(options.trustedBuckets ?? [])]);
    this.#sdk = loadSdk();
  }

  async encode(entry: SendEntry, queue: QueueAddress): Promise<SendEntry> {
    const { attributes = {}, body } = entry;
    const reserved = RESERVED.find((name) => name in attributes);
    if (reserved !== undefined)
      throw new SendError('ReservedAttribute', `attribute '${reserved}' is used by the claim check: rename it`, false);
    const bodyBytes = Buffer.byteLength(body);
    const totalBytes = Object.entries(attributes).reduce((sum, [name, a]) => sum + attributeSize(name, a), bodyBytes);
    if (totalBytes <= (this.#options.thresholdBytes ?? SEND_LIMITS.bytes)) return entry;
    const { bucket, prefix = '' } = this.#options;
    const pointer = { s3BucketName: bucket, s3Key: `${prefix}${randomUUID()}` };
    await this.#options.s3.send(
      new this.#sdk.PutObjectCommand({
        Bucket: bucket,
        Key: pointer.s3Key,
        Body: body,
        ContentType: 'text/plain; charset=utf-8',
      }),
    );
    const size: MessageAttribute = { type: 'Number', value: String(bodyBytes) };
    // Content-based deduplication would see the pointer, which differs each time.
    const deduplicationId = entry.deduplicationId ?? (queue.fifo ? contentDeduplicationId(body) : undefined);
    return {
      ...entry,
      body: formatPointer(pointer),
      attributes: { ...attributes, [PAYLOAD_SIZE_ATTRIBUTE]: size },
      deduplicationId,
    };
  }

  async decode(body: string, message: TransportMessage): Promise<string> {
    if (!isClaimed(message)) return body;
    const pointer = this.#trustedPointer(message);
    const command = new this.#sdk.GetObjectCommand({ Bucket: pointer.s3BucketName, Key: pointer.s3Key });
    const where = `s3://${pointer.s3BucketName}/${pointer.s3Key}`;
    try {
      const { Body, ContentLength = 0 } = await this.#options.s3.send(command);
      const { maxBytes = 104_857_600 } = this.#options;
      if (ContentLength > maxBytes) {
        // Nobody reads it: left alone it would keep its connection.
        if (Body !== undefined && 'destroy' in Body) Body.destroy();
        throw new PermanentError(`${where} (${ContentLength} bytes) is above ${maxBytes} bytes`, message.messageId);
      }
      return (await Body?.transformToString('utf-8')) ?? '';
    } catch (cause) {
      if (cause instanceof this.#sdk.NoSuchKey || cause instanceof this.#sdk.NoSuchBucket)
        throw new PermanentError(`the body at ${where} does not exist`, message.messageId, { cause });
      throw cause;
    }
  }

  async afterDelete(message: TransportMessage): Promise<void> {
    if (this.#options.deleteAfterwards === false || !isClaimed(message)) return;
    const { s3BucketName, s3Key } = this.#trustedPointer(message);
    await this.#options.s3.send(new this.#sdk.DeleteObjectCommand({ Bucket: s3BucketName, Key: s3Key }));
  }

  #trustedPointer(message: TransportMessage): PayloadPointer {
    const pointer = parsePointer(message.body);
    if (pointer === undefined)
      throw new PermanentError('the message says that its body is in S3 but does not say where', message.messageId);
    const { prefix = '', bucket } = this.#options;
    const trusted = this.#trusted.has(pointer.s3BucketName);
    if (!trusted || (pointer.s3BucketName === bucket && !pointer.s3Key.startsWith(prefix)))
      throw new PermanentError(
        `the message points at s3://${pointer.s3BucketName}/${pointer.s3Key}, which is not trusted`,
        message.messageId,
      );
    return pointer;
  }
}

const isClaimed = ({ attributes }: TransportMessage): boolean => RESERVED.some((name) => name in attributes);

function checkOptions({ prefix = '', thresholdBytes = 0 }: ClaimCheckOptions): void {
  const found: string[] = [];
  // What the Java client accepts: a key of at most 1,024 characters, 36 of them the id.
  if (!/^[\w./-]{0,988}$/.test(prefix))
    found.push(`'prefix' (${prefix}) must be at most 988 letters, digits and . / _ -: they become part of the key`);
  if (!(thresholdBytes >= 0 && thresholdBytes <= SEND_LIMITS.bytes))
    found.push(
      `'thresholdBytes' (${thresholdBytes} bytes) must be from 0 to ${SEND_LIMITS.bytes} bytes: SQS takes no more`,
    );
  if (found.length > 0) throw new OptionsError(found);
}

function loadSdk(): typeof S3 {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only where this class is used
    return require('@aws-sdk/client-s3') as typeof S3;
  } catch (cause) {
    throw missingPackage('@aws-sdk/client-s3', 'ClaimCheck', cause);
  }
}
