import type { Logger } from './logger';
import type { SqsErrorKind } from './sqs-errors';

/** What is told about a failure. */
export interface Failure {
  readonly kind: SqsErrorKind;
  readonly code: string;
  readonly message: string;
}

/** Tells failures: what passes is a warning; what lasts is told once, loudly, until it works again. */
export class Complaints {
  /** Code of the lasting failure by operation. */
  readonly #lasting = new Map<string, string>();

  constructor(
    private readonly logger: Logger,
    private readonly queueUrl: string,
  ) {}

  /** No operation fails lastingly. */
  get none(): boolean {
    return this.#lasting.size === 0;
  }

  works(operation: string): void {
    this.#lasting.delete(operation);
  }

  /** @param repeated it failed so often in a row that it may last: a host that no DNS knows, credentials that stay expired */
  tell(operation: string, { kind, code, message }: Failure, more: object, repeated = false): void {
    const fields = { queueUrl: this.queueUrl, operation, kind, code, ...more };
    if (kind !== 'permanent' && !repeated) return this.logger.warn(fields, `${operation} failed: ${message}`);
    if (this.#lasting.get(operation) === code) return;
    this.#lasting.set(operation, code);
    const what = kind === 'permanent' ? 'is refused' : 'keeps failing';
    this.logger.error(fields, `${operation} ${what} and will be tried again quietly until it works: ${message}`);
  }
}
