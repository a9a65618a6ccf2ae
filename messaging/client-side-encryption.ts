import type * as Esdk from '@aws-crypto/client-node';
import type { BodyCodec } from './body-codec';
import { OptionsError } from './consumer-options';
import { PermanentError, WorkerError } from './handler';
import { missingPackage } from './optional-package';
import { SendError } from './send-error';
import type { BodyEncoder, QueueAddress } from './producer-options';
import type { MessageAttribute, SendEntry, TransportMessage } from './transport';

/** A keyring of `@aws-crypto/client-node`, such as `KmsKeyringNode` or `RawAesKeyringNode`. */
export interface EncryptionKeyring {
  onEncrypt(material: never): Promise<unknown>;
  onDecrypt(material: never, encryptedDataKeys: never): Promise<unknown>;
}

/** What client-side encryption needs. */
export interface ClientSideEncryptionOptions {
  /** Makes and opens data keys. */
  readonly keyring: EncryptionKeyring;
  /** ARN of the queue that messages are sent to; also for the consumer of its dead-letter queue. */
  readonly queueArn: string;
  /** What the messages are, for example `order`. A message attribute `MessageType` replaces it for its message. */
  readonly messageType: string;
  /** How long a data key is used, milliseconds, up to a day. @default 300000 */
  readonly keyMaxAgeMs?: number;
  /** How many messages are encrypted by one data key, 1 to 4294967296. @default 1000 */
  readonly keyMaxMessages?: number;
  /** Data keys that are remembered; each producer brings its own. @default 100 */
  readonly keyCacheSize?: number;
  /** Accept messages that are not encrypted, while producers are moved over. @default false: they are poison */
  readonly acceptPlaintext?: boolean;
}

/** Attribute that tells the type of a message, and that the encryption context then carries. */
export const MESSAGE_TYPE_ATTRIBUTE = 'MessageType';

/** Keys of the encryption context; the AWS Encryption SDK reserves only those that begin with `aws-crypto-`. */
const CONTEXT = { queueArn: 'queue-arn', messageType: 'message-type' } as const;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The data key could not be opened now: the key service may be out of reach, or deny access until somebody grants it. */
export class DataKeyError extends WorkerError {
  override name = 'DataKeyError';
}

/**
 * Encrypts bodies before they leave the process, with the AWS Encryption SDK: SQS, S3 and whoever can read them see
 * ciphertext only. Attributes stay readable.
 *
 * - AES-256-GCM with key commitment and without signature: an authentic message comes from somebody with the key.
 * - The ciphertext is bound to the queue and the message's type. In another queue, or with another type, it is poison.
 * - Data keys are cached, so that not every message costs a call to KMS.
 */
export class ClientSideEncryption implements BodyEncoder, BodyCodec {
  readonly extraAttributes = 0;
  readonly #options: ClientSideEncryptionOptions;
  readonly #esdk: typeof Esdk;
  readonly #client: ReturnType<typeof Esdk.buildClient>;
  readonly #materials: Esdk.NodeCachingMaterialsManager;
  /** The last request for each data key. */
  readonly #requests = new Map<string, Promise<unknown>>();

