import { WorkerError } from './handler';

/** Every code of ours that a {@link SendError} may have, and what happened. docs/message-producer.md holds the same table. */
export const SEND_ERROR_CODES = {
  Closed: 'the producer was closed before',
  DeduplicationIdMissing: 'encryption on a FIFO queue needs a deduplication id',
  DeduplicationIdOnStandardQueue: 'only FIFO queues deduplicate',
  DelayOnFifoQueue: 'a FIFO queue has one delay for all its messages',
  DelayOutOfRange: 'the delay is not a whole number from 0 to 900 seconds',
  EncodingFailed: 'the body could not be encrypted or put into S3, or not in time',
  GroupIdMissing: 'a FIFO queue needs a group id',
  InvalidAttribute: 'type and value of an attribute do not fit, or it is empty',
  InvalidAttributeName: 'the name of an attribute is not allowed',
  InvalidBody: 'the body is empty, not text, or holds a character that SQS refuses',
  InvalidDeduplicationId: 'not 1 to 128 letters, digits and punctuation',
  InvalidGroupId: 'not 1 to 128 letters, digits and punctuation',
  MessageTooLong: 'above 1 MiB with its attributes',
  NoOutcome: 'the answer of SQS does not mention the message',
  NotSentInTime: 'requests kept failing while it waited',
  Overtaken: 'a later message of its FIFO group was accepted',
  ReservedAttribute: 'the name of an attribute is used by the claim check',
  TooManyAttributes: 'more than 10, or 9 with a claim check',
} as const;

/** A code of {@link SEND_ERROR_CODES}. */
export type SendErrorCode = keyof typeof SEND_ERROR_CODES;

/** Why a message was not sent. */
export class SendError extends WorkerError {
  override name = 'SendError';
  constructor(
    /** One of {@link SEND_ERROR_CODES}, or SQS's own. */
    readonly code: SendErrorCode | (string & {}),
    message: string,
    /** Whether sending it again later may succeed. */
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, undefined, options);
  }
}
