import { ClaimCheck, formatPointer, parsePointer, type ClaimCheckOptions } from '../../messaging/claim-check';
import { Consumer } from '../../messaging/consumer';
import { PermanentError } from '../../messaging/handler';
import { Producer } from '../../messaging/producer';
import { SqsError } from '../../messaging/sqs-errors';
import type { SendEntry, SqsTransport, TransportMessage } from '../../messaging/transport';
import { FakeS3, httpError } from '../support/fake-s3';
import { ManualClock } from '../support/manual-clock';

const STANDARD = { queueUrl: 'https://sqs/1/jobs', fifo: false };
const FIFO = { queueUrl: 'https://sqs/1/jobs.fifo', fifo: true };
const large = 'ü'.repeat(600_000);

function setUp(options: Partial<ClaimCheckOptions> = {}) {
  const s3 = new FakeS3();
  return { s3, check: new ClaimCheck({ s3: s3.client, bucket: 'bodies', prefix: 'in/', ...options }) };
}

const received = ({ body, attributes = {} }: SendEntry): TransportMessage => ({
  messageId: 'm',
  receiptHandle: 'r',
  body,
  attributes,
  receiveCount: 1,
  sentAtMs: 0,
});
const claimed = (body: string, attribute = 'ExtendedPayloadSize'): TransportMessage =>
  received({ body, attributes: { [attribute]: { type: 'Number', value: '5' } } });

