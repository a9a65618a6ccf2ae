/** The part of a pino logger that the runtime uses; any logger with these four methods fits. Errors are the field `err`, as pino has it. */
export interface Logger {
  debug(fields: object, text?: string): void;
  info(fields: object, text?: string): void;
  warn(fields: object, text?: string): void;
  error(fields: object, text?: string): void;
}

/** Drops everything. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
