import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ConfigurationError } from '../../lib';
import type { ErrorCode } from '../../lib/private/error-codes';

/**
 * One configuration that our constructs refuse.
 *
 * How codes are kept honest: each folder of `lib/` has a table `test/lib/<folder>/refusals.ts` that exports
 * `REFUSALS: readonly Refusal[]`, with at least one entry for each code of its block in `lib/private/error-codes.ts`.
 * `test/lib/error-codes.test.ts` runs every entry, and proves that the codes that were really thrown are the codes of the
 * block, and that both are the table in `docs/errors.md` (which `npx tsx scripts/write-error-table.ts` writes).
 */
export interface Refusal {
  readonly code: ErrorCode;
  /** Completes "fails when …". */
  readonly when: string;
  /** Builds the refused configuration. The stack is synthesized afterwards, unless this already throws. */
  readonly attempt: (stack: Stack) => void;
}

/** Account and region of the stack that a refusal is built in. */
export const ENVIRONMENT = { account: '111111111111', region: 'eu-west-1' };

/** Runs one entry and returns the error that it met. */
export function refusalOf(refusal: Pick<Refusal, 'attempt'>): ConfigurationError {
  const stack = new Stack(new App(), 'Test', { env: ENVIRONMENT });
  try {
    refusal.attempt(stack);
    Template.fromStack(stack);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}
