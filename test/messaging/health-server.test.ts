import { Consumer } from '../../messaging/consumer';
import { HealthServer, type HealthServerOptions, type HealthSource } from '../../messaging/health-server';
import type { SqsTransport } from '../../messaging/transport';
import { ManualClock } from '../support/manual-clock';

const clock = { time: 0, now: () => clock.time, wallClock: () => clock.time, setTimer: () => () => undefined };
const idle: HealthSource = { lastProgressMs: () => 0, isReady: () => true, inFlight: () => [] };
let server: HealthServer | undefined;
let base = '';

async function serve(options: Partial<HealthServerOptions>): Promise<void> {
  server = new HealthServer({ sources: [idle], drain: () => Promise.resolve(), clock, ...options });
  base = `http://127.0.0.1:${await server.start()}`;
}

async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> {
  const response = await fetch(base + path, init);
  return { status: response.status, body: await response.json() };
}

const draining = (body: unknown): boolean => (body as { draining: boolean }).draining;

beforeEach(() => {
  clock.time = 0;
});
afterEach(async () => {
  await server?.stop();
});

describe('HealthServer', () => {
  test.each([
    [1_000, 200],
    [1_001, 503],
  ])('answers /live by progress: after %d ms without any, %d', async (time, status) => {
    await serve({ progressTimeoutMs: 1_000 });
    clock.time = time;
    expect(await ask('/live')).toEqual({ status, body: { sinceProgressMs: time, progressTimeoutMs: 1_000 } });
  });

  test('is live while every slot is in a long handler whose lease is renewed', async () => {
    const manual = new ManualClock();
    const message = { messageId: 'm', receiptHandle: 'r', body: 'a', attributes: {}, receiveCount: 1, sentAtMs: 0 };
    let inbox = [message];
    const sqs: SqsTransport = {
      receive: async () => {
        const messages = inbox;
        inbox = [];
        return messages;
      },
      sendBatch: async () => [],
      deleteBatch: async (_url, handles) => handles.map(() => undefined),
      changeVisibilityBatch: async (_url, changes) => changes.map(() => undefined),
    };
    const handler = (): Promise<void> => new Promise((resolve) => manual.setTimer(600_000, resolve));
    const consumer = new Consumer({ sqs, queueUrl: 'https://sqs/1/jobs', handler, clock: manual });
    await serve({ sources: [consumer], clock: manual });
    consumer.start();
    await manual.advance(590_000);
    expect(consumer.inFlight()).toEqual([expect.objectContaining({ messageId: 'm', state: 'running' })]);
    expect((await ask('/live')).status).toBe(200);
    const drained = consumer.drain({ budgetMs: 60_000 });
    await manual.until(drained);
  });

  test('is not live when one of several consumers hangs', async () => {
    await serve({ sources: [{ ...idle, lastProgressMs: () => 5_000 }, idle], progressTimeoutMs: 1_000 });
    clock.time = 5_000;
    expect((await ask('/live')).status).toBe(503);
  });

  test('is ready only while every source is', async () => {
    let ready = false;
    await serve({ sources: [idle, { ...idle, isReady: () => ready }] });
    expect((await ask('/ready')).status).toBe(503);
    ready = true;
    expect(await ask('/ready')).toEqual({ status: 200, body: { ready: true, draining: false } });
  });

  test('lists ids and ages of all messages in flight', async () => {
    const messages = [{ messageId: 'a', ageMs: 12, state: 'running' }];
    await serve({
      sources: [
        { ...idle, inFlight: () => messages },
        { ...idle, inFlight: () => messages },
      ],
    });
    expect(await ask('/inflight')).toEqual({ status: 200, body: { messages: [...messages, ...messages] } });
  });

  test('tells why a drain cannot begin, and stays ready', async () => {
    const sqs: SqsTransport = {
      receive: async () => [],
      sendBatch: async () => [],
      deleteBatch: async () => [],
      changeVisibilityBatch: async () => [],
    };
    const consumer = new Consumer({ sqs, queueUrl: 'https://sqs/1/jobs', handler: async () => {} });
    await serve({ sources: [idle], drain: () => consumer.drain({ budgetMs: Number('30 s') }) });
    for (const path of ['/drain', '/drain?wait']) {
      expect(await ask(path, { method: 'POST' })).toMatchObject({
        status: 500,
        body: { error: expect.stringContaining("'budgetMs' (NaN milliseconds)") },
      });
    }
    expect((await ask('/ready')).body).toEqual({ ready: true, draining: false });
  });

  test('drains once, is not ready from then on, and tells the report to those who wait', async () => {
    let calls = 0;
    let finish = (_report: object): void => undefined;
    await serve({
      drain: () => {
        calls++;
        return new Promise((resolve) => (finish = resolve));
      },
    });
    expect((await ask('/drain', { method: 'POST' })).status).toBe(202);
    expect((await ask('/ready')).body).toEqual({ ready: false, draining: true });
    const waiting = ask('/drain?wait', { method: 'POST' });
    finish({ finished: 3 });
    expect(await waiting).toEqual({ status: 200, body: { draining: true, report: { finished: 3 } } });
    expect(calls).toBe(1);
  });

  test('tells those who wait the report also when the end of the drain stops it, and waits for no drain that goes on', async () => {
    let finish = (_report: object): void => undefined;
    await serve({ drain: () => new Promise((resolve) => (finish = resolve)) });
    const waiting = ask('/drain?wait', { method: 'POST' });
    while (!draining((await ask('/ready')).body)) continue;
    finish({ finished: 3 });
    await server?.stop();
    expect(await waiting).toEqual({ status: 200, body: { draining: true, report: { finished: 3 } } });

    await serve({ drain: () => new Promise(() => undefined) });
    const cutOff = ask('/drain?wait', { method: 'POST' });
    while (!draining((await ask('/ready')).body)) continue;
    await server?.stop();
    await expect(cutOff).rejects.toThrow('fetch failed');
  });

  test('reports a failed drain to those who wait, without an unhandled rejection', async () => {
    await serve({ drain: () => Promise.reject(new Error('no')) });
    expect((await ask('/drain', { method: 'POST' })).status).toBe(202);
    expect(await ask('/drain?wait', { method: 'POST' })).toEqual({ status: 500, body: { error: 'no' } });
  });

  test('drains neither by GET nor for a web page', async () => {
    let drained = false;
    await serve({ drain: async () => void (drained = true) });
    expect((await ask('/drain')).status).toBe(405);
    expect((await ask('/drain', { method: 'POST', headers: { origin: 'http://evil.example' } })).status).toBe(403);
    expect((await ask('/other')).status).toBe(404);
    expect(drained).toBe(false);
  });

  test('fails to start on a taken port and stops twice', async () => {
    await serve({});
    const second = new HealthServer({ sources: [], drain: () => Promise.resolve(), port: Number(new URL(base).port) });
    await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await second.stop();
    await server?.stop();
  });
});
