import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from './clock';
import { silentLogger, type Logger } from './logger';

/** A message that the process holds a lease on. */
export interface InFlightMessage {
  /** SQS message id. */
  readonly messageId: string;
  /** Time since it was received, milliseconds. */
  readonly ageMs: number;
  /** `leased` (waits for a slot), `running`, `acking` or the like. */
  readonly state: string;
}

/** What the health server asks about; a consumer, or several of them joined. */
export interface HealthSource {
  /** `clock.now()` of the last step forward: a finished poll, also a failed one, a renewed lease, or a finished handler. */
  lastProgressMs(): number;
  /** Whether the last calls to SQS succeeded, so that messages would be handled. */
  isReady(): boolean;
  /** The messages held now. */
  inFlight(): readonly InFlightMessage[];
}

/** What a health server needs. */
export interface HealthServerOptions {
  /** What is observed: one source for each consumer. */
  readonly sources: readonly HealthSource[];
  /** Called by `POST /drain`, once; what it resolves with is the report for those who wait. */
  readonly drain: () => Promise<unknown>;
  /** Port; 0 picks a free one. @default 0 */
  readonly port?: number;
  /** Address to listen on. @default 127.0.0.1: the endpoints have no authentication */
  readonly host?: string;
  /** `/live` fails when there was no progress for so long, milliseconds. @default 120000: six long polls */
  readonly progressTimeoutMs?: number;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default silentLogger */
  readonly logger?: Logger;
}

/** An answer before it is written. */
interface Answer {
  readonly status: number;
  readonly body: object;
}

/**
 * Serves `GET /live`, `GET /ready`, `GET /inflight` and `POST /drain` on the loopback interface.
 *
 * `/live` asks for progress, not for a running process: a consumer whose polls hang answers 503 here while its event
 * loop still turns. `/ready` is 503 while calls to SQS fail and from the begin of a drain on.
 */
export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #server: Server;
  #drain: Promise<unknown> | undefined;
  #drainSettled = false;
  readonly #answering = new Set<Promise<void>>();

  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#server = createServer((request, response) => {
      const answered = this.#respond(request, response).finally(() => this.#answering.delete(answered));
      this.#answering.add(answered);
    });
  }

  /** Listens; resolves with the port. Rejects when the port is taken. */
  async start(): Promise<number> {
    const { port = 0, host = '127.0.0.1' } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes the port and open connections; who waits for a drain that has ended gets its answer first. Safe to call twice. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // The end of the drain is often what stops the server: its answers begin in the same turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#drainSettled) await Promise.all(this.#answering);
    this.#server.closeAllConnections();
    await closed;
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const answer = await this.#answer(request).catch((error: unknown) => {
      this.#logger.error({ err: error }, 'a health request failed');
      return { status: 500, body: { error: error instanceof Error ? error.message : String(error) } };
    });
    response.writeHead(answer.status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    // Closed without an end: whoever asked is gone.
    const over = new Promise<void>((resolve) => response.once('finish', resolve).once('close', resolve));
    response.end(`${JSON.stringify(answer.body)}\n`);
    if (!response.destroyed) await over;
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const wanted = url.pathname === '/drain' ? 'POST' : 'GET';
    if (!['/live', '/ready', '/inflight', '/drain'].includes(url.pathname))
      return { status: 404, body: { error: 'there are /live, /ready, /inflight and /drain' } };
    if (request.method !== wanted) return { status: 405, body: { error: `${url.pathname} takes ${wanted}` } };
    if (url.pathname === '/live') return this.#live();
    if (url.pathname === '/ready') return this.#ready();
    if (url.pathname === '/inflight') return { status: 200, body: { messages: this.#inFlight() } };
    // Browsers name the page that asks: no page may stop a worker on its visitor's machine.
    if (request.headers.origin !== undefined) return { status: 403, body: { error: 'not from a web page' } };
    return this.#startDrain(url.searchParams.has('wait'));
  }

  #live(): Answer {
    const { sources, progressTimeoutMs = 120_000 } = this.#options;
    const now = this.#clock.now();
    const sinceMs = Math.max(0, ...sources.map((source) => Math.round(now - source.lastProgressMs())));
    return { status: sinceMs > progressTimeoutMs ? 503 : 200, body: { sinceProgressMs: sinceMs, progressTimeoutMs } };
  }

  #ready(): Answer {
    const draining = this.#drain !== undefined;
    const ready = !draining && this.#options.sources.every((source) => source.isReady());
    return { status: ready ? 200 : 503, body: { ready, draining } };
  }

  #inFlight(): readonly InFlightMessage[] {
    return this.#options.sources.flatMap((source) => source.inFlight());
  }

  async #startDrain(wait: boolean): Promise<Answer> {
    this.#drain ??= this.#options.drain().finally(() => (this.#drainSettled = true));
    if (wait) return { status: 200, body: { draining: true, report: (await this.#drain) ?? null } };
    this.#drain.catch((error: unknown) => this.#logger.error({ err: error }, 'the drain failed'));
    return { status: 202, body: { draining: true, inFlight: this.#inFlight().length } };
  }
}
