import type { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Encryption } from './encryption';

/** Properties of a {@link WorkQueue}. */
export interface WorkQueueProps {
  /**
   * How long a received message stays hidden from other consumers.
   *
   * The worker renews it while it works, so it is the time after which a message of a dead worker is tried again. Too
   * short: duplicates. Too long: slow retry. 1 second to 12 hours, whole seconds (SQS limit); `maxReceiveCount` times
   * this must fit into `retentionPeriod`.
   *
   * @default Duration.seconds(60)
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
   */
  readonly visibilityTimeout?: Duration;

  /**
   * How long SQS keeps a message that nobody deletes. 60 seconds to 14 days, whole seconds (SQS limit).
   *
   * @default Duration.days(4)
   */
  readonly retentionPeriod?: Duration;

  /**
   * How long SQS hides a new message. 0 to 900 seconds, whole seconds (SQS limit).
   *
   * @default Duration.seconds(0)
   */
  readonly deliveryDelay?: Duration;

  /**
   * Largest message that SQS takes, attributes included. 1,024 to 1,048,576 bytes (SQS limit).
   *
   * @default Size.mebibytes(1)
   */
  readonly maxMessageSize?: Size;

  /**
   * How long a receive waits for a message (long poll). 1 to 20 seconds, whole seconds; SQS also has 0, which costs
   * requests all day and may miss messages.
   *
   * @default Duration.seconds(20)
   */
  readonly receiveMessageWaitTime?: Duration;

  /**
   * How often a message is received before SQS moves it to the dead-letter queue. 1 to 1,000 (SQS limit).
   *
   * @default 3
   */
  readonly maxReceiveCount?: number;

  /**
   * An existing dead-letter queue, of the same type, account and region.
   *
   * @default - a new one, encrypted and closed like the queue itself
   */
  readonly deadLetterQueue?: sqs.IQueue;

  /**
   * How long the new dead-letter queue keeps a message. 60 seconds to 14 days, in a standard queue longer than
   * `retentionPeriod`, or both 14 days.
   *
   * Counted from when the message was first sent; in a FIFO queue from when SQS moved it.
   *
   * @default Duration.days(14)
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
   */
  readonly deadLetterRetentionPeriod?: Duration;

  /**
   * How messages are encrypted at rest.
   *
   * @default Encryption.customerManaged()
   */
  readonly encryption?: Encryption;

  /**
   * Physical name of the queue. Up to 80 letters, digits, hyphens and underscores; `.fifo` is added to a FIFO queue's.
   *
   * SQS renames nothing: a new name is a new, empty queue.
   *
   * @default - derived from the stack's name and the construct's path when `restrictRedrive` is on, else CloudFormation's
   */
  readonly queueName?: string;

  /**
   * Whether only this queue may use the new dead-letter queue (`byQueue` redrive allow policy).
   *
   * The policy names the source before it exists, so the source gets a physical name. Turn it off in a region without
   * redrive allow policies, or to let CloudFormation choose the name.
   *
   * @default true
   */
  readonly restrictRedrive?: boolean;

  /**
   * What happens to the queues and the key that this construct made when they leave the stack.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** What is known of an existing queue. */
export interface WorkQueueAttributes {
  /** The queue, for example `sqs.Queue.fromQueueAttributes(…)` with its key's ARN. */
  readonly queue: sqs.IQueue;

  /**
   * Its dead-letter queue.
   *
   * @default - unknown: grants on it are refused
   */
  readonly deadLetterQueue?: sqs.IQueue;

  /**
   * Key that encrypts its messages.
   *
   * @default - the `encryptionMasterKey` of `queue`
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * How long a received message stays hidden.
   *
   * @default - unknown
   */
  readonly visibilityTimeout?: Duration;
}
