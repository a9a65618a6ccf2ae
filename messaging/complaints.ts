import type { Logger } from './logger';
import type { SqsErrorKind } from './sqs-errors';

/** What is told about a failure. */
export interface Failure {
  readonly kind: SqsErrorKind;
  readonly code: string;
  readonly message: string;
}

/** Tells failures: what passes is a warning; what lasts is told once, loudly, until the operation works again. */
export class Complaints {
  /** Code of the lasting failure by operation. */
  readonly #lasting = new Map<string, string>();

  constructor(
    private readonly logger: Logger,
    private readonly queueUrl: string,
  ) {}

  /** No operation is refused for good. */
  get none(): boolean {
    return this.#lasting.size === 0;
  }

  works(operation: string): void {
    this.#lasting.delete(operation);
  }

  tell(operation: string, { kind, code, message }: Failure, more: object): void {
    const fields = { queueUrl: this.queueUrl, operation, kind, code, ...more };
    if (kind !== 'permanent') return this.logger.warn(fields, `${operation} failed: ${message}`);
    if (this.#lasting.get(operation) === code) return;
    this.#lasting.set(operation, code);
    this.logger.error(fields, `${operation} is refused and will be until somebody changes it: ${message}`);
  }
}
