import { ReleaseError } from '../../messaging';
import { World } from '../support/consumer-world';

describe('a release whose answer is lost', () => {
  /** The first run gives its message back; every visibility call of the first second loses its answer. */
  const play = async (fifo: boolean, seconds: number, fault: 'dropAfter' | 'dropBefore' | 'refused') => {
    const world = new World({
      fifo,
      takesOldHandles: !fifo,
      fault: (operation, atMs) => (operation === 'change' && atMs < 1_000 ? fault : 'none'),
    });
    world.send(1);
    let runs = 0;
    let running = 0;
    let most = 0;
    const worker = world.spawn({
      concurrency: 5,
      inPlaceRetries: fifo ? 0 : (undefined as never),
      backoff: { baseSeconds: seconds, jitter: 0 },
      handler: async () => {
        if (++runs === 1) throw seconds === 0 ? new ReleaseError('not now') : new Error('failed');
        most = Math.max(most, (running += 1));
        await new Promise<void>((resolve) => void worker.process.setTimer(4_000, resolve));
        running -= 1;
      },
    });
    const other = world.spawn({
      handler: async () => {
        runs += 1;
        most = Math.max(most, (running += 1));
        await new Promise<void>((resolve) => void other.process.setTimer(4_000, resolve));
        running -= 1;
      },
    });
    const done = await world.untilDone(60_000);
    return { done, runs, most, atMs: world.clock.now(), broken: world.broken };
  };

  test.each([0, 3])('is not repeated once another may have the message (standard, %d s)', async (seconds) => {
    const { done, runs, most } = await play(false, seconds, 'dropAfter');
    expect({ done, runs, most }).toEqual({ done: true, runs: 2, most: 1 });
  });

  test('is repeated while nobody can have the message', async () => {
    const { done, runs, atMs } = await play(false, 10, 'dropBefore');
    expect({ done, runs }).toEqual({ done: true, runs: 2 });
    // 10 s of backoff, 4 s of work: without a repetition it would have been hidden for 30 s.
    expect(atMs).toBeLessThan(20_000);
  });

  test('is repeated when there was no connection: SQS cannot have done it', async () => {
    const { done, runs, most, atMs } = await play(false, 0, 'refused');
    expect({ done, runs, most }).toEqual({ done: true, runs: 2, most: 1 });
    expect(atMs).toBeLessThan(12_000);
  });

  test('is repeated on FIFO, where SQS refuses an old handle', async () => {
    const { done, runs, atMs } = await play(true, 0, 'dropBefore');
    expect({ done, runs }).toEqual({ done: true, runs: 2 });
    expect(atMs).toBeLessThan(12_000);
  });
});
