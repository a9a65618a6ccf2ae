import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import {
  PermanentError,
  ReleaseError,
  WorkerError,
  type HandlerContext,
  type ReceivedMessage,
} from '../../messaging/handler';
import type { HandlerHost } from './host';

/** Status codes with a meaning besides 2xx (done); every other one asks for a retry with backoff. */
export const HTTP_STATUS = { poison: 422, release: 409 } as const;

/** What an HTTP host needs. */
export interface HttpHostOptions {
  /** Port on 127.0.0.1 where the application listens. */
  readonly port: number;
  /** Path that messages are posted to. @default / */
  readonly path?: string;
  /** Name of the queue, for `X-Aws-Sqsd-Queue`. @default - the header is left out */
  readonly queueName?: string;
  /** Media type of the bodies. @default application/json, as an Elastic Beanstalk worker environment */
  readonly contentType?: string;
}

/** What is read of an answer's body for the error text, bytes. */
const ANSWER_BYTES = 2_000;

/**
 * Posts each message to a server on this machine, with the headers that the daemon of an Elastic Beanstalk worker
 * environment sends, so that such an application runs here unchanged.
 *
 * The request has no timeout of its own: the message's signal ends it, by closing the connection.
 */
export function createHttpHost(options: HttpHostOptions): HandlerHost {
  // One connection for each message: cheap on loopback, and no POST is lost on a kept connection that the server just closed.
  const agent = new Agent({ keepAlive: false });
  let stopped = false;
  return {
    handler: async (message, context) => {
      if (stopped) throw new ReleaseError('the HTTP host is stopped', message.messageId);
      context.signal.throwIfAborted();
      const answer = await post(options, agent, message, context);
      throwForStatus(message.messageId, answer.status, answer.text);
    },
    stop: async () => {
      stopped = true;
      agent.destroy();
    },
  };
}

/** Headers of one message. String and number attributes become `X-Aws-Sqsd-Attr-<name>`, binary ones are left out. */
export function messageHeaders(message: ReceivedMessage, options: HttpHostOptions): Record<string, string> {
  const headers: Record<string, string> = {
    'Content-Type': options.contentType ?? 'application/json',
    'Content-Length': String(Buffer.byteLength(message.body)),
    // Frameworks for worker environments recognise the daemon by this name.
    'User-Agent': 'aws-sqsd/2.0 (compatible; cdk-queue-fleet)',
    'X-Aws-Sqsd-Msgid': message.messageId,
    'X-Aws-Sqsd-Receive-Count': String(message.receiveCount),
  };
  if (options.queueName !== undefined) headers['X-Aws-Sqsd-Queue'] = options.queueName;
  if (message.firstReceivedAtMs !== undefined)
    headers['X-Aws-Sqsd-First-Received-At'] = new Date(message.firstReceivedAtMs).toISOString().replace(/\.\d+Z$/, 'Z');
  if (message.senderId !== undefined) headers['X-Aws-Sqsd-Sender-Id'] = message.senderId;
  if (message.groupId !== undefined) headers['X-Queue-Fleet-Group-Id'] = headerValue(message.groupId);
  for (const [name, value] of Object.entries(message.attributes))
    if (typeof value === 'string') headers[`X-Aws-Sqsd-Attr-${name}`] = headerValue(value);
  return headers;
}

/** Printable ASCII as it is; anything else percent-encoded, as HTTP allows no other characters in a header. */
function headerValue(text: string): string {
  return /^[ -~]*$/.test(text) ? text : encodeURIComponent(text);
}

/** Returns for 2xx, throws what the status stands for otherwise. */
export function throwForStatus(messageId: string, status: number, answer: string): void {
  if (status >= 200 && status < 300) return;
  const text = answer === '' ? `the handler answered ${status}` : `the handler answered ${status}: ${answer}`;
  if (status === HTTP_STATUS.poison) throw new PermanentError(text, messageId);
  if (status === HTTP_STATUS.release) throw new ReleaseError(text, messageId);
  throw new WorkerError(text, messageId);
}

function post(
  options: HttpHostOptions,
  agent: Agent,
  message: ReceivedMessage,
  { signal }: HandlerContext,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      const text = `no answer from 127.0.0.1:${options.port}: ${cause.message}`;
      reject(signal.aborted ? signal.reason : new WorkerError(text, message.messageId, { cause }));
    };
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: options.port,
        path: options.path ?? '/',
        method: 'POST',
        headers: messageHeaders(message, options),
        agent,
        signal,
      },
      (response) => readAnswer(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), fail),
    );
    request.on('error', fail);
    request.end(message.body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<string> {
  let text = '';
  // To the end, also when it is long: the server must be able to finish its answer.
  for await (const chunk of response.setEncoding('utf8')) text = (text + String(chunk)).slice(0, ANSWER_BYTES);
  return text.trim();
}
