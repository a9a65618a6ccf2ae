import * as sqs from 'aws-cdk-lib/aws-sqs';

/**
 * How much a FIFO queue takes. SQS needs two attributes to agree; both are set together here.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
 *
 * @example
 * new FifoWorkQueue(this, 'Orders', { throughput: FifoThroughput.high() });
 */
export class FifoThroughput {
  /**
   * 300 calls a second for each API action, 3,000 messages a second in batches of 10; deduplicates across the queue.
   *
   * @returns deduplication scope `queue`, limit `perQueue`
   */
  public static standard(): FifoThroughput {
    return new FifoThroughput(sqs.DeduplicationScope.QUEUE, sqs.FifoThroughputLimit.PER_QUEUE);
  }

  /**
   * The limits apply to each message group and the quota of the whole queue varies by region; a message is a duplicate
   * only of messages of its own group.
   *
   * @returns deduplication scope `messageGroup`, limit `perMessageGroupId`
   */
  public static high(): FifoThroughput {
    return new FifoThroughput(sqs.DeduplicationScope.MESSAGE_GROUP, sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID);
  }

  private constructor(
    /** Where a deduplication id is unique: the whole queue or one message group. */
    public readonly deduplicationScope: sqs.DeduplicationScope,
    /** What the quota counts: the whole queue or each message group. */
    public readonly throughputLimit: sqs.FifoThroughputLimit,
  ) {}
}
