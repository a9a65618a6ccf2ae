import type { Duration } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { importQueue } from '../private/imported-queue';
import { checkQueueSettings } from '../private/queue-checks';
import { createQueuePair } from '../private/queue-pair';
import { settingsOf } from '../private/queue-settings';
import { FifoThroughput } from './fifo-throughput';
import type { FifoProducer } from './producer';
import { WorkQueueBase } from './work-queue-base';
import type { IWorkQueue } from './work-queue-interface';
import type { WorkQueueAttributes, WorkQueueProps } from './work-queue-props';

/** A FIFO queue of work, made here or imported. */
export interface IFifoWorkQueue extends IWorkQueue {
  /**
   * Lets someone send. A bucket cannot: S3 refuses FIFO queues.
   *
   * @param producer who sends, see `Producer`
   * @returns the grant; `success` is false when a statement could not be added
   */
  addProducer(producer: FifoProducer): iam.Grant;
}

/** Properties of a {@link FifoWorkQueue}. */
export interface FifoWorkQueueProps extends WorkQueueProps {
  /**
   * Whether SQS drops a message whose body it has seen within 5 minutes, when the sender gives no deduplication id.
   *
   * The id is then the SHA-256 of the body only: two messages that differ in their attributes alone are one.
   *
   * @default false
   */
  readonly contentBasedDeduplication?: boolean;

  /**
   * How much the queue takes.
   *
   * @default FifoThroughput.standard()
   */
  readonly throughput?: FifoThroughput;
}

/**
 * A FIFO queue of work: messages of one group in order, one after the other, and duplicates within 5 minutes dropped at
 * the entrance. Still at least once: a message comes again when its visibility timeout runs out.
 *
 * Creates the queue, a FIFO dead-letter queue that only it may use, one rotated KMS key for both, and policies that
 * refuse plain HTTP. A message that fails blocks its group until it is deleted or moved, by default after
 * 3 receives x 60 s = 3 minutes.
 *
 * @example
 * new FifoWorkQueue(this, 'Orders', {
 *   contentBasedDeduplication: true,
 *   throughput: FifoThroughput.high(),
 * });
 */
export class FifoWorkQueue extends WorkQueueBase implements IFifoWorkQueue {
  /**
   * Makes an existing FIFO queue usable here.
   *
   * @param scope where the import lives
   * @param id construct id
   * @param attributes what is known of the queue
   * @returns the queue; statements that its policies need are written into a warning
   * @throws QueueTypeMismatch when the queue is not FIFO
   */
  public static fromQueue(scope: Construct, id: string, attributes: WorkQueueAttributes): IFifoWorkQueue {
    return importQueue(scope, id, attributes, true);
  }

  /** The queue itself. */
  public readonly queue: sqs.IQueue;

  /**
   * Where messages go that were received too often, or that a worker refuses for good.
   *
   * @default - always set
   */
  public readonly deadLetterQueue?: sqs.IQueue;

  /**
   * Key that encrypts both queues.
   *
   * @default - encrypted with a key that SQS owns
   */
  public readonly encryptionKey?: kms.IKey;

  /** Always true. */
  public readonly fifo: boolean = true;

  /**
   * How long a received message stays hidden from other consumers.
   *
   * @default - always set
   */
  public readonly visibilityTimeout?: Duration;

  private readonly contentBasedDeduplication: boolean;

  /**
   * @throws ConfigurationError with every broken rule at once, see docs/errors.md
   */
  constructor(scope: Construct, id: string, props?: FifoWorkQueueProps) {
    super(scope, id);
    const settings = settingsOf(props ?? {});
    checkQueueSettings(this, settings, true);

    this.contentBasedDeduplication = props?.contentBasedDeduplication ?? false;
    const pair = createQueuePair(this, settings, settings, {
      contentBasedDeduplication: this.contentBasedDeduplication,
      throughput: props?.throughput ?? FifoThroughput.standard(),
    });
    this.queue = pair.queue;
    this.deadLetterQueue = pair.deadLetterQueue;
    this.encryptionKey = pair.encryptionKey;
    this.visibilityTimeout = settings.visibilityTimeout;
  }

  /** {@inheritDoc IFifoWorkQueue.addProducer} */
  public addProducer(producer: FifoProducer): iam.Grant {
    return this._bindProducer(producer, this.contentBasedDeduplication);
  }
}
