import { getEventListeners } from 'node:events';
import { DrainError, type HandlerContext, type ReceivedMessage, ReleaseError, silentLogger } from '../../messaging';
import { Cut } from '../../worker/cut';
import { ManualClock } from '../support/manual-clock';

const message: ReceivedMessage = { messageId: 'm', body: '', attributes: {}, receiveCount: 1, sentAtMs: 0 };

function context(signal = new AbortController().signal): HandlerContext {
  return { signal, logger: silentLogger, extend: () => {} };
}

describe('Cut', () => {
  test('leaves a handler alone that is done in time', async () => {
    const clock = new ManualClock();
    const cut = new Cut(clock);
    cut.within(60_000);
    await cut.wrap(async () => {})(message, context());
    cut.clear();
    expect(clock.pendingTimers).toBe(0);
  });

  test('tells a handler to stop two seconds before the end; what it throws then is a release', async () => {
    const clock = new ManualClock();
    const cut = new Cut(clock);
    let stoppedAtMs: number | undefined;
    let reason: unknown;
    const result = cut.wrap(
      (_message, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            stoppedAtMs = clock.now();
            reason = signal.reason;
            reject(new Error('killed'));
          }),
        ),
    )(message, context());
    const refused = expect(result).rejects.toThrow(ReleaseError);
    cut.within(10_000);
    await clock.advance(10_000);
    await refused;
    expect(stoppedAtMs).toBe(8_000);
    // So that a host of processes has them gone before the message may run elsewhere.
    expect(reason).toBeInstanceOf(DrainError);
    expect(reason).toMatchObject({ stopWithinMs: 2_000 });
    expect(cut.ended).toBe(1);
  });

  test('does not wait for a handler that does not listen', async () => {
    const clock = new ManualClock();
    const cut = new Cut(clock);
    const result = cut.wrap(() => new Promise(() => {}))(message, context());
    const refused = expect(result).rejects.toThrow(ReleaseError);
    cut.within(0);
    await clock.advance(2_000);
    await refused;
  });

  test('begins nothing after the cut', async () => {
    const clock = new ManualClock();
    const cut = new Cut(clock);
    cut.within(0);
    await clock.advance(0);
    const handler = jest.fn(async () => {});
    await expect(cut.wrap(handler)(message, context())).rejects.toThrow(ReleaseError);
    expect(handler).not.toHaveBeenCalled();
  });

  test('leaves nothing of a message on signals that outlive it', async () => {
    const any = jest.spyOn(AbortSignal, 'any');
    const add = jest.spyOn(AbortSignal.prototype, 'addEventListener');
    const cut = new Cut(new ManualClock());
    const { signal } = new AbortController();
    for (let n = 0; n < 20; n++) await cut.wrap(async () => {})(message, context(signal));
    const listened = new Set(add.mock.contexts as AbortSignal[]);
    expect(listened).toContain(signal);
    expect([...listened].flatMap((s) => getEventListeners(s, 'abort'))).toEqual([]);
    // It keeps an entry on its sources for as long as they live, where no test can see it.
    expect(any).not.toHaveBeenCalled();
    jest.restoreAllMocks();
  });

  test('an error before the cut stays what it is', async () => {
    const cut = new Cut(new ManualClock());
    const failing = cut.wrap(() => Promise.reject(new Error('bad media')));
    await expect(failing(message, context())).rejects.toThrow('bad media');
  });
});
