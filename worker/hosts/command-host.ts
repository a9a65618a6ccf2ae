import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock, type Clock } from '../../messaging/clock';
import {
  DrainError,
  PermanentError,
  ReleaseError,
  WorkerError,
  type HandlerContext,
  type ReceivedMessage,
} from '../../messaging/handler';
import { HandlerSpecError, type HandlerHost } from './host';

/** Exit codes with a meaning; every other one asks for a retry with backoff. */
export const EXIT_CODES = { ack: 0, poison: 3, release: 4 } as const;

/** What a command host needs. */
export interface CommandHostOptions {
  /** Program and arguments; no shell is involved. */
  readonly command: readonly [string, ...string[]];
  /** Time between SIGTERM and SIGKILL, milliseconds. @default 5000 */
  readonly graceMs?: number;
  /** Environment of the child processes. @default - this process's environment */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Starts a process. @default - `child_process.spawn` */
  readonly spawn?: typeof spawn;
}

/** Time for a killed process group to disappear. */
export const KILL_MARGIN_MS = 500;

/** The last part of standard error that is kept for the error text. */
const STDERR_TAIL_CHARACTERS = 2_000;

/**
 * Starts a process for each message: the message as JSON on standard input, the outcome as exit code.
 *
 * Each child leads its own process group. When the message's signal aborts, the whole group gets SIGTERM and, after
 * `graceMs` or shortly before a drain gives the message back, SIGKILL; what is left of the group when the child exits is
 * killed, so nothing outlives its message.
 * Lines on standard output go to the logger; the end of standard error goes into the error.
 *
 * @throws HandlerSpecError when the program does not exist or may not be executed
 */
export async function createCommandHost(options: CommandHostOptions): Promise<HandlerHost> {
  const { command, graceMs = 5_000, environment = process.env, clock = systemClock } = options;
  const [program, ...args] = command;
  await requireExecutable(program, environment['PATH'] ?? '');
  const start = options.spawn ?? spawn;
  const running = new Set<{ readonly end: () => void; readonly ended: Promise<void> }>();
  let stopped = false;

  async function handler(message: ReceivedMessage, context: HandlerContext): Promise<void> {
    if (stopped) throw new ReleaseError('the command host is stopped', message.messageId);
    context.signal.throwIfAborted();
    const child = start(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'], env: { ...environment } });
    const stderr = forwardOutput(child, context);
    const exit = waitForExit(child);
    let cancelKill: (() => void) | undefined;
    const end = (): void => {
      if (cancelKill !== undefined) return;
      killGroup(child, 'SIGTERM');
      const kill = (): void => killGroup(child, 'SIGKILL');
      const withinMs = killAfterMs(context.signal.reason, graceMs);
      cancelKill = clock.setTimer(withinMs, kill);
      if (withinMs === 0) kill();
    };
    const entry = { end, ended: exit.then(noop, noop) };
    running.add(entry);
    context.signal.addEventListener('abort', end, { once: true });
    try {
      // A child that exits without reading closes the pipe: its exit code says what it thinks, not EPIPE.
      child.stdin?.on('error', noop);
      child.stdin?.end(messageToJson(message));
      const { code, signal } = await exit;
      // Exit 0 says that the work is done, also when it was to stop meanwhile.
      if (code !== EXIT_CODES.ack) context.signal.throwIfAborted();
      throwForExit(message.messageId, program, code, signal, stderr());
    } finally {
      cancelKill?.();
      killGroup(child, 'SIGKILL');
      context.signal.removeEventListener('abort', end);
      running.delete(entry);
    }
  }

  return {
    handler,
    stopsWithinMs: graceMs,
    stop: async () => {
      stopped = true;
      for (const child of running) child.end();
      await Promise.all([...running].map((child) => child.ended));
    },
  };
}

/** A child must be gone before its message is given back, where another worker may start it at once. */
function killAfterMs(reason: unknown, graceMs: number): number {
  const { stopWithinMs = Infinity } = reason instanceof DrainError ? reason : {};
  return Math.min(graceMs, stopWithinMs - Math.min(KILL_MARGIN_MS, stopWithinMs / 4));
}

/** The message as the child reads it: one JSON object, binary attributes as `{ "base64": "…" }`. */
export function messageToJson(message: ReceivedMessage): string {
  const attributes = Object.fromEntries(
    Object.entries(message.attributes).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : { base64: Buffer.from(value).toString('base64') },
    ]),
  );
  return `${JSON.stringify({ ...message, attributes })}\n`;
}

/** Returns for success, throws what the exit code or signal stands for otherwise. */
export function throwForExit(
  messageId: string,
  program: string,
  code: number | null,
  signal: NodeJS.Signals | null,
  stderr: string,
): void {
  if (code === EXIT_CODES.ack) return;
  const how = code === null ? `was ended by ${signal ?? 'a signal'}` : `exited with code ${code}`;
  const text = stderr === '' ? `${program} ${how}` : `${program} ${how}: ${stderr}`;
  if (code === EXIT_CODES.poison) throw new PermanentError(text, messageId);
  if (code === EXIT_CODES.release) throw new ReleaseError(text, messageId);
  throw new WorkerError(text, messageId);
}

function waitForExit(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    // 'exit', not 'close': a grandchild that keeps the pipes open must not hold the message.
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (cause) =>
      reject(new WorkerError(`the command cannot run: ${cause.message}`, undefined, { cause })),
    );
  });
}

/** Sends standard output to the logger line by line; returns a function for the end of standard error. */
function forwardOutput(child: ChildProcess, context: HandlerContext): () => string {
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => context.logger.info({ stream: 'stdout' }, line));
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_TAIL_CHARACTERS);
  });
  return () => tail.trim();
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // Nobody left in the group; macOS says EPERM while the leader is a zombie.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

async function requireExecutable(program: string, path: string): Promise<void> {
  const candidates = program.includes('/') ? [program] : path.split(delimiter).map((folder) => join(folder, program));
  for (const candidate of candidates)
    if (
      await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return;
  throw new HandlerSpecError(`'handler' command (${program}) must be an executable file or be found in PATH`);
}

function noop(): void {}
