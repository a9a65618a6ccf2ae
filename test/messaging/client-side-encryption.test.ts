import { randomBytes } from 'node:crypto';
import {
  AlgorithmSuiteIdentifier,
  buildDecrypt,
  buildEncrypt,
  CommitmentPolicy,
  KeyringNode,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
  type EncryptedDataKey,
  type NodeDecryptionMaterial,
  type NodeEncryptionMaterial,
} from '@aws-crypto/client-node';
import {
  ClientSideEncryption,
  DataKeyError,
  type ClientSideEncryptionOptions,
} from '../../messaging/client-side-encryption';
import { PermanentError } from '../../messaging/handler';
import type { MessageAttribute, TransportMessage } from '../../messaging/transport';

const QUEUE = { queueUrl: 'https://sqs/1/jobs', fifo: false };
const queueArn = 'arn:aws:sqs:eu-west-1:123456789012:jobs';
const keyring = (unencryptedMasterKey = new Uint8Array(randomBytes(32))) =>
  new RawAesKeyringNode({
    keyName: 'test',
    keyNamespace: 'test',
    unencryptedMasterKey,
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
const key = keyring();

/** Counts how often data keys are made and opened. */
class CountingKeyring extends KeyringNode {
  calls = 0;
  _onEncrypt = (material: NodeEncryptionMaterial): Promise<NodeEncryptionMaterial> => {
    this.calls++;
    return key.onEncrypt(material);
  };
  _onDecrypt = (material: NodeDecryptionMaterial, keys: EncryptedDataKey[]): Promise<NodeDecryptionMaterial> => {
    this.calls++;
    return key.onDecrypt(material, keys);
  };
}

const make = (options: Partial<ClientSideEncryptionOptions> = {}) =>
  new ClientSideEncryption({ keyring: key, queueArn, messageType: 'order', ...options });
const message = (body: string, attributes: Record<string, MessageAttribute> = {}): TransportMessage => ({
  messageId: 'm',
  receiptHandle: 'r',
  body,
  attributes,
  receiveCount: 1,
  sentAtMs: 0,
});
const open = (codec: ClientSideEncryption, body: string, attributes?: Record<string, MessageAttribute>) =>
  codec.decode(body, message(body, attributes));

describe('ClientSideEncryption', () => {
  test('encrypts and decrypts a body, and nothing of it can be read on the way', async () => {
    const { body } = await make().encode({ body: 'Grüße 🎬' }, QUEUE);
    expect(Buffer.from(body, 'base64').toString('latin1')).not.toContain('Gr');
    expect(await open(make(), body)).toBe('Grüße 🎬');
  });

  test('writes a committed, unsigned message bound to queue and type', async () => {
    const { body } = await make().encode({ body: 'a' }, QUEUE);
    const { decrypt } = buildDecrypt(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
    const { messageHeader } = await decrypt(key, Buffer.from(body, 'base64'));
    expect(messageHeader.suiteId).toBe(AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY);
    expect({ ...messageHeader.encryptionContext }).toEqual({ 'queue-arn': queueArn, 'message-type': 'order' });
  });

  test.each([
    ['another queue', { queueArn: `${queueArn}2` }],
    ['another type', { messageType: 'refund' }],
  ])('I16: quarantines a body that is encrypted for %s', async (_name, options) => {
    const { body } = await make(options).encode({ body: 'a' }, QUEUE);
    const error: unknown = await open(make(), body).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(PermanentError);
    expect((error as Error).message).toContain('the body is encrypted for');
  });

  test('I16: binds the attribute MessageType, so that changing it on the way is found', async () => {
    const type = (value: string) => ({ MessageType: { type: 'String', value } });
    const { body } = await make().encode({ body: 'a', attributes: type('refund') }, QUEUE);
    expect(await open(make(), body, type('refund'))).toBe('a');
    await expect(open(make(), body, type('order'))).rejects.toBeInstanceOf(PermanentError);
    await expect(open(make(), body)).rejects.toBeInstanceOf(PermanentError);
  });

  test('quarantines what is not encrypted, cut off, changed, or written without commitment', async () => {
    const { body } = await make().encode({ body: 'secret' }, QUEUE);
    const bytes = Buffer.from(body, 'base64');
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(changed.length - 20) ^ 1, changed.length - 20);
    const { encrypt } = buildEncrypt(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT);
    const { result } = await encrypt(key, 'a', {
      encryptionContext: { 'queue-arn': queueArn, 'message-type': 'order' },
    });
    for (const bad of [
      '{"plain":1}',
      'aGVsbG8=',
      '',
      body.slice(0, 40),
      bytes.subarray(0, -5).toString('base64'),
      changed.toString('base64'),
      result.toString('base64'),
    ])
      await expect(open(make(), bad)).rejects.toBeInstanceOf(PermanentError);
  });

  test('takes plaintext only when told so', async () => {
    const codec = make({ acceptPlaintext: true });
    expect(await open(codec, '{"plain":1}')).toBe('{"plain":1}');
    await expect(open(codec, 'aGVsbG8=')).rejects.toBeInstanceOf(PermanentError);
  });

  test('lets the message come back when its data key cannot be opened now', async () => {
    const { body } = await make().encode({ body: 'a' }, QUEUE);
    const error: unknown = await open(make({ keyring: keyring() }), body).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DataKeyError);
    expect(error).not.toBeInstanceOf(PermanentError);
  });

  test('asks the keyring once for many messages, again after keyMaxMessages', async () => {
    const counting = new CountingKeyring();
    const codec = make({ keyring: counting, keyMaxMessages: 5 });
    const bodies = [];
    for (let n = 0; n < 10; n++) bodies.push((await codec.encode({ body: `m${n}` }, QUEUE)).body);
    expect(counting.calls).toBe(2);
    const reader = make({ keyring: counting });
    for (const [n, body] of bodies.entries()) expect(await open(reader, body)).toBe(`m${n}`);
    expect(counting.calls).toBe(4);
  });

  test('asks the keyring once for many messages at the same time', async () => {
    const counting = new CountingKeyring();
    const codec = make({ keyring: counting });
    const sent = await Promise.all([...Array(20).keys()].map((n) => codec.encode({ body: `m${n}` }, QUEUE)));
    expect(counting.calls).toBe(1);
    const reader = make({ keyring: counting });
    const texts = await Promise.all(sent.map(({ body }) => open(reader, body)));
    expect(texts).toEqual([...Array(20).keys()].map((n) => `m${n}`));
    expect(counting.calls).toBe(2);
  });

  test('needs a deduplication id on FIFO queues', async () => {
    const fifo = { ...QUEUE, fifo: true };
    await expect(make().encode({ body: 'a', groupId: 'g' }, fifo)).rejects.toMatchObject({
      code: 'DeduplicationIdMissing',
    });
    await make().encode({ body: 'a', groupId: 'g', deduplicationId: 'd' }, fifo);
  });

  test('fails when options are not valid, naming all of them', () => {
    expect(() =>
      make({ queueArn: 'jobs', messageType: '', keyMaxAgeMs: 0, keyMaxMessages: 0, keyCacheSize: 0 }),
    ).toThrow(
      /'queueArn' \(jobs\)[^]*'messageType'[^]*'keyMaxAgeMs' \(0 m[^]*'keyMaxMessages' \(0 m[^]*'keyCacheSize' \(0 keys\)/,
    );
  });

  test('says which package to install when it is absent', () => {
    jest.isolateModules(() => {
      jest.doMock('@aws-crypto/client-node', () => {
        throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
      });
      const fresh = jest.requireActual<typeof import('../../messaging/client-side-encryption')>(
        '../../messaging/client-side-encryption',
      );
      expect(() => new fresh.ClientSideEncryption({ keyring: key, queueArn, messageType: 'order' })).toThrow(
        'ClientSideEncryption needs the package @aws-crypto/client-node: run `npm install @aws-crypto/client-node`',
      );
    });
  });
});