describe('ClaimCheck', () => {
  test('puts a large body into S3 and brings it back', async () => {
    const { s3, check } = setUp();
    const sent = await check.encode({ body: large, attributes: { a: { type: 'String', value: 'b' } } }, STANDARD);
    expect(sent.attributes).toEqual({
      a: { type: 'String', value: 'b' },
      ExtendedPayloadSize: { type: 'Number', value: '1200000' },
    });
    expect([...s3.objects.keys()]).toEqual([expect.stringMatching(/^bodies\/in\/[0-9a-f-]{36}$/)]);
    expect(await check.decode(sent.body, received(sent))).toBe(large);
  });

  test.each([
    [1_048_576, {}, false],
    [1_048_577, {}, true],
    [1_048_568, { a: { type: 'String', value: 'b' } }, false],
    [1_048_569, { a: { type: 'String', value: 'b' } }, true],
  ])('a body of %d bytes with attributes %j: goes to S3 is %p', async (bytes, attributes, toS3) => {
    const { s3, check } = setUp();
    const entry = { body: 'x'.repeat(bytes), attributes };
    expect((await check.encode(entry, STANDARD)) !== entry).toBe(toS3);
    expect(s3.objects.size).toBe(toS3 ? 1 : 0);
  });

  test('writes the pointer byte for byte as the Java extended client', () => {
    expect(formatPointer({ s3BucketName: 'b', s3Key: 'k' })).toBe(
      '["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"k"}]',
    );
  });

  test.each([
    ['ExtendedPayloadSize', 'software.amazon.payloadoffloading.PayloadS3Pointer'],
    ['SQSLargePayloadSize', 'com.amazon.sqs.javamessaging.MessageS3Pointer'],
  ])('reads a message of the Java client with %s', async (attribute, className) => {
    const { s3, check } = setUp();
    s3.objects.set('bodies/in/k', { body: 'from Java', etag: '' });
    const pointer = JSON.stringify([className, { s3BucketName: 'bodies', s3Key: 'in/k' }]);
    expect(await check.decode(pointer, claimed(pointer, attribute))).toBe('from Java');
  });

  test('leaves a message without the attribute alone, even if it looks like a pointer', async () => {
    const { s3, check } = setUp();
    const body = formatPointer({ s3BucketName: 'bodies', s3Key: 'in/k' });
    expect(await check.decode(body, received({ body }))).toBe(body);
    await check.afterDelete(received({ body }));
    expect(s3.commands).toEqual([]);
  });

  test('a threshold of 0 sends every body through S3', async () => {
    const { s3, check } = setUp({ thresholdBytes: 0 });
    await check.encode({ body: 'small' }, STANDARD);
    expect([...s3.objects.values()].map(({ body }) => body)).toEqual(['small']);
  });

  test('deduplicates by the body, not by the pointer, on FIFO queues', async () => {
    const { check } = setUp({ thresholdBytes: 0 });
    const ids = [];
    for (const body of ['a', 'a', 'b']) ids.push((await check.encode({ body, groupId: 'g' }, FIFO)).deduplicationId);
    expect(ids[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    expect((await check.encode({ body: 'a', deduplicationId: 'mine' }, FIFO)).deduplicationId).toBe('mine');
    expect((await check.encode({ body: 'a', groupId: 'tenant' }, STANDARD)).deduplicationId).toBeUndefined();
  });

  test('I15: the object goes only by afterDelete, and stays when told so', async () => {
    const { s3, check } = setUp({ thresholdBytes: 0 });
    const message = received(await check.encode({ body: 'a' }, STANDARD));
    await check.decode(message.body, message);
    expect(s3.objects.size).toBe(1);
    const keeping = new ClaimCheck({ s3: s3.client, bucket: 'bodies', prefix: 'in/', deleteAfterwards: false });
    await keeping.afterDelete(message);
    expect(s3.objects.size).toBe(1);
    await check.afterDelete(message);
    expect(s3.objects.size).toBe(0);
  });

  test('I15: two messages of a repeated send do not share an object', async () => {
    const { s3, check } = setUp({ thresholdBytes: 0 });
    const clock = new ManualClock();
    const inQueue: SendEntry[] = [];
    const sqs = {
      sendBatch: async (_url: string, entries: readonly SendEntry[]) => {
        inQueue.push(...entries);
        if (inQueue.length === 1) throw new SqsError('transient', 'ECONNRESET', 'the answer got lost');
        return entries.map(() => ({ messageId: 'm' }));
      },
    } as unknown as SqsTransport;
    const producer = new Producer({ sqs, queueUrl: STANDARD.queueUrl, claimCheck: check, clock });
    await clock.until(producer.send({ body: 'a' }));
    const [first, second] = inQueue.map(received);
    expect([first, second]).toEqual([expect.anything(), expect.anything()]);
    if (first === undefined || second === undefined) return;
    expect(await check.decode(first.body, first)).toBe('a');
    await check.afterDelete(first);
    expect(await check.decode(second.body, second)).toBe('a');
    await check.afterDelete(second);
    expect(s3.objects.size).toBe(0);
  });

  test.each([
    ['the handler succeeds', () => Promise.resolve(), ['delete', 'object gone']],
    ['the message is quarantined', () => Promise.reject(new PermanentError('bad')), ['quarantine', 'delete']],
  ])('I15: in a consumer, when %s', async (_name, handler, steps) => {
    const { s3, check } = setUp({ thresholdBytes: 0 });
    const message = received(await check.encode({ body: 'a' }, STANDARD));
    const log: string[] = [];
    let inbox = [message];
    const sqs: SqsTransport = {
      receive: async () => {
        const messages = inbox;
        inbox = [];
        if (messages.length === 0) await new Promise((resolve) => setImmediate(resolve));
        return messages;
      },
      sendBatch: async () => [(log.push('quarantine'), { messageId: 'dead' })],
      deleteBatch: async (_url, handles) => {
        expect(s3.objects.size).toBe(1);
        log.push('delete');
        return handles.map(() => undefined);
      },
      changeVisibilityBatch: async (_url, changes) => changes.map(() => undefined),
    };
    const deadLetterQueueUrl = `${STANDARD.queueUrl}-dead`;
    const consumer = new Consumer({
      sqs,
      ...STANDARD,
      deadLetterQueueUrl,
      handler,
      claimCheck: check,
      deleteLingerMs: 0,
    });
    consumer.start();
    while (consumer.stats().counters.deleted === 0) await new Promise((resolve) => setImmediate(resolve));
    await consumer.drain({ budgetMs: 1_000 });
    if (s3.objects.size === 0) log.push('object gone');
    expect(log).toEqual(steps);
  });

  test.each([
    ['an object that does not exist', formatPointer({ s3BucketName: 'bodies', s3Key: 'in/gone' }), 'does not exist'],
    ['a body that is no pointer', 'hello', 'does not say where'],
    ['a pointer of another class', '["evil.Class",{"s3BucketName":"bodies","s3Key":"in/k"}]', 'does not say where'],
    ['a pointer without a key', '["com.amazon.sqs.javamessaging.MessageS3Pointer",{}]', 'does not say where'],
    ['a foreign bucket', formatPointer({ s3BucketName: 'secrets', s3Key: 'in/k' }), 'not trusted'],
    ['a foreign prefix', formatPointer({ s3BucketName: 'bodies', s3Key: 'other/k' }), 'not trusted'],
  ])('quarantines %s', async (_name, body, reason) => {
    const { check } = setUp();
    const error: unknown = await check.decode(body, claimed(body)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(PermanentError);
    expect((error as Error).message).toContain(reason);
  });

  test('deletes nothing that a pointer it does not trust names', async () => {
    const { s3, check } = setUp();
    await expect(check.afterDelete(claimed(formatPointer({ s3BucketName: 'secrets', s3Key: 'k' })))).rejects.toThrow();
    expect(s3.commands).toEqual([]);
  });

  test('reads from further buckets that are trusted', async () => {
    const { s3, check } = setUp({ trustedBuckets: ['old'] });
    s3.objects.set('old/k', { body: 'x', etag: '' });
    const pointer = formatPointer({ s3BucketName: 'old', s3Key: 'k' });
    expect(await check.decode(pointer, claimed(pointer))).toBe('x');
  });

  test('quarantines an object that is too large to hold', async () => {
    const { s3, check } = setUp({ maxBytes: 3 });
    s3.objects.set('bodies/in/k', { body: 'long', etag: '' });
    const pointer = formatPointer({ s3BucketName: 'bodies', s3Key: 'in/k' });
    await expect(check.decode(pointer, claimed(pointer))).rejects.toBeInstanceOf(PermanentError);
    // A body that nobody reads would keep its connection for ever.
    expect(s3.unread).toBe(0);
  });

  test('lets the message come back when S3 is out of order', async () => {
    const { s3, check } = setUp();
    s3.failures.push(httpError(503, 'SlowDown'));
    const pointer = formatPointer({ s3BucketName: 'bodies', s3Key: 'in/k' });
    await expect(check.decode(pointer, claimed(pointer))).rejects.not.toBeInstanceOf(PermanentError);
  });

  test('refuses an attribute of the names that it uses', async () => {
    const { check } = setUp();
    const attributes = { SQSLargePayloadSize: { type: 'Number', value: '1' } };
    await expect(check.encode({ body: 'a', attributes }, STANDARD)).rejects.toMatchObject({
      code: 'ReservedAttribute',
    });
  });

  test('fails when options are not valid', () => {
    expect(() => setUp({ prefix: 'a b', thresholdBytes: 1_048_577 })).toThrow(
      /'prefix' \(a b\)[^]*'thresholdBytes' \(1048577 bytes\)/,
    );
  });

  test('parsePointer reads nothing from other texts', () => {
    for (const text of ['', 'null', '{}', '[]', '[1,2]', '["software.amazon.payloadoffloading.PayloadS3Pointer",null]'])
      expect(parsePointer(text)).toBeUndefined();
  });
});
