import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LocalRunError } from './errors';

/** A server on the loopback interface. */
export interface LocalServer {
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

/** What answers a request; a rejection becomes a 500 with its text. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Listens on 127.0.0.1.
 *
 * @param port 0 picks a free one
 * @param what the server's name in messages, for example `the page`
 * @throws LocalRunError when the port is taken
 */
export async function listen(handler: RequestHandler, port: number, what: string): Promise<LocalServer> {
  const server = createServer((request, response) => {
    handler(request, response).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy();
      response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(error instanceof Error ? error.message : String(error));
    });
  });
  // SDK clients keep connections open; one that is closed under them costs a failed request.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new LocalRunError(`port ${port} for ${what} is in use: stop what listens there, or pass --port`)
          : error.code === 'EACCES'
            ? new LocalRunError(`port ${port} for ${what} needs more rights: pass --port with 1024 or more`)
            : error,
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const actual = (server.address() as AddressInfo).port;
  return {
    port: actual,
    url: `http://127.0.0.1:${actual}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A server whose address is known before what it answers is. */
export interface DeferredServer {
  readonly server: LocalServer;
  handle(handler: RequestHandler): void;
}

/** Listens at once; requests are answered with 503 until there is a handler. @throws LocalRunError like {@link listen} */
export async function listenDeferred(port: number, what: string): Promise<DeferredServer> {
  let handler: RequestHandler | undefined;
  const server = await listen(
    async (request, response) => {
      if (handler) return handler(request, response);
      response.writeHead(503).end();
    },
    port,
    what,
  );
  return { server, handle: (next) => void (handler = next) };
}
