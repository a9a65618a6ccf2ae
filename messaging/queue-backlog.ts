import type { SQSClient } from '@aws-sdk/client-sqs';
import { sqsSdk } from './sqs-sdk';

/**
 * Asks SQS how many messages wait in a queue: visible ones, neither delayed nor in flight. For the `backlog` of
 * `EmfMetrics`; one GetQueueAttributes request each time, permission `sqs:GetQueueAttributes`.
 *
 * The number is approximate and becomes exact within about a minute after the last change.
 */
export function queueBacklog(sqs: SQSClient, queueUrl: string): () => Promise<number> {
  const { GetQueueAttributesCommand } = sqsSdk('queueBacklog');
  return async () => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
    );
    const visible = Number(Attributes?.ApproximateNumberOfMessages);
    if (!Number.isInteger(visible)) throw new Error('SQS did not tell ApproximateNumberOfMessages');
    return visible;
  };
}
