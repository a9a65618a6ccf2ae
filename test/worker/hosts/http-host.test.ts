import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpHost } from '../../../worker/hosts/http-host';
import type { HandlerHost } from '../../../worker/hosts/host';
import { context, message } from './fixtures';

let server: Server | undefined;
let host: HandlerHost | undefined;

async function serve(listener: RequestListener): Promise<HandlerHost> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  host = createHttpHost({ port: (started.address() as AddressInfo).port, path: '/work', queueName: 'jobs' });
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

  test('asks for a retry when nothing listens, or the connection breaks', async () => {
    const broken = await serve((request) => request.socket.destroy());
    await expect(broken.handler(message(), context())).rejects.toMatchObject({ name: 'WorkerError' });
    await expect(createHttpHost({ port: 1 }).handler(message(), context())).rejects.toThrow(
      'no answer from 127.0.0.1:1',
    );
  });

  test('refuses messages once stopped', async () => {
    const stopped = await serve((_request, response) => response.end());
    await stopped.stop();
    await expect(stopped.handler(message(), context())).rejects.toMatchObject({ name: 'ReleaseError' });
  });
});
