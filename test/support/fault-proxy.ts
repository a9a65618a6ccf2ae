import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How long a delayed answer takes. */
export const DELAY_MS = 1_000;

/** What the proxy does to a call to SQS. */
export const PROXY_FAULTS = [
  'dropBefore',
  'dropAfter',
  'error500',
  'throttle',
  'delay',
  'blackHole',
  'blackHoleAfter',
  'partial',
] as const;
export type ProxyFault = (typeof PROXY_FAULTS)[number];

/** A running proxy. */
export interface FaultProxy {
  readonly endpoint: string;
  /** Faults done so far, by kind. */
  readonly done: Record<ProxyFault, number>;
  close(): void;
}

interface BatchRequest {
  Entries?: Array<{ Id: string }>;
}

/** An HTTP proxy before an SQS endpoint; `choose` says what happens to each call. */
export async function startFaultProxy(target: string, choose: () => ProxyFault | undefined): Promise<FaultProxy> {
  const done = Object.fromEntries(PROXY_FAULTS.map((f) => [f, 0])) as Record<ProxyFault, number>;
  const server = createServer((request, response) => {
    void readAll(request).then((body) => handle(request, response, body));
  });

  const handle = async (request: IncomingMessage, response: ServerResponse, body: string): Promise<void> => {
    const fault = choose();
    if (fault) done[fault] += 1;
    if (fault === 'blackHole') return;
    if (fault === 'dropBefore') return void request.socket.destroy();
    if (fault === 'error500')
      return answer(response, 500, { __type: 'com.amazonaws.sqs#InternalFailure', message: 'injected' });
    if (fault === 'throttle')
      return answer(response, 400, { __type: 'com.amazonaws.sqs#RequestThrottled', message: 'injected' });
    const input = JSON.parse(body || '{}') as BatchRequest;
    const failed = fault === 'partial' && (input.Entries?.length ?? 0) > 1 ? input.Entries?.shift() : undefined;
    const { status, text } = await forward(target, request, JSON.stringify(input));
    if (fault === 'blackHoleAfter') return;
    if (fault === 'dropAfter') return void request.socket.destroy();
    if (fault === 'delay') await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
    if (failed === undefined) return answer(response, status, text);
    const output = JSON.parse(text) as { Failed?: object[] };
    const failure = { Id: failed.Id, Code: 'InternalError', Message: 'injected', SenderFault: false };
    answer(response, status, { ...output, Failed: [...(output.Failed ?? []), failure] });
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    done,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readAll(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  // A client that hangs up in the middle of a request is what this proxy is for.
  stream.on('error', () => undefined);
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function answer(response: ServerResponse, status: number, body: object | string): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function forward(target: string, original: IncomingMessage, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { ...original.headers, 'content-length': String(Buffer.byteLength(body)) };
    const request = httpRequest(new URL(original.url ?? '/', target), { method: 'POST', headers }, (response) => {
      void readAll(response).then((text) => resolve({ status: response.statusCode ?? 500, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}
