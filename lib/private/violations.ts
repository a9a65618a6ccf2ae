import { Duration, Size, SizeRoundingBehavior, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { ErrorCode } from './error-codes';
import { ConfigurationError } from './errors';

/** An allowed range of a number, both ends included. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** Plural unit for the error text, for example `seconds`. */
  readonly unit: string;
}

/**
 * Collects every broken rule of one set of props, so that all are reported at once.
 *
 * Usage: create, `add` or `require…` for each rule, then `throwIfAny()` before the first child construct is made.
 * Unresolved tokens pass every check: their value is only known at deployment.
 */
export class Violations {
  readonly #found: Array<{ code: ErrorCode; text: string }> = [];

  constructor(private readonly scope?: Construct) {}

  /** Records one violation. Text: `'prop' (value unit) must <relation>: <what to do>`, no final period. */
  public add(code: ErrorCode, text: string): void {
    this.#found.push({ code, text });
  }

  /** Requires a whole number within `range`; `advice` says what to do. Undefined and tokens pass. */
  public requireNumber(
    code: ErrorCode,
    prop: string,
    value: number | undefined,
    range: NumberRange,
    advice: string,
  ): void {
    if (value === undefined || Token.isUnresolved(value)) return;
    if (!Number.isInteger(value) || value < range.min || value > range.max) {
      this.add(
        code,
        `'${prop}' (${value} ${range.unit}) must be a whole number from ${range.min} to ${range.max} ${range.unit}: ${advice}`,
      );
    }
  }

  /** Requires a duration of whole seconds within `range` (in seconds). */
  public requireSeconds(
    code: ErrorCode,
    prop: string,
    value: Duration | undefined,
    range: Omit<NumberRange, 'unit'>,
    advice: string,
  ): void {
    if (value === undefined || value.isUnresolved()) return;
    this.requireNumber(code, prop, value.toMilliseconds() / 1000, { ...range, unit: 'seconds' }, advice);
  }

  /** Requires a size of whole bytes within `range` (in bytes). */
  public requireBytes(
    code: ErrorCode,
    prop: string,
    value: Size | undefined,
    range: Omit<NumberRange, 'unit'>,
    advice: string,
  ): void {
    if (value === undefined || value.isUnresolved()) return;
    this.requireNumber(code, prop, value.toBytes(), { ...range, unit: 'bytes' }, advice);
  }

  /** Requires a size of whole gibibytes within `range` (in gibibytes). */
  public requireGibibytes(
    code: ErrorCode,
    prop: string,
    value: Size | undefined,
    range: Omit<NumberRange, 'unit'>,
    advice: string,
  ): void {
    if (value === undefined || value.isUnresolved()) return;
    const gibibytes = value.toGibibytes({ rounding: SizeRoundingBehavior.NONE });
    this.requireNumber(code, prop, gibibytes, { ...range, unit: 'GiB' }, advice);
  }

  /** @throws ConfigurationError with the code of the first violation and one bullet for each, when there is any. */
  public throwIfAny(): void {
    const [first] = this.#found;
    if (first === undefined) return;
    const text =
      this.#found.length === 1
        ? `${first.code}: ${first.text}`
        : `${this.#found.length} settings are not valid:\n${this.#found.map((v) => `  - ${v.code}: ${v.text}`).join('\n')}`;
    throw new ConfigurationError(first.code, text, this.scope);
  }
}
