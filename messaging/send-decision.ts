import { SendError } from './send-error';
import type { SqsError, SqsErrorKind } from './sqs-errors';
import type { EntryFailure, SendOutcome } from './transport';

/** A message that SQS has. */
export interface SentMessage {
  readonly ok: true;
  readonly messageId: string;
  /** FIFO queues: its place in the order of its group. */
  readonly sequenceNumber?: string;
}

/** A message that SQS does not have, as far as can be known: after a lost answer it may. */
export interface UnsentMessage {
  readonly ok: false;
  readonly error: SendError;
}

/** What became of one message. */
export type SendResult = SentMessage | UnsentMessage;

/** What a decision needs to know of a message in a request. */
export interface Attempt {
  readonly groupId?: string;
  /** When it is given up, in the time of the caller's clock. */
  readonly deadlineMs: number;
}

/** What to do with the messages of a request that was answered or failed. */
export interface SendDecision<T> {
  readonly settled: ReadonlyArray<readonly [T, SendResult]>;
  /** To be sent again, in the order of the request. */
  readonly again: readonly T[];
  /** The worst of what happened, for the delay. */
  readonly kind?: SqsErrorKind;
  /** The call works but not with all of these messages: `again` goes one by one and at once. */
  readonly oneByOne?: boolean;
  /** The failure concerns every message to this queue, also those that wait. */
  readonly queueWide?: SendError;
}

/** Refusals of a whole request that may concern only one of its messages. */
const ABOUT_ONE_MESSAGE =
  /^(InvalidMessageContents|InvalidParameterValue|InvalidParameterCombination|InvalidAttribute\w*|MissingParameter|BatchRequestTooLong|ValidationE\w+)$/;

/** Decides after an answer with one outcome for each entry; an entry without an outcome counts as failed. */
export function afterAnswer<T extends Attempt>(
  batch: readonly T[],
  outcomes: readonly SendOutcome[],
  { fifo, nowMs }: { readonly fifo: boolean; readonly nowMs: number },
): SendDecision<T> {
  const settled: Array<readonly [T, SendResult]> = [];
  const again: T[] = [];
  let kind: SqsErrorKind | undefined;
  /** Groups of which a later message is sent already; the walk goes from the last entry to the first. */
  const overtaken = new Set<string>();
  for (let i = batch.length - 1; i >= 0; i--) {
    const pending = batch[i] as T;
    const outcome = outcomes[i];
    if (outcome?.messageId !== undefined && outcome.failure === undefined) {
      settled.push([pending, { ok: true, messageId: outcome.messageId, sequenceNumber: outcome.sequenceNumber }]);
      if (fifo && pending.groupId !== undefined) overtaken.add(pending.groupId);
      continue;
    }
    const failure = outcome?.failure ?? NO_OUTCOME;
    if (!isRetryable(failure.kind)) settled.push([pending, unsent(entryError(failure, false))]);
    else if (pending.groupId !== undefined && overtaken.has(pending.groupId))
      settled.push([pending, unsent(overtakenError(failure))]);
    else if (pending.deadlineMs <= nowMs) settled.push([pending, unsent(entryError(failure, true))]);
    else {
      again.unshift(pending);
      if (kind !== 'throttled') kind = failure.kind;
    }
  }
  return { settled: settled.toReversed(), again, kind };
}

/** Decides after a request failed as a whole. */
export function afterFailure<T extends Attempt>(batch: readonly T[], error: SqsError, nowMs: number): SendDecision<T> {
  const { kind } = error;
  const retryable = isRetryable(kind);
  const failed = new SendError(error.code, error.message, retryable, { cause: error });
  if (retryable) {
    const late = batch.filter((pending) => pending.deadlineMs <= nowMs);
    const again = batch.filter((pending) => pending.deadlineMs > nowMs);
    return { settled: late.map((pending) => [pending, unsent(failed)]), again, kind };
  }
  const oneBad = ABOUT_ONE_MESSAGE.test(error.code);
  if (oneBad && batch.length > 1) return { settled: [], again: batch, kind, oneByOne: true };
  return {
    settled: batch.map((pending) => [pending, unsent(failed)]),
    again: [],
    kind,
    ...(oneBad ? { oneByOne: true } : { queueWide: failed }),
  };
}

/** A result for a message that was not sent. */
export const unsent = (error: SendError): UnsentMessage => ({ ok: false, error });

const NO_OUTCOME: EntryFailure = {
  kind: 'transient',
  code: 'NoOutcome',
  message: 'the answer does not mention the message',
};

const isRetryable = (kind: SqsErrorKind): boolean =>
  kind === 'transient' || kind === 'throttled' || kind === 'credentials';

const entryError = (failure: EntryFailure, retryable: boolean): SendError =>
  new SendError(failure.code, `${failure.code}: ${failure.message}`, retryable);

const overtakenError = (failure: EntryFailure): SendError =>
  new SendError(
    'Overtaken',
    `a later message of the group was accepted, this one was not (${failure.code}: ${failure.message}); sending it again would break the order`,
    false,
  );
