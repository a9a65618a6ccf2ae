import type { OutgoingMessage } from '../../messaging/outgoing-message';
import { SqsError } from '../../messaging/sqs-errors';
import type { SendEntry, SendOutcome } from '../../messaging/transport';
import { turns } from '../support/manual-clock';
import { acceptAll, failEntries, never, produce, reject, STANDARD, type Answer } from '../support/producing';
import fc, { runs } from '../support/properties';

const FIFO = `${STANDARD}.fifo`;

const bodies = (count: number): OutgoingMessage[] => [...Array(count).keys()].map((n) => ({ body: `m${n}` }));

describe('Producer', () => {
  test('packs single sends of many callers into requests of ten', async () => {
    const { producer, clock, requests } = produce();
    const callers = bodies(50).map(async (message) => {
      for (let n = 0; n < 20; n++) await producer.send({ body: `${message.body}/${n}` });
    });
    await clock.until(Promise.all(callers));
    expect(requests).toHaveLength(100);
    expect(requests.every((entries) => entries.length === 10)).toBe(true);
  });

  test('resolves with the id that SQS gave, in the order of the batch', async () => {
    const { producer, clock } = produce();
    expect(await clock.until(producer.send({ body: 'a' }))).toEqual({ ok: true, messageId: 'id of a' });
    const results = await clock.until(producer.sendBatch(bodies(12)));
    expect(results.map((result) => result.ok && result.messageId)).toEqual(
      bodies(12).map(({ body }) => `id of ${body}`),
    );
  });

  test('packs by size, attributes included', async () => {
    const { producer, clock, requests } = produce();
    const half = 'x'.repeat(524_288);
    await clock.until(
      producer.sendBatch([{ body: half }, { body: half }, { body: half, attributes: { a: 'b' } }, { body: half }]),
    );
    expect(requests.map((entries) => entries.length)).toEqual([2, 1, 1]);
  });

  test.each([
    [1_048_576, true],
    [1_048_577, false],
  ])('a body of %d bytes: accepted is %p', async (bytes, ok) => {
    const { producer, clock } = produce();
    const [result] = await clock.until(producer.sendBatch([{ body: 'x'.repeat(bytes) }]));
    expect(result?.ok).toBe(ok);
    if (result?.ok === false) expect(result.error).toMatchObject({ code: 'MessageTooLong', retryable: false });
  });

  test('refuses bad messages and sends the others', async () => {
    const { producer, clock, requests } = produce();
    const results = await clock.until(producer.sendBatch([{ body: '' }, { body: 'ok' }, { body: 'a', groupId: ' ' }]));
    expect(results.map((result) => (result.ok ? 'ok' : result.error.code))).toEqual([
      'InvalidBody',
      'ok',
      'InvalidGroupId',
    ]);
    expect(requests).toEqual([['ok']]);
    await expect(producer.send({ body: '' })).rejects.toMatchObject({ name: 'SendError', code: 'InvalidBody' });
  });

  describe('peer defects (sqs-producer 8)', () => {
    test('sends texts with spaces and equal texts in one batch', async () => {
      const { producer, clock, requests } = produce();
      const results = await clock.until(producer.sendBatch([{ body: 'a b' }, { body: 'same' }, { body: 'same' }]));
      expect(results.every(({ ok }) => ok)).toBe(true);
      expect(requests).toEqual([['a b', 'same', 'same']]);
    });

    test('never sends more than 1 MiB in one request', async () => {
      const { producer, clock, requests } = produce();
      await clock.until(producer.sendBatch([...Array(10).keys()].map(() => ({ body: 'x'.repeat(200_000) }))));
      expect(requests.map((entries) => entries.length)).toEqual([5, 5]);
    });
  });

  test('repeats failed entries only', async () => {
    const { producer, clock, requests } = produce([failEntries(1, 3)]);
    const results = await clock.until(producer.sendBatch(bodies(5)));
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(requests).toEqual([
      ['m0', 'm1', 'm2', 'm3', 'm4'],
      ['m1', 'm3'],
    ]);
  });

  test('goes on with other messages while refused entries wait', async () => {
    const { producer, requests } = produce([failEntries(0)]);
    void producer.sendBatch(bodies(1));
    await turns();
    void producer.send({ body: 'other' });
    await turns();
    expect(requests).toEqual([['m0'], ['other']]);
  });

  test('lets one request at a time try while requests fail, and recovers', async () => {
    const script = [...Array<Answer>(10).fill(reject('transient', 'ECONNRESET'))];
    const { producer, clock, requests } = produce(script);
    const sent = producer.sendBatch(bodies(300));
    await turns();
    expect(requests).toHaveLength(10);
    await clock.advance(0);
    expect(requests).toHaveLength(10);
    expect((await clock.until(sent)).every(({ ok }) => ok)).toBe(true);
    expect(requests).toHaveLength(40);
  });

  test('takes a request without an answer for failed', async () => {
    const { producer, clock, requests } = produce([never], { requestTimeoutMs: 2_000 });
    const sent = producer.send({ body: 'a' });
    await clock.advance(1_999);
    expect(requests).toHaveLength(1);
    await clock.until(sent);
    expect(requests).toHaveLength(2);
    expect(clock.now()).toBeLessThan(2_200);
  });

  test('settles everything when the queue stays out of reach', async () => {
    const { producer, clock, requests } = produce(Array<Answer>(1_000).fill(never), { giveUpAfterMs: 30_000 });
    const results = await clock.until(producer.sendBatch(bodies(500)));
    expect(results.some(({ ok }) => ok)).toBe(false);
    expect(clock.now()).toBeLessThan(60_000);
    expect(requests.length).toBeLessThan(30);
    await clock.until(producer.close());
  });

  test('fails at once, with one loud line, when only a human can help', async () => {
    const { producer, clock, requests, lines } = produce(Array<Answer>(100).fill(reject('permanent', 'AccessDenied')));
    const results = await clock.until(producer.sendBatch(bodies(500)));
    expect(results.every((result) => !result.ok && result.error.code === 'AccessDenied')).toBe(true);
    expect(requests).toHaveLength(10);
    for (let n = 0; n < 20; n++)
      await expect(clock.until(producer.send({ body: 'more' }))).rejects.toThrow('AccessDenied');
    expect(lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
    expect(clock.now()).toBeGreaterThan(20_000);
  });

  test('finds the one message for which SQS refuses a whole request', async () => {
    const refuseBad: Answer = (entries) =>
      entries.some(({ body }) => body === 'm3')
        ? reject('permanent', 'InvalidMessageContents')(entries)
        : acceptAll(entries);
    const { producer, clock, lines } = produce(Array<Answer>(20).fill(refuseBad));
    const results = await clock.until(producer.sendBatch(bodies(5)));
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, false, true]);
    expect(clock.now()).toBe(0);
    expect(lines).toEqual([]);
  });

  test('fetches new credentials when they are expired', async () => {
    const { producer, clock, refreshCredentials } = produce([reject('credentials', 'ExpiredToken')]);
    await clock.until(producer.send({ body: 'a' }));
    expect(refreshCredentials).toHaveBeenCalledTimes(1);
  });

  test('sends again when the provider of new credentials hangs, or has none', async () => {
    const expired = reject('credentials', 'CredentialsProviderError');
    const { producer, clock, refreshCredentials, lines } = produce([expired, expired]);
    refreshCredentials.mockReturnValueOnce(new Promise(() => {}));
    refreshCredentials.mockRejectedValueOnce(new Error('none'));
    await clock.until(producer.send({ body: 'a' }));
    expect(clock.now()).toBeGreaterThan(5_000);
    expect(refreshCredentials).toHaveBeenCalledTimes(2);
    expect(lines.filter((line) => line === 'no new credentials')).toHaveLength(2);
  });

  test('lingers up to lingerMs, less for a full request and for flush', async () => {
    const { producer, clock, requests } = produce([], { lingerMs: 50 });
    void producer.sendBatch(bodies(3));
    await clock.advance(49);
    expect(requests).toHaveLength(0);
    await clock.advance(1);
    expect(requests).toHaveLength(1);
    void producer.sendBatch(bodies(12));
    await turns();
    expect(requests.map((entries) => entries.length)).toEqual([3, 10]);
    await producer.flush();
    expect(requests.map((entries) => entries.length)).toEqual([3, 10, 2]);
    expect(clock.now()).toBe(50);
  });

  test('has a limit of requests under way and fills those that wait', async () => {
    const { producer, requests } = produce([never], { maxConcurrentRequests: 1 });
    void producer.send({ body: 'first' });
    for (let n = 0; n < 25; n++) {
      await turns(1);
      void producer.send({ body: `m${n}` });
    }
    await turns();
    expect(requests).toHaveLength(1);
  });

  test('closes when all is settled and refuses what comes later', async () => {
    const { producer, clock, requests } = produce([failEntries(0)], { lingerMs: 60_000 });
    const sent = producer.send({ body: 'a' });
    await clock.until(producer.close());
    expect(requests).toHaveLength(2);
    await sent;
    await expect(producer.send({ body: 'b' })).rejects.toMatchObject({ code: 'Closed' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('sends nothing and settles at once for an empty batch', async () => {
    const { producer, requests } = produce();
    expect(await producer.sendBatch([])).toEqual([]);
    await producer.flush();
    expect(requests).toEqual([]);
  });

  describe('on a FIFO queue', () => {
    test('has one request of a group under way and others beside it', async () => {
      const { producer, requests } = produce([never], { queueUrl: FIFO });
      void producer.send({ body: 'a0', groupId: 'a' });
      await turns();
      void producer.sendBatch([
        { body: 'a1', groupId: 'a' },
        { body: 'b0', groupId: 'b' },
      ]);
      await turns();
      expect(requests).toEqual([['a0'], ['b0']]);
    });

    test('holds a group back while its failed message waits, not the other groups', async () => {
      const { producer, clock, requests } = produce([failEntries(0)], { queueUrl: FIFO });
      const first = producer.sendBatch([
        { body: 'a0', groupId: 'a' },
        { body: 'b0', groupId: 'b' },
      ]);
      await turns();
      const second = producer.sendBatch([
        { body: 'a1', groupId: 'a' },
        { body: 'b1', groupId: 'b' },
      ]);
      await clock.until(Promise.all([first, second]));
      expect(requests).toEqual([['a0', 'b0'], ['b1'], ['a0', 'a1']]);
    });

    test('reports a message that was overtaken in its group instead of breaking the order', async () => {
      const { producer, clock, requests } = produce([failEntries(0)], { queueUrl: FIFO });
      const results = await clock.until(producer.sendBatch(['a', 'b'].map((body) => ({ body, groupId: 'g' }))));
      expect(results).toEqual([
        { ok: false, error: expect.objectContaining({ code: 'Overtaken' }) },
        { ok: true, messageId: 'b' },
      ]);
      expect(requests).toHaveLength(1);
    });

    test('keeps the order of a group when encoding the first message takes longest', async () => {
      const slow = (entry: SendEntry): Promise<SendEntry> =>
        new Promise((resolve) => clock.setTimer(entry.body === 'a' ? 100 : 1, () => resolve(entry)));
      const encryption = { extraAttributes: 1, encode: (entry: SendEntry) => slow(entry) };
      const { producer, clock, requests } = produce([], { queueUrl: FIFO, encryption });
      await clock.until(producer.sendBatch(['a', 'b', 'c'].map((body) => ({ body, groupId: 'g' }))));
      expect(requests.flat()).toEqual(['a', 'b', 'c']);
    });
  });

  test('settles a message that cannot be encoded', async () => {
    const encryption = { extraAttributes: 0, encode: () => Promise.reject(new Error('no key')) };
    const { producer, clock, requests } = produce([], { encryption });
    await expect(clock.until(producer.send({ body: 'a' }))).rejects.toMatchObject({ code: 'EncodingFailed' });
    await clock.until(producer.close());
    expect(requests).toEqual([]);
  });

  test('settles a message whose encoding hangs', async () => {
    const claimCheck = { extraAttributes: 0, encode: () => new Promise<SendEntry>(() => undefined) };
    const { producer, clock } = produce([], { claimCheck, giveUpAfterMs: 5_000 });
    await expect(clock.until(producer.send({ body: 'a' }))).rejects.toMatchObject({ code: 'EncodingFailed' });
    expect(clock.now()).toBe(5_000);
  });

  test('fails when options are not valid, naming all of them with value and unit', () => {
    expect(() =>
      produce([], { queueUrl: 'jobs', lingerMs: -1, maxConcurrentRequests: 0, giveUpAfterMs: 240_001 }),
    ).toThrow(
      /'queueUrl' \(jobs\)[^]*'lingerMs' \(-1 ms\)[^]*'maxConcurrentRequests' \(0 requests\)[^]*'giveUpAfterMs' \(240001 ms\)/,
    );
  });

  const fault = fc.oneof(
    { weight: 3, arbitrary: fc.constant('none' as const) },
    { weight: 1, arbitrary: fc.constantFrom('lostRequest', 'lostAnswer', 'throttled', 'blackHole', 'refusedWhole') },
    { weight: 2, arbitrary: fc.uniqueArray(fc.nat(9), { maxLength: 4 }) },
  );

  test.each([STANDARD, FIFO])('I9, I10 and order hold under every fault (%s)', async (queueUrl) => {
    const fifo = queueUrl === FIFO;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ group: fc.nat(2), kilobytes: fc.integer({ min: 1, max: 400 }), turns: fc.nat(2) }), {
          maxLength: 40,
        }),
        fc.array(fault, { maxLength: 30 }),
        async (sends, faults) => {
          const inQueue: string[] = [];
          const known = new Set<string>();
          const fail = (): Promise<never> => Promise.reject(new SqsError('transient', 'ECONNRESET', 'reset'));
          const script = faults.map((kind): Answer => async (entries) => {
            expect(entries.length).toBeLessThanOrEqual(10);
            expect(entries.reduce((sum, { body }) => sum + body.length, 0)).toBeLessThanOrEqual(1_048_576);
            if (kind === 'lostRequest') return fail();
            if (kind === 'throttled') return reject('throttled', 'ThrottlingException')(entries);
            if (kind === 'blackHole') return never(entries);
            if (kind === 'refusedWhole' && entries.length > 1)
              return reject('permanent', 'InvalidParameterValue')(entries);
            const outcomes = entries.map(({ body }, i): SendOutcome => {
              const id = body.trimEnd();
              if (Array.isArray(kind) && kind.includes(i))
                return { failure: { kind: 'transient', code: 'InternalError', message: 'again' } };
              if (!fifo || !known.has(id)) inQueue.push(id);
              known.add(id);
              return { messageId: id };
            });
            return kind === 'lostAnswer' ? fail() : outcomes;
          });
          const perfect = script.length;
          const { producer, clock, requests } = produce(
            [
              ...script,
              ...Array<Answer>(200).fill(async (entries) => {
                for (const { body } of entries) if (!fifo || !known.has(body.trimEnd())) inQueue.push(body.trimEnd());
                return entries.map(({ body }) => ({ messageId: body.trimEnd() }));
              }),
            ],
            { queueUrl },
          );
          const results: Array<Promise<unknown>> = [];
          for (const [n, send] of sends.entries()) {
            const id = `${send.group}/${String(n).padStart(3, '0')}`;
            const body = id.padEnd(send.kilobytes * 1_024);
            const group = fifo ? { groupId: `g${send.group}`, deduplicationId: id } : {};
            results.push(
              producer.send({ body, ...group }).then(
                (sent) => sent.messageId,
                (error: Error & { code?: string }) => error.code,
              ),
            );
            await turns(send.turns);
          }
          const outcomes = await clock.until(Promise.all(results));
          await clock.until(producer.close());
          const ids = sends.map(({ group }, n) => `${group}/${String(n).padStart(3, '0')}`);
          // Every promise settles, with success unless the order forbids a repetition; what succeeded is in the queue.
          outcomes.forEach((outcome, n) => {
            expect(outcome === ids[n] || (fifo && outcome === 'Overtaken')).toBe(true);
            if (outcome === ids[n]) expect(inQueue).toContain(ids[n]);
          });
          expect(requests.length).toBeLessThanOrEqual(perfect + 200);
          if (fifo)
            for (const group of [0, 1, 2]) {
              const order = inQueue.filter((id) => id.startsWith(`${group}/`));
              expect(order).toEqual(order.toSorted());
            }
        },
      ),
      { numRuns: runs(60) },
    );
  });
});
