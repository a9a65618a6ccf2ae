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
    expect(await drained).toMatchObject({ abandoned: 2 });
    expect(handled).toEqual([]);
    expect(world.queue.messages.size).toBe(2);
  });
});
