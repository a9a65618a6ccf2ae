import { World } from '../support/consumer-world';

describe('a FIFO head that is given back', () => {
  test('also gives back what came again behind it while that was being confirmed (I6)', async () => {
    let changes = 0;
    const world = new World({
      fifo: true,
      work: ({ body }, run) => ({ ms: 100, ...(body === 'body 0' && run === 1 && { fail: 'error' }) }),
      // The release of the second message arrives, and its confirmation takes three seconds more.
      fault: (operation) => (operation === 'change' && ++changes === 1 ? 'delay' : 'none'),
      consumer: { inPlaceRetries: 0, concurrency: 2 },
    });
    world.send(2);
    const [head, second] = world.sent;
    world.spawn();
    await world.clock.advance(1_000);
    expect(world.runs).toMatchObject([{ messageId: head, outcome: 'failed' }]);
    // The head's lease ends at SQS: the long poll that is open brings both once more.
    const stored = world.queue.messages.get(head ?? '');
    if (stored) world.queue.expire(stored);
    expect(await world.untilDone(120_000)).toBe(true);
    expect(world.broken).toEqual([]);
    expect(world.runs.map((run) => run.messageId)).toEqual([head, head, second]);
  });
});
