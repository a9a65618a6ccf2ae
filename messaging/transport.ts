import type { SqsErrorKind } from './sqs-errors';

/**
 * The edge to Amazon SQS: the four calls that a consumer and a producer need, with typed results.
 *
 * A call that fails as a whole rejects with an `SqsError`. A batch call that partly fails resolves, with one outcome
 * per entry, in the order of the entries. No call takes an abort signal: what the server may have done is not undone by
 * hanging up, so every answer is waited for (or given up after a time limit by the caller).
 */
export interface SqsTransport {
  /** Long-polls for up to ten messages; an empty list when none came. */
  receive(request: ReceiveRequest): Promise<readonly TransportMessage[]>;
  /** Deletes up to ten messages. `undefined` at an index: that entry is deleted. */
  deleteBatch(queueUrl: string, receiptHandles: readonly string[]): Promise<ReadonlyArray<EntryFailure | undefined>>;
  /** Changes how long up to ten messages stay hidden from now on. `undefined` at an index: done. */
  changeVisibilityBatch(
    queueUrl: string,
    changes: readonly VisibilityChange[],
  ): Promise<ReadonlyArray<EntryFailure | undefined>>;
  /** Sends up to ten messages, together at most 1 MiB. */
  sendBatch(queueUrl: string, entries: readonly SendEntry[]): Promise<readonly SendOutcome[]>;
  /** Fetches credentials anew after SQS called them expired. */
  refreshCredentials?(): Promise<void>;
}

/** One ReceiveMessage call. */
export interface ReceiveRequest {
  readonly queueUrl: string;
  /** 1 to 10. */
  readonly maxMessages: number;
  /** How long the received messages stay hidden, seconds. */
  readonly visibilityTimeoutSeconds: number;
  /** Long poll, seconds, 0 to 20. */
  readonly waitTimeSeconds: number;
  /** FIFO only: a receive repeated with the same id within 5 minutes returns the same messages. */
  readonly attemptId?: string;
}

/** A message attribute as it travels: SQS types are `String`, `Number`, `Binary`, each with an optional `.label`. */
export interface MessageAttribute {
  readonly type: string;
  readonly value: string | Uint8Array;
}

/** A message as received, before the body is decoded. */
export interface TransportMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  /** Approximate number of receives, 1 on the first. */
  readonly receiveCount: number;
  /** Milliseconds since 1970. */
  readonly sentAtMs: number;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly sequenceNumber?: string;
  /** When it was received for the first time, milliseconds since 1970; only from a transport that asks for it. */
  readonly firstReceivedAtMs?: number;
  /** Principal that sent it; only from a transport that asks for it. */
  readonly senderId?: string;
  /** `AWSTraceHeader`, when the sender was traced by X-Ray. */
  readonly traceHeader?: string;
}

/** One entry of a ChangeMessageVisibilityBatch call. */
export interface VisibilityChange {
  readonly receiptHandle: string;
  /** Whole seconds from now, 0 to 43,200. */
  readonly visibilityTimeoutSeconds: number;
}

/** One entry of a SendMessageBatch call. */
export interface SendEntry {
  readonly body: string;
  readonly attributes?: Readonly<Record<string, MessageAttribute>>;
  /** Whole seconds, 0 to 900; not on FIFO queues. */
  readonly delaySeconds?: number;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly traceHeader?: string;
}

/** Why one entry of a batch failed. */
export interface EntryFailure {
  readonly kind: SqsErrorKind;
  /** SQS's code without its `AWS.SimpleQueueService.` prefix. */
  readonly code: string;
  readonly message: string;
}

/** What became of one sent entry: an id, or the failure. */
export interface SendOutcome {
  readonly messageId?: string;
  readonly sequenceNumber?: string;
  readonly failure?: EntryFailure;
}
