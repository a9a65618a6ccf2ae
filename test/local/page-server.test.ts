import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EventLog } from '../../local/event-log';
import { NO_FAULTS } from '../../local/edge/faults';
import { listen, type LocalServer } from '../../local/http-server';
import { PageServer, type PanelBackend } from '../../local/page-server';
import type { LocalState } from '../../local/panel-api';

const bytes = (text: string) => Buffer.from(text);
const PANEL = { 'panel.js': bytes('js'), 'panel.css': bytes('css'), 'index.html': bytes('<p>shell</p>') };

describe('PageServer', () => {
  let directory: string;
  let page: LocalServer;
  let bare: LocalServer;
  const log = new EventLog(() => 0);
  const killed: string[] = [];
  const state = { faults: NO_FAULTS, queues: [] } as unknown as LocalState;
  const backend: PanelBackend = {
    config: () => ({ apiUrl: 'http://127.0.0.1:1' }),
    about: () => ({}) as never,
    state: () => state,
    history: () => [],
    logSince: (id) => log.since(id),
    listen: (listener) => log.listen(listener),
    deadLetters: () => [],
    redrive: ({ queue }) => {
      if (queue === 'wrong') throw new Error('wrong is no dead-letter queue');
      return { moved: 2 };
    },
    kill: (id) => {
      killed.push(id);
      return id === 'i-1';
    },
    setFaults: () => NO_FAULTS,
  };
  const post = (name: string, body: unknown, headers: Record<string, string> = { 'x-queue-fleet': '1' }) =>
    fetch(`${page.url}/_local/${name}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers,
    });

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'page-'));
    writeFileSync(path.join(directory, 'index.html'), '<html><head></head><body></body></html>');
    writeFileSync(path.join(directory, 'app.js'), 'app');
    writeFileSync(path.join(directory, '..', 'page-secret.txt'), 'secret');
    const serve = async (from: string | undefined) => {
      const pages = new PageServer(from, Promise.resolve(PANEL), backend);
      return listen((request, response) => pages.serve(request, response), 0, 'the page');
    };
    page = await serve(directory);
    bare = await serve(undefined);
  });
  afterAll(async () => {
    await page.close();
    await bare.close();
    rmSync(directory, { recursive: true });
    rmSync(path.join(directory, '..', 'page-secret.txt'));
  });

  test('joins the panel to the page of the stack', async () => {
    const html = await (await fetch(page.url)).text();
    expect(html).toContain('<script type="module" src="/_local/panel.js"></script></head>');
    const script = await fetch(`${page.url}/app.js`);
    expect([await script.text(), script.headers.get('content-type')]).toEqual([
      'app',
      'text/javascript; charset=utf-8',
    ]);
  });

  test('serves the panel alone for a stack without a page', async () => {
    expect(await (await fetch(bare.url)).text()).toBe('<p>shell</p>');
    expect((await fetch(`${bare.url}/app.js`)).status).toBe(404);
    expect(await (await fetch(`${bare.url}/_local/panel.js`)).text()).toBe('js');
  });

  const raw = (target: string, host = `127.0.0.1:${page.port}`) =>
    new Promise<{ status: number; location: string | undefined; text: string }>((resolve, reject) => {
      http
        .get({ port: page.port, host: '127.0.0.1', path: target, headers: { host } }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, location: response.headers.location, text }),
          );
        })
        .on('error', reject);
    });

  test.each(['/../page-secret.txt', '/%2e%2e/page-secret.txt', '/..%2fpage-secret.txt'])(
    '%s leaves no way out',
    async (target) => {
      const { status, text } = await raw(target);
      expect(status).toBe(404);
      expect(text).not.toBe('secret');
    },
  );

  test('sends localhost to the one origin that buckets allow, and refuses other names', async () => {
    expect(await raw('/x', `localhost:${page.port}`)).toMatchObject({
      status: 307,
      location: `http://127.0.0.1:${page.port}/x`,
    });
    expect((await raw('/config.json', 'evil.example')).status).toBe(421);
  });

  test('sends the log and the state to whoever listens, from where it was', async () => {
    log.add('system', 'one');
    log.add('scaling', 'two');
    const abort = new AbortController();
    const response = await fetch(`${page.url}/_local/events`, {
      headers: { 'last-event-id': '1' },
      signal: abort.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('event: state')) text += (await reader?.read())?.value ?? '';
    abort.abort();
    expect(text).toContain('id: 2\nevent: log\ndata: {"id":2');
    expect(text).not.toContain('"one"');
  });

  test('changes nothing without the header that other sites cannot send', async () => {
    expect((await post('instances/i-1/kill', {}, {})).status).toBe(403);
    expect(killed).toEqual([]);
  });

  test.each<[string, unknown, number, string]>([
    ['redrive', {}, 200, '{"moved":2}'],
    ['redrive', { queue: 'wrong' }, 400, '{"error":"wrong is no dead-letter queue"}'],
    ['redrive', 'no json', 400, '{"error":"The body must be a JSON object of at most 64 KiB"}'],
    ['instances/i-1/kill', {}, 204, ''],
    ['instances/i-2/kill', {}, 404, '{"error":"There is no running instance i-2"}'],
    ['nothing', {}, 404, '{"error":"There is no POST /_local/nothing"}'],
  ])('POST %s %j answers %i', async (name, body, status, text) => {
    const response = await post(name, body);
    expect([response.status, await response.text()]).toEqual([status, text]);
  });
});
