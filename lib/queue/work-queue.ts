import type { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { importQueue } from '../private/imported-queue';
import { fairQueueMetric } from '../private/fair-queue-metric';
import { checkQueueSettings } from '../private/queue-checks';
import { createQueuePair } from '../private/queue-pair';
import { settingsOf } from '../private/queue-settings';
import type { Producer } from './producer';
import { WorkQueueBase } from './work-queue-base';
import type { IWorkQueue } from './work-queue-interface';
import type { WorkQueueAttributes, WorkQueueProps } from './work-queue-props';

/** A standard queue of work, made here or imported. */
export interface IStandardWorkQueue extends IWorkQueue {
  /**
   * Lets someone send.
   *
   * @param producer who sends, see `Producer`
   * @returns the grant; `success` is false when a statement could not be added
   */
  addProducer(producer: Producer): iam.Grant;
}

/**
 * A standard queue of work: at least once, best-effort order, nearly unlimited throughput.
 *
 * Creates the queue, a dead-letter queue that only it may use, one rotated KMS key for both, and policies that refuse
 * plain HTTP. A message that fails three times, each for at most the visibility timeout of 60 seconds, reaches the
 * dead-letter queue after about 3 x 60 s = 3 minutes of work and stays there until it is 14 days old.
 *
 * @example
 * const uploads = new s3.Bucket(this, 'Uploads');
 * const jobs = new WorkQueue(this, 'Jobs', { visibilityTimeout: Duration.minutes(5) });
 * jobs.addProducer(Producer.bucket(uploads, { suffix: '.mp4' }));
 */
export class WorkQueue extends WorkQueueBase implements IStandardWorkQueue {
  /**
   * Makes an existing standard queue usable here.
   *
   * @param scope where the import lives
   * @param id construct id
   * @param attributes what is known of the queue
   * @returns the queue; statements that its policies need are written into a warning
   * @throws QueueTypeMismatch when the queue is FIFO
   */
  public static fromQueue(scope: Construct, id: string, attributes: WorkQueueAttributes): IStandardWorkQueue {
    return importQueue(scope, id, attributes, false);
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

  /** Always false. */
  public readonly fifo: boolean = false;

  /**
   * How long a received message stays hidden from other consumers.
   *
   * @default - always set
   */
  public readonly visibilityTimeout?: Duration;

  /**
   * @throws ConfigurationError with every broken rule at once, see docs/errors.md
   */
  constructor(scope: Construct, id: string, props?: WorkQueueProps) {
    super(scope, id);
    const settings = settingsOf(props ?? {});
    checkQueueSettings(this, settings, false);

    const pair = createQueuePair(this, settings, settings);
    this.queue = pair.queue;
    this.deadLetterQueue = pair.deadLetterQueue;
    this.encryptionKey = pair.encryptionKey;
    this.visibilityTimeout = settings.visibilityTimeout;
  }

  /** {@inheritDoc IStandardWorkQueue.addProducer} */
  public addProducer(producer: Producer): iam.Grant {
    return this._bindProducer(producer);
  }

  /**
   * Tenants (message groups) that currently use more than their share of the consumers (fair queues).
   *
   * Senders set `MessageGroupId` on a standard queue to get it. Statistic Maximum, period 1 minute, unit Count.
   *
   * @param options changes to the metric
   * @returns the metric
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
   */
  public metricApproximateNumberOfNoisyGroups(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return fairQueueMetric(this.queue, 'ApproximateNumberOfNoisyGroups', options);
  }

  /**
   * Messages that wait in the groups of quiet tenants: what the tenants see that behave (fair queues).
   *
   * Statistic Maximum, period 1 minute, unit Count.
   *
   * @param options changes to the metric
   * @returns the metric
   */
  public metricApproximateNumberOfMessagesVisibleInQuietGroups(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return fairQueueMetric(this.queue, 'ApproximateNumberOfMessagesVisibleInQuietGroups', options);
  }

  /**
   * Age of the oldest message in the groups of quiet tenants (fair queues).
   *
   * Statistic Maximum, period 1 minute, unit Seconds.
   *
   * @param options changes to the metric
   * @returns the metric
   */
  public metricApproximateAgeOfOldestMessageInQuietGroups(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return fairQueueMetric(this.queue, 'ApproximateAgeOfOldestMessageInQuietGroups', options);
  }
}
