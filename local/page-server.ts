/** Serves the stack's page (or a bare one) with the panel, and the panel's API. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { PANEL_TAGS, type PanelFiles } from './panel/bundle';
import type {
  ChartSample,
  DeadLetter,
  FaultSettings,
  LocalAbout,
  LocalState,
  LogEntry,
  PageConfig,
  RedriveAnswer,
  RedriveRequest,
} from './panel-api';

/** What the panel may ask of the run. */
export interface PanelBackend {
  config(): PageConfig;
  about(): LocalAbout;
  state(): LocalState;
  history(): readonly ChartSample[];
  logSince(afterId: number): readonly LogEntry[];
  listen(listener: (entry: LogEntry) => void): () => void;
  deadLetters(): readonly DeadLetter[];
  redrive(request: RedriveRequest): RedriveAnswer;
  /** @returns false when there is no such running instance */
  kill(instanceId: string): boolean;
  /** @throws RangeError */
  setFaults(change: Readonly<Record<string, unknown>>): FaultSettings;
}

/** How often a page is sent a snapshot. */
const STATE_MS = 500;

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

/** The page's HTTP service. */
export class PageServer {
  readonly #directory: string | undefined;
  readonly #panel: Promise<PanelFiles>;
  readonly #backend: PanelBackend;

  /** @param directory the stack's page; undefined serves a page with the panel only */
  constructor(directory: string | undefined, panel: Promise<PanelFiles>, backend: PanelBackend) {
    this.#directory = directory;
    this.#panel = panel;
    this.#backend = backend;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = request.headers.host ?? '';
    if (!/^127\.0\.0\.1(:\d+)?$/.test(host)) {
      // Buckets allow one origin. And another site's name that resolves to this machine gets no data.
      const [, port = ''] = /^localhost(:\d+)?$/.exec(host) ?? [];
      const known = /^localhost(:\d+)?$/.test(host);
      response.writeHead(known ? 307 : 421, known ? { location: `http://127.0.0.1${port}${request.url ?? '/'}` } : {});
      return void response.end();
    }
    const url = new URL(request.url ?? '/', `http://${host}`);
    if (url.pathname.startsWith('/_local/')) return this.#api(url.pathname.slice('/_local/'.length), request, response);
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, { error: 'GET only' });
    if (url.pathname === '/config.json') return send(response, 200, this.#backend.config());
    await this.#file(url.pathname, response);
  }

  async #file(pathname: string, response: ServerResponse): Promise<void> {
    const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const found = await this.#read(decodeURIComponent(name));
    if (!found) return send(response, 404, { error: `There is no ${pathname}` });
    const type = TYPES[path.extname(name)] ?? 'application/octet-stream';
    const isPage = this.#directory !== undefined && name.endsWith('.html');
    const body = isPage ? found.toString('utf8').replace('</head>', `${PANEL_TAGS}</head>`) : found;
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' }).end(body);
  }

  async #read(name: string): Promise<Buffer | undefined> {
    if (this.#directory === undefined) {
      return name === '/index.html' ? Buffer.from((await this.#panel)['index.html']) : undefined;
    }
    const file = path.resolve(this.#directory, `.${path.posix.normalize(name)}`);
    if (!file.startsWith(this.#directory + path.sep)) return undefined;
    return readFile(file).catch(() => undefined);
  }

  async #api(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request;
    if (method === 'GET') {
      switch (name) {
        case 'about':
          return send(response, 200, this.#backend.about());
        case 'events':
          return this.#events(request, response);
        case 'history':
          return send(response, 200, this.#backend.history());
        case 'dead-letters':
          return send(response, 200, this.#backend.deadLetters());
        case 'faults':
          return send(response, 200, this.#backend.state().faults);
        case 'panel.js':
        case 'panel.css': {
          const body = (await this.#panel)[name];
          response.writeHead(200, { 'content-type': TYPES[path.extname(name)], 'cache-control': 'no-cache' });
          return void response.end(body);
        }
      }
    }
    if (method !== 'POST') return send(response, 404, { error: `There is no ${method ?? ''} /_local/${name}` });
    if (request.headers['x-queue-fleet'] !== '1') {
      return send(response, 403, { error: "Requests that change something need the header 'x-queue-fleet: 1'" });
    }
    await this.#change(name, await readJson(request), response);
  }

  async #change(name: string, body: Record<string, unknown> | undefined, response: ServerResponse): Promise<void> {
    if (!body) return send(response, 400, { error: 'The body must be a JSON object of at most 64 KiB' });
    try {
      const [, instanceId] = /^instances\/([^/]+)\/kill$/.exec(name) ?? [];
      if (instanceId !== undefined) {
        if (this.#backend.kill(decodeURIComponent(instanceId))) return void response.writeHead(204).end();
        return send(response, 404, { error: `There is no running instance ${instanceId}` });
      }
      if (name === 'redrive') return send(response, 200, this.#backend.redrive(body as RedriveRequest));
      if (name === 'faults') return send(response, 200, this.#backend.setFaults(body));
    } catch (error) {
      return send(response, 400, { error: error instanceof Error ? error.message : String(error) });
    }
    send(response, 404, { error: `There is no POST /_local/${name}` });
  }

  #events(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const log = (entry: LogEntry): void => {
      response.write(`id: ${entry.id}\nevent: log\ndata: ${JSON.stringify(entry)}\n\n`);
    };
    const state = (): void => {
      // A page that does not read (a sleeping tab) is not sent more and more.
      if (response.writableNeedDrain) return;
      response.write(`event: state\ndata: ${JSON.stringify(this.#backend.state())}\n\n`);
    };
    for (const entry of this.#backend.logSince(Number(request.headers['last-event-id'] ?? 0))) log(entry);
    state();
    const end = this.#backend.listen(log);
    const timer = setInterval(state, STATE_MS);
    response.once('close', () => {
      clearInterval(timer);
      end();
    });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.length > 65_536) return undefined;
  }
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
