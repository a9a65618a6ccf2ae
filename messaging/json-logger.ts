import { systemClock, type Clock } from './clock';
import type { Logger } from './logger';

/** Severities in pino's numbers. */
export const LOG_LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** What a JSON logger needs. */
export interface JsonLoggerOptions {
  /** The least severe level that is written. @default info */
  readonly level?: keyof typeof LOG_LEVELS;
  /** Fields of every line, for example the instance's id. */
  readonly fields?: object;
  /** Takes one line with its newline. @default - standard output */
  readonly write?: (line: string) => void;
  /** @default systemClock */
  readonly clock?: Clock;
}

/**
 * Writes one JSON object a line, in pino's field names (`level`, `time`, `msg`, `err`), for programs that bring no logger.
 *
 * Errors are written with type, message, stack and cause. A cycle or a BigInt, which JSON cannot hold, is written as text.
 */
export function createJsonLogger(options: JsonLoggerOptions = {}): Logger {
  const { level = 'info', fields = {}, clock = systemClock } = options;
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  const at =
    (name: keyof typeof LOG_LEVELS) =>
    (extra: object, text?: string): void => {
      if (LOG_LEVELS[name] < LOG_LEVELS[level]) return;
      write(`${toJson({ level: LOG_LEVELS[name], time: clock.wallClock(), ...fields, ...extra, msg: text })}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function toJson(record: object): string {
  // An error is shown by a plain object in its place, so both are kept: one to find cycles, one to know the way up.
  const path: Array<{ readonly original: object; readonly shown: object }> = [];
  return JSON.stringify(record, function (this: unknown, _key, value: unknown) {
    if (typeof value === 'bigint') return value.toString();
    if (typeof value !== 'object' || value === null) return value;
    while (path.length > 0 && path.at(-1)?.shown !== this) path.pop();
    if (path.some((step) => step.original === value)) return '[circular]';
    const shown = value instanceof Error ? describeError(value) : value;
    path.push({ original: value, shown });
    return shown;
  });
}

function describeError(error: Error): object {
  return { ...error, type: error.name, message: error.message, stack: error.stack, cause: error.cause };
}
