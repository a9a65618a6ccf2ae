import { WorkerError } from './handler';

/**
 * What to do about a failed call:
 * - `permanent`: only a human can help (access, KMS, no such queue, a malformed request);
 * - `throttled`: come back later, and with fewer calls;
 * - `credentials`: expired, not to be had, or used at a wrong time: fetch new ones;
 * - `stale`: the receipt handle is no longer ours;
 * - `transient`: everything that a repetition may cure.
 */
export type SqsErrorKind = 'permanent' | 'throttled' | 'credentials' | 'stale' | 'transient';

/** A call to SQS that failed as a whole. */
export class SqsError extends WorkerError {
  override name = 'SqsError';
  constructor(
    readonly kind: SqsErrorKind,
    /** SQS's code without its `AWS.SimpleQueueService.` prefix, or the network's (`ECONNRESET`). */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, undefined, options);
  }
}

const THROTTLED = /^(Request)?Throttl|^TooManyRequests|^OverLimit$|Throttl(ed|ing)(Exception)?$|^SlowDown$/;
// No provider had any: instance metadata that did not answer once says so too.
const CREDENTIALS =
  /^ExpiredToken(Exception)?$|^Request(Expired|InTheFuture|TimeTooSkewed)$|^TokenRefreshRequired$|^CredentialsProviderError$/;
/** A wrong secret, or a wrong clock. */
const SIGNATURE = /^InvalidSignature(Exception)?$|^SignatureDoesNotMatch$|^AuthFailure$/;
const PERMANENT = /^AccessDenied|^KMS\.|^Kms|^QueueDoesNotExist$|^NonExistentQueue$/;

/**
 * Codes that mean that the handle no longer holds the message. `InvalidParameterValue` is what a FIFO queue answers for
 * an expired handle, and what any queue answers beyond the 12 hours; in both cases the lease is over.
 */
const STALE = new Set(['ReceiptHandleIsInvalid', 'MessageNotInflight', 'InvalidParameterValue', 'InvalidIdFormat']);

/** SQS's error codes come with and without a prefix, by protocol. */
export const plainCode = (code: string): string =>
  code.replace(/^(AWS\.SimpleQueueService\.|com\.amazonaws\.sqs#)/, '');

/**
 * Sorts a failed call by its code and, for unknown codes, by its HTTP status. No status at all is a network failure.
 *
 * @param clockWasWrong it was signed by a clock that was corrected since: the next signature may be accepted
 */
export function classifyCall(code: string, status?: number, clockWasWrong = false): SqsErrorKind {
  const plain = plainCode(code);
  if (clockWasWrong && SIGNATURE.test(plain)) return 'credentials';
  if (THROTTLED.test(plain) || status === 429) return 'throttled';
  if (CREDENTIALS.test(plain)) return 'credentials';
  if (PERMANENT.test(plain)) return 'permanent';
  return status !== undefined && status >= 400 && status < 500 && status !== 408 ? 'permanent' : 'transient';
}

/** Sorts a failed entry of a delete or visibility batch. */
export function classifyEntry(code: string, senderFault: boolean): SqsErrorKind {
  const plain = plainCode(code);
  if (STALE.has(plain)) return 'stale';
  const kind = classifyCall(plain);
  return kind === 'transient' && senderFault ? 'permanent' : kind;
}

/** Makes an `SqsError` of whatever a call threw. */
export function toSqsError(error: unknown): SqsError {
  if (error instanceof SqsError) return error;
  const known = error as {
    name?: unknown;
    code?: unknown;
    Code?: unknown;
    message?: unknown;
    $metadata?: { httpStatusCode?: number; clockSkewCorrected?: boolean };
  } | null;
  const { Code, code: systemCode, name, $metadata } = known ?? {};
  // The SDK calls half of the network's failures TimeoutError; what the system calls them says more.
  const network = typeof systemCode === 'string' && /^E[A-Z_]+$/.test(systemCode) ? systemCode : undefined;
  const code = plainCode(String(Code ?? network ?? (name === 'Error' ? systemCode : name) ?? 'Unknown'));
  const message = typeof known?.message === 'string' ? known.message : String(error);
  const kind = classifyCall(code, $metadata?.httpStatusCode, $metadata?.clockSkewCorrected);
  return new SqsError(kind, code, `${code}: ${message}`, { cause: error });
}
