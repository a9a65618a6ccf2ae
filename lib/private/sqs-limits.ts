/**
 * Limits of Amazon SQS, each once. Error texts and docs read them from here.
 *
 * Source, read November 2026:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
 */
export const SQS_LIMITS = {
  messageBytes: { min: 1_024, max: 1_048_576 },
  retentionSeconds: { min: 60, max: 1_209_600, default: 345_600 },
  visibilitySeconds: { min: 0, max: 43_200, default: 30 },
  deliveryDelaySeconds: { min: 0, max: 900 },
  waitTimeSeconds: { min: 0, max: 20 },
  batchEntries: 10,
  batchEntryIdCharacters: 80,
  messageAttributes: 10,
  inFlightMessages: 120_000,
  maxReceiveCount: { min: 1, max: 1_000 },
  redriveAllowSources: 10,
  queueNameCharacters: 80,
  dataKeyReuseSeconds: { min: 60, max: 86_400, default: 300 },
  deduplicationIdCharacters: 128,
  groupIdCharacters: 128,
  policy: { bytes: 8_192, statements: 20, principals: 50, conditions: 10, actionsPerStatement: 7 },
} as const;
