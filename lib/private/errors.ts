import { Construct } from 'constructs';

/**
 * A configuration that AWS would refuse, or that would lose messages, found at synth.
 *
 * `code` is stable API: documented in docs/errors.md, never reused.
 *
 * @jsii ignore
 */
export class ConfigurationError extends Error {
  /** The violated rule in PascalCase, for example `RetentionOutOfRange`; the first one when several are broken. */
  public readonly code: string;

  constructor(code: string, message: string, scope?: Construct) {
    super(scope ? `${message}\n  at construct '${scope.node.path}'` : message);
    this.name = 'ConfigurationError';
    this.code = code;
  }
}
