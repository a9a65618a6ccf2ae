import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came in. */
export interface StubRequest {
  /** `ReceiveMessage` and so on. */
  readonly operation: string;
  readonly input: unknown;
  readonly headers: IncomingHttpHeaders;
}

/** What the stub does with a request: a JSON answer, a raw text, nothing ever, or a broken connection. */
export type StubAnswer =
  | { readonly status?: number; readonly json: object; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: number; readonly text: string }
  | 'silence'
  | 'hangUp';

/** An error as SQS answers it: the type of the JSON protocol, and the code of the older query protocol in a header. */
export const errorAnswer = (status: number, type: string, queryCode?: string): StubAnswer => ({
  status,
  json: { __type: `com.amazonaws.sqs#${type}`, message: `the message of ${type}` },
  ...(queryCode !== undefined && { headers: { 'x-amzn-query-error': `${queryCode};Sender` } }),
});

/** A server that speaks the JSON protocol of SQS and answers what it is told; on a free port of 127.0.0.1. */
export interface SqsJsonStub {
  readonly endpoint: string;
  readonly requests: StubRequest[];
  /** Chooses the answers from now on. */
  answer(choose: StubAnswer | ((request: StubRequest) => StubAnswer)): void;
  close(): Promise<void>;
}

/** Starts a stub that answers `{}`. */
export async function startSqsJsonStub(): Promise<SqsJsonStub> {
  const requests: StubRequest[] = [];
  let choose: (request: StubRequest) => StubAnswer = () => ({ json: {} });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const came = {
        operation: String(request.headers['x-amz-target']).replace('AmazonSQS.', ''),
        input: JSON.parse(Buffer.concat(chunks).toString() || '{}') as unknown,
        headers: request.headers,
      };
      requests.push(came);
      const answer = choose(came);
      if (answer === 'silence') return;
      if (answer === 'hangUp') return void request.socket.destroy();
      const type = 'json' in answer ? 'application/x-amz-json-1.0' : 'text/html';
      const headers = 'json' in answer ? answer.headers : {};
      response.writeHead(answer.status ?? 200, { 'content-type': type, ...headers });
      response.end('json' in answer ? JSON.stringify(answer.json) : answer.text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => {
      choose = typeof next === 'function' ? next : () => next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
