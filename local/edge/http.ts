import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';

/** A request with its whole body. */
export interface EdgeRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Path as sent, percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Aborts when the client has gone before it was answered. */
  readonly gone: AbortSignal;
}

/** An answer; the edge adds CORS headers and a request id. */
export interface EdgeResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** An error of an AWS service; rendered in the protocol of the service that was called. */
export class AwsError extends Error {
  override name = 'AwsError';
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

/** Bodies above this are refused; they are held in memory. */
export const MAX_BODY_BYTES = 1024 * 1024 * 1024;

/** Reads a request to its end. @throws AwsError when the body is too large */
export async function readRequest(incoming: IncomingMessage, response: ServerResponse): Promise<EdgeRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new AwsError('EntityTooLarge', `The local run holds bodies in memory, up to ${MAX_BODY_BYTES} bytes`, 413);
    }
    chunks.push(chunk);
  }
  const target = incoming.url ?? '/';
  const mark = target.indexOf('?');
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return {
    method: incoming.method ?? 'GET',
    target,
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers: incoming.headers,
    body: Buffer.concat(chunks),
    gone: gone.signal,
  };
}

/** One header's value as a text; undefined when absent. */
export function header(request: EdgeRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Text for use inside an XML element. */
export function escapeXml(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' })[character] ?? '',
  );
}

/** A request id in the form of the services'. */
export function newRequestId(): string {
  return randomBytes(8).toString('hex').toUpperCase();
}

/** An error as S3 writes it. */
export function s3Error({ code, message, status }: AwsError, resource: string): EdgeResponse {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body:
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message>` +
      `<Resource>${escapeXml(resource)}</Resource><RequestId>${newRequestId()}</RequestId></Error>`,
  };
}

/** An error as SQS writes it (AWS JSON 1.0). */
export function sqsError({ code, message, status }: AwsError): EdgeResponse {
  return {
    status,
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amzn-query-error': `${code};${status < 500 ? 'Sender' : 'Receiver'}`,
    },
    body: JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message }),
  };
}

/** A JSON answer of SQS. */
export function sqsAnswer(body: object): EdgeResponse {
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: JSON.stringify(body) };
}