  /** @throws OptionsError; MissingPackageError without `@aws-crypto/client-node` */
  constructor(options: ClientSideEncryptionOptions) {
    checkOptions(options);
    this.#options = options;
    this.#esdk = loadSdk();
    const { CommitmentPolicy, getLocalCryptographicMaterialsCache, NodeCachingMaterialsManager } = this.#esdk;
    this.#client = this.#esdk.buildClient({
      commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
      // A message that names very many keys would cost a call to KMS for each of them.
      maxEncryptedDataKeys: 10,
    });
    this.#materials = new NodeCachingMaterialsManager({
      backingMaterials: options.keyring as unknown as Esdk.KeyringNode,
      cache: getLocalCryptographicMaterialsCache(options.keyCacheSize ?? 100),
      maxAge: options.keyMaxAgeMs ?? 300_000,
      maxMessagesEncrypted: options.keyMaxMessages ?? 1_000,
    });
  }

  async encode(entry: SendEntry, queue: QueueAddress): Promise<SendEntry> {
    if (queue.fifo && entry.deduplicationId === undefined)
      throw new SendError(
        'DeduplicationIdMissing',
        "'deduplicationId' must be set: equal texts encrypt differently, so content-based deduplication cannot see them",
        false,
      );
    const { result } = await this.#client.encrypt(this.#forEncryption(), Buffer.from(entry.body), {
      suiteId: this.#esdk.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
      encryptionContext: this.#context(entry.attributes),
    });
    return { ...entry, body: result.toString('base64') };
  }

  async decode(body: string, message: TransportMessage): Promise<string> {
    const { messageId } = message;
    if (!BASE64.test(body)) {
      if (this.#options.acceptPlaintext === true) return body;
      throw new PermanentError('the body is not encrypted', messageId);
    }
    try {
      const materials = this.#bound(this.#context(message.attributes), messageId);
      const { plaintext } = await this.#client.decrypt(materials, Buffer.from(body, 'base64'));
      return plaintext.toString();
    } catch (cause) {
      if (cause instanceof WorkerError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new PermanentError(`the body cannot be decrypted: ${reason}`, messageId, { cause });
    }
  }

  #context(attributes: Readonly<Record<string, MessageAttribute>> | undefined): Record<string, string> {
    const own = attributes?.[MESSAGE_TYPE_ATTRIBUTE]?.value;
    const messageType = typeof own === 'string' ? own : this.#options.messageType;
    return { [CONTEXT.queueArn]: this.#options.queueArn, [CONTEXT.messageType]: messageType };
  }

  #forEncryption(): Esdk.NodeMaterialsManager {
    return {
      getEncryptionMaterials: (request) =>
        this.#inTurn(`new ${request.encryptionContext[CONTEXT.messageType]}`, () =>
          this.#materials.getEncryptionMaterials(request),
        ),
      decryptMaterials: this.#materials.decryptMaterials,
    };
  }

  /** One request at a time for each data key: of a hundred messages at once, the first asks KMS and the others the cache. */
  async #inTurn<T>(key: string, request: () => Promise<T>): Promise<T> {
    const before = this.#requests.get(key) ?? Promise.resolve();
    const mine = before.then(request, request);
    this.#requests.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#requests.get(key) === mine) this.#requests.delete(key);
    }
  }

  /**
   * The materials manager for one message: refuses another context before any key is opened, and tells a key that cannot be
   * opened now from a ciphertext that never can.
   */
  #bound(expected: Record<string, string>, messageId: string): Esdk.NodeMaterialsManager {
    return {
      getEncryptionMaterials: this.#materials.getEncryptionMaterials,
      decryptMaterials: async (request) => {
        for (const [name, value] of Object.entries(expected)) {
          const found = request.encryptionContext[name];
          if (found !== value)
            throw new PermanentError(`the body is encrypted for ${name} '${found}', not '${value}'`, messageId);
        }
        try {
          const [first] = request.encryptedDataKeys;
          const key = Buffer.from(first?.encryptedDataKey ?? []).toString('base64');
          return await this.#inTurn(key, () => this.#materials.decryptMaterials(request));
        } catch (cause) {
          const reason = cause instanceof Error ? cause.message : String(cause);
          throw new DataKeyError(`no data key can be opened: ${reason}`, messageId, { cause });
        }
      },
    };
  }
}

function checkOptions(options: ClientSideEncryptionOptions): void {
  const found: string[] = [];
  const { queueArn, messageType, keyMaxAgeMs = 1, keyMaxMessages = 1, keyCacheSize = 1 } = options;
  if (!/^arn:[\w-]+:sqs:[\w-]+:\d{12}:[\w-]{1,80}(\.fifo)?$/.test(queueArn))
    found.push(`'queueArn' (${queueArn}) must be the ARN of an SQS queue: the ciphertext is bound to it`);
  if (messageType === '') found.push("'messageType' must not be empty: the ciphertext is bound to it");
  if (!(keyMaxAgeMs >= 1 && keyMaxAgeMs <= 86_400_000))
    found.push(
      `'keyMaxAgeMs' (${keyMaxAgeMs} milliseconds) must be from 1 to 86400000 milliseconds: keys must not live on`,
    );
  if (!(keyMaxMessages >= 1 && keyMaxMessages <= 2 ** 32))
    found.push(
      `'keyMaxMessages' (${keyMaxMessages} messages) must be from 1 to 4294967296 messages: the SDK allows no more`,
    );
  if (!(keyCacheSize >= 1)) found.push(`'keyCacheSize' (${keyCacheSize} keys) must be 1 key or more`);
  if (found.length > 0) throw new OptionsError(found);
}

function loadSdk(): typeof Esdk {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- an optional package, needed only here
    return require('@aws-crypto/client-node') as typeof Esdk;
  } catch (cause) {
    throw missingPackage('@aws-crypto/client-node', 'ClientSideEncryption', cause);
  }
}
