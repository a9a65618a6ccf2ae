/**
 * Every code of a ConfigurationError and the rule that it stands for. docs/errors.md holds the same table, and a test
 * proves that each code is thrown by some test. Keep each block in alphabetical order.
 */
export const ERROR_CODES = {
  // lib/queue
  RetentionOutOfRange: 'A queue keeps messages from 60 seconds to 14 days',
  // lib/fleet

  // lib/scaling
} as const;

/** A code of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;
