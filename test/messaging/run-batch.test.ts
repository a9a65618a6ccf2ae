import { World, type WorldOptions } from '../support/consumer-world';

/** Two messages in one batch: the first is decoded at once, the second after `ms`. */
function slowToDecode(ms: number, options: WorldOptions = {}) {
  const handled: string[][] = [];
  const world = new World({ ...options, latencyMs: 10 });
  world.send(2);
  const worker = world.spawn({
    waitTimeSeconds: 0,
    visibilityTimeoutSeconds: 9,
    claimCheck: {
      decode: async (body) => {
        if (body === 'body 1') await new Promise<void>((resolve) => world.clock.setTimer(ms, resolve));
        return body;
      },
    },
    handler: undefined,
    batchHandler: async (messages) => void handled.push(messages.map(({ body }) => body)),
  });
  return { world, worker, handled };
}

describe('a batch that waits for its slowest message to be decoded', () => {
  test('starts without a message whose lease was lost meanwhile (I4)', async () => {
    // The first entry of the renewal after 6 s is refused: somebody else has that message.
    const { world, handled } = slowToDecode(8_000, {
      fault: (operation) => (operation === 'change' ? 'stale' : 'none'),
    });
    await world.clock.advance(8_100);
    expect(handled).toEqual([['body 1']]);
  });

  test('does not start once its drain is over, and gives its messages back', async () => {
    const { world, worker, handled } = slowToDecode(8_000);
    await world.clock.advance(100);
    const drained = worker.consumer.drain({ budgetMs: 2_000 });
    await world.clock.advance(20_000);
    expect(await drained).toMatchObject({ clean: true, aborted: 2, abandoned: 0 });
    expect(handled).toEqual([]);
    expect(world.queue.messages.size).toBe(2);
  });
});

describe('batches', () => {
  test('runs batches, and repeats only what failed', async () => {
    const world = new World();
    const batches: string[][] = [];
    world.send(25);
    world.spawn({
      handler: undefined as never,
      batchSize: 10,
      concurrency: 3,
      batchHandler: async (messages) => {
        batches.push(messages.map((m) => m.messageId));
        return { failures: batches.length === 1 ? [{ messageId: messages[0]?.messageId ?? '' }] : [] };
      },
    });
    await world.clock.advance(10_000);
    expect(world.queue.messages.size).toBe(0);
    expect(batches.flat()).toHaveLength(26);
    expect(batches[0]).toHaveLength(10);
  });

  test('an observer runs each batch, without the messages that do not get to its handler, and can fail it', async () => {
    const world = new World();
    const around: number[] = [];
    world.send(4);
    const [unreadable] = world.queue.messages.keys();
    world.spawn({
      handler: undefined as never,
      batchSize: 10,
      encryption: {
        decode: async (text, { messageId }) => {
          if (messageId === unreadable) throw new Error('cannot be read');
          return text;
        },
      },
      batchHandler: async () => undefined,
      observer: {
        aroundBatch: async (messages, run) => {
          around.push(messages.length);
          const result = await run();
          if (around.length === 1) throw new Error('the observer failed');
          return result;
        },
      },
    });
    await world.clock.advance(100);
    expect([around, world.queue.messages.size]).toEqual([[3], 4]);
    await world.clock.advance(60_000);
    expect([...world.queue.messages.keys()]).toEqual([unreadable]);
  });

  test('deletes nothing of a batch whose handler names a message that is not in it', async () => {
    const world = new World();
    let batches = 0;
    world.send(5);
    world.spawn({
      handler: undefined as never,
      batchSize: 10,
      concurrency: 1,
      batchHandler: async () => ({ failures: ++batches === 1 ? [{ messageId: 'another' }] : [] }),
    });
    await world.clock.advance(1_500);
    expect(batches).toBe(1);
    expect(world.queue.messages.size).toBe(5);
  });
});
