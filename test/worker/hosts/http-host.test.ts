import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpHost } from '../../../worker/hosts/http-host';
import { HandlerSpecError, type HandlerHost } from '../../../worker/hosts/host';
import { ManualClock } from '../../support/manual-clock';
import { context, message } from './fixtures';

let server: Server | undefined;
let host: HandlerHost | undefined;

async function serve(listener: RequestListener): Promise<HandlerHost> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  host = await createHttpHost({ port: (started.address() as AddressInfo).port, path: '/work', queueName: 'jobs' });
  return host;
}

afterEach(async () => {
  await host?.stop();
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
});

describe('createHttpHost', () => {
  test('posts the body with the headers of an Elastic Beanstalk worker environment', async () => {
    let seen: { method?: string; url?: string; headers: IncomingHttpHeaders; body: string } | undefined;
    const { handler } = await serve(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      seen = { method: request.method, url: request.url, headers: request.headers, body };
      response.end();
    });
    const attributes = { Kind: 'order', Note: 'Grüße\n', Blob: new Uint8Array([1]) };
    await handler(
      message({
        body: '"ü"',
        attributes,
        receiveCount: 2,
        firstReceivedAtMs: 1_700_000_000_123,
        senderId: 'AIDA',
        groupId: 'g',
      }),
      context(),
    );
    expect(seen).toMatchObject({ method: 'POST', url: '/work', body: '"ü"' });
    expect(seen?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '4',
      'user-agent': expect.stringMatching(/^aws-sqsd\/\d/),
      'x-aws-sqsd-msgid': 'm-1',
      'x-aws-sqsd-queue': 'jobs',
      'x-aws-sqsd-receive-count': '2',
      'x-aws-sqsd-first-received-at': '2023-11-14T22:13:20Z',
      'x-aws-sqsd-sender-id': 'AIDA',
      'x-aws-sqsd-attr-kind': 'order',
      'x-aws-sqsd-attr-note': 'Gr%C3%BC%C3%9Fe%0A',
      'x-queue-fleet-group-id': 'g',
    });
    expect(seen?.headers).not.toHaveProperty('x-aws-sqsd-attr-blob');
  });

  test.each([200, 201, 204, 299])('status %d is success', async (status) => {
    const { handler } = await serve((_request, response) => response.writeHead(status).end());
    await handler(message(), context());
  });

  test.each([
    [422, 'PermanentError'],
    [409, 'ReleaseError'],
    [302, 'WorkerError'],
    [400, 'WorkerError'],
    [429, 'WorkerError'],
    [500, 'WorkerError'],
    [503, 'WorkerError'],
  ])('turns status %d into %s with the answer', async (status, name) => {
    const { handler } = await serve((_request, response) => response.writeHead(status).end('because'));
    await expect(handler(message(), context())).rejects.toMatchObject({
      name,
      messageId: 'm-1',
      message: `the handler answered ${status}: because`,
    });
  });

  test('keeps the begin of a long answer', async () => {
    const { handler } = await serve((_request, response) => response.writeHead(500).end('x'.repeat(300_000)));
    const error: unknown = await handler(message(), context()).catch((e: unknown) => e);
    expect((error as Error).message.length).toBeLessThan(2_100);
  });

  test('closes the connection on abort and rejects with the reason', async () => {
    const controller = new AbortController();
    let closed: Promise<void> | undefined;
    const { handler } = await serve((_request, response) => {
      closed = new Promise((resolve) => response.on('close', resolve));
      controller.abort(new Error('lease lost'));
    });
    await expect(handler(message(), context({ signal: controller.signal }))).rejects.toThrow('lease lost');
    await closed;
  });

  test('asks for a retry when the connection breaks', async () => {
    const broken = await serve((request) => request.socket.destroy());
    await expect(broken.handler(message(), context())).rejects.toMatchObject({ name: 'WorkerError' });
  });

  test('fails when nothing listens in time', async () => {
    await expect(createHttpHost({ port: 1, readyWithinMs: 0 })).rejects.toThrow(
      new HandlerSpecError(
        "'handler' (http:1): nothing accepted a connection on 127.0.0.1:1 within 0 seconds: the application has not started, or listens elsewhere; see its own log",
      ),
    );
  });

  /** A host whose application has gone away. */
  async function abandoned(holdMs: number): Promise<{ host: HandlerHost; port: number; clock: ManualClock }> {
    const first = createServer();
    await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
    const { port } = first.address() as AddressInfo;
    const clock = new ManualClock();
    host = await createHttpHost({ port, holdMs, clock });
    first.closeAllConnections();
    await new Promise<void>((resolve) => first.close(() => resolve()));
    return { host, port, clock };
  }

  test('gives a message back, and is not ready, when the application is gone for too long', async () => {
    const { host } = await abandoned(0);
    expect(host.isReady?.()).toBe(true);
    await expect(host.handler(message(), context())).rejects.toMatchObject({ name: 'ReleaseError' });
    expect(host.isReady?.()).toBe(false);
  });

  test('keeps a message until the application is back: the same receive is handled then', async () => {
    const { host, port, clock } = await abandoned(60_000);
    const done = host.handler(message(), context());
    while (host.isReady?.() === true) await new Promise((resolve) => setImmediate(resolve));
    server = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve));
    let over = false;
    void done.finally(() => (over = true));
    while (!over) {
      await clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    expect(host.isReady?.()).toBe(true);
  });

  test('stops waiting for the application when the message is aborted', async () => {
    const { host } = await abandoned(60_000);
    const controller = new AbortController();
    const done = host.handler(message(), context({ signal: controller.signal }));
    while (host.isReady?.() === true) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('lease lost'));
    await expect(done).rejects.toThrow('lease lost');
  });

  test('refuses messages once stopped', async () => {
    const stopped = await serve((_request, response) => response.end());
    await stopped.stop();
    await expect(stopped.handler(message(), context())).rejects.toMatchObject({ name: 'ReleaseError' });
  });
});
