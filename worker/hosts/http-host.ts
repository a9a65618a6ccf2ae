import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { delay, systemClock, type Clock } from '../../messaging/clock';
import {
  PermanentError,
  ReleaseError,
  WorkerError,
  type HandlerContext,
  type ReceivedMessage,
} from '../../messaging/handler';
import { firstAbort } from '../first-abort';
import { HandlerSpecError, type HandlerHost } from './host';

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
  /** How long the application may take until its port accepts connections, milliseconds. @default 120000 */
  readonly readyWithinMs?: number;
  /** How long a message waits for an application that went away, before it is given back, milliseconds. @default 60000 */
  readonly holdMs?: number;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** Time between two looks at a port that refuses connections, milliseconds. */
const PROBE_EVERY_MS = 500;

/** What is read of an answer's body for the error text, bytes. */
const ANSWER_BYTES = 2_000;

/**
 * Posts each message to a server on this machine, with the headers that the daemon of an Elastic Beanstalk worker
 * environment sends, so that such an application runs here unchanged.
 *
 * Resolves when the port accepts connections. The request has no timeout of its own: the message's signal ends it, by closing
 * the connection. A refused connection is no failure of the message, which the application has not seen: it keeps its slot and
 * its lease until the application is back, and is given back after `holdMs`. So a crash costs a message one receive a minute at
 * most, and a worker without its application soon asks for no more.
 *
 * @throws HandlerSpecError when nothing listens within `readyWithinMs`
 */
export async function createHttpHost(options: HttpHostOptions): Promise<HandlerHost> {
  const { port, readyWithinMs = 120_000, holdMs = 60_000, clock = systemClock } = options;
  // One connection for each message: cheap on loopback, and no POST is lost on a kept connection that the server just closed.
  const agent = new Agent({ keepAlive: false });
  const stopped = new AbortController();
  let serving = true;
  if (!(await listens(port, clock, readyWithinMs, stopped.signal)))
    throw new HandlerSpecError(
      `'handler' (http:${port}): nothing accepted a connection on 127.0.0.1:${port} within ${readyWithinMs / 1_000} seconds: the application has not started, or listens elsewhere; see its own log`,
    );
  return {
    isReady: () => serving,
    handler: async (message, context) => {
      const endsAtMs = clock.now() + holdMs;
      for (;;) {
        if (stopped.signal.aborted) throw new ReleaseError('the HTTP host is stopped', message.messageId);
        context.signal.throwIfAborted();
        try {
          const answer = await post(options, agent, message, context);
          serving = true;
          return throwForStatus(message.messageId, answer.status, answer.text);
        } catch (error) {
          if (!isRefused(error)) throw error;
          serving = false;
        }
        const over = firstAbort([context.signal, stopped.signal]);
        const leftMs = endsAtMs - clock.now();
        const back = leftMs > 0 && (await listens(port, clock, leftMs, over.signal));
        over.release();
        if (!back && (leftMs <= 0 || !over.signal.aborted))
          throw new ReleaseError(`nothing listens on 127.0.0.1:${port}`, message.messageId);
        serving ||= !over.signal.aborted;
      }
    },
    stop: async () => {
      stopped.abort();
      agent.destroy();
    },
  };
}

/** Whether the request never reached an application. */
function isRefused(error: unknown): boolean {
  const { code } = ((error instanceof WorkerError && error.cause) || {}) as { readonly code?: unknown };
  return code === 'ECONNREFUSED';
}

/** Waits until the port accepts a connection. @returns false when it did not in time, or `signal` aborted */
async function listens(port: number, clock: Clock, withinMs: number, signal: AbortSignal): Promise<boolean> {
  const endsAtMs = clock.now() + withinMs;
  while (!signal.aborted) {
    if (await accepts(port)) return true;
    const leftMs = endsAtMs - clock.now();
    if (leftMs <= 0) return false;
    await delay(clock, Math.min(PROBE_EVERY_MS, leftMs), signal);
  }
  return false;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
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
