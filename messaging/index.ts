export * from './body-codec';
export { ClaimCheck, type ClaimCheckOptions } from './claim-check';
export * from './clock';
export { Consumer } from './consumer';
export { OptionsError, type ConsumerOptions } from './consumer-options';
export type { ConsumerCounters, ConsumerStats } from './consumer-stats';
export type { DrainOptions, DrainReport } from './drain';
export { DynamoDbIdempotencyStore, type DynamoDbIdempotencyStoreOptions } from './dynamodb-idempotency-store';
export * from './handler';
export * from './health-server';
export * from './idempotency';
export type { RetentionOptions } from './idempotency-record';
export * from './json-logger';
export { leanTransport, type LeanTransportOptions } from './lean-transport';
export * from './logger';
export { MemoryIdempotencyStore, type MemoryIdempotencyStoreOptions } from './memory-idempotency-store';
export type { BatchOperation, ConsumerObserver, RunOutcome } from './observer';
export { MissingPackageError } from './optional-package';
export type { AttributeValue, OutgoingMessage } from './outgoing-message';
export { Producer } from './producer';
export type { BodyEncoder, ProducerOptions, QueueAddress } from './producer-options';
export { QUARANTINE_ATTRIBUTES } from './quarantine';
export type { Backoff } from './retry';
export { queueBacklog } from './queue-backlog';
export { S3IdempotencyStore, type S3IdempotencyStoreOptions } from './s3-idempotency-store';
export { SendError, SEND_ERROR_CODES, type SendErrorCode } from './send-error';
export { SchemaError, type SchemaIssue, type SchemaResult, type StandardSchema } from './schema';
export { createSqsClient, sdkTransport, type SdkTransportOptions } from './sdk-transport';
export type { SendResult, SentMessage, UnsentMessage } from './send-decision';
export { SqsError, type SqsErrorKind } from './sqs-errors';
export * from './transport';
export {
  ClientSideEncryption,
  DataKeyError,
  type ClientSideEncryptionOptions,
  type EncryptionKeyring,
} from './client-side-encryption';
export {
  toLambdaHandler,
  type LambdaContext,
  type LambdaHandlerOptions,
  type LambdaSqsEvent,
  type LambdaSqsRecord,
  type LambdaSqsResponse,
} from './lambda-host';
export { EmfMetrics, EMF_METRICS, type EmfMetricsOptions, type MeteredConsumer } from './emf-metrics';
export { combineObservers, traceConsumer, traceProducer, type TracingOptions } from './tracing';
