import { getEventListeners } from 'node:events';
import { firstAbort } from '../../worker/first-abort';

describe('firstAbort', () => {
  test.each([0, 1])('aborts with source %d and its reason', (n) => {
    const sources = [new AbortController(), new AbortController()];
    const { signal } = firstAbort(sources.map((s) => s.signal));
    expect(signal.aborted).toBe(false);
    sources[n]?.abort(new Error('first'));
    sources[1 - n]?.abort(new Error('second'));
    expect(signal.reason).toEqual(new Error('first'));
  });

  test('is aborted when a source already is', () => {
    const { signal } = firstAbort([new AbortController().signal, AbortSignal.abort(new Error('before'))]);
    expect(signal.reason).toEqual(new Error('before'));
  });

  test('leaves nothing on its sources once it is released, and aborts no more', () => {
    const source = new AbortController();
    for (let n = 0; n < 100; n++) firstAbort([source.signal]).release();
    const { signal, release } = firstAbort([source.signal]);
    release();
    expect(getEventListeners(source.signal, 'abort')).toEqual([]);
    source.abort();
    expect(signal.aborted).toBe(false);
  });
});
