import type { Handler } from '../../messaging/handler';

/** Where messages are handled: this process, a child process for each message, or a server on this machine. */
export interface HandlerHost {
  /** What the consumer calls. */
  readonly handler: Handler;
  /** Whether messages would be handled now. @default - always */
  isReady?(): boolean;
  /** How long the host lets work go on that was told to stop, milliseconds. @default - it has no say in this */
  readonly stopsWithinMs?: number;
  /** Frees what the host holds: ends child processes, closes connections, calls the module's `close`. Safe to call twice. */
  stop(): Promise<void>;
}

/** A handler written as one line of text, parsed. */
export type HandlerSpec =
  | { readonly kind: 'module'; readonly path: string }
  | { readonly kind: 'command'; readonly command: readonly [string, ...string[]] }
  | { readonly kind: 'http'; readonly port: number; readonly path: string };

/** A handler specification, or the thing that it names, which cannot be used. Found before the first message is received. */
export class HandlerSpecError extends Error {
  override name = 'HandlerSpecError';
}

/**
 * Reads `module:<path>`, `command:<JSON array of strings>` or `http:<port><path>`.
 *
 * @throws HandlerSpecError when the text is none of them
 */
export function parseHandlerSpec(text: string): HandlerSpec {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? '' : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (kind === 'module') {
    if (rest === '') throw refuse(text, 'a path must follow `module:`, for example `module:./handler.mjs`');
    return { kind, path: rest };
  }
  if (kind === 'command') return { kind, command: parseCommand(text, rest) };
  if (kind === 'http') return { kind, ...parseHttp(text, rest) };
  throw refuse(text, 'it must begin with `module:`, `command:` or `http:`');
}

function parseCommand(text: string, rest: string): readonly [string, ...string[]] {
  const example = 'for example `command:["python3","handler.py"]`';
  let parsed: unknown;
  try {
    parsed = JSON.parse(rest);
  } catch (cause) {
    throw refuse(text, `a JSON array of strings must follow \`command:\`, ${example}`, { cause });
  }
  if (
    !Array.isArray(parsed) ||
    !parsed.every((part): part is string => typeof part === 'string' && !part.includes('\0'))
  )
    throw refuse(text, `the command must be a JSON array of strings, ${example}`);
  const [program, ...args] = parsed;
  if (program === undefined || program === '') throw refuse(text, `the command must name a program, ${example}`);
  return [program, ...args];
}

function parseHttp(text: string, rest: string): { port: number; path: string } {
  const match = /^(\d{1,5})(\/[!-~]*)?$/.exec(rest);
  const port = Number(match?.[1]);
  if (match === null || port < 1 || port > 65_535)
    throw refuse(text, 'a port from 1 to 65535 and a path must follow `http:`, for example `http:8080/messages`');
  return { port, path: match[2] ?? '/' };
}

function refuse(text: string, advice: string, options?: ErrorOptions): HandlerSpecError {
  return new HandlerSpecError(`'handler' (${JSON.stringify(text)}) cannot be read: ${advice}`, options);
}
