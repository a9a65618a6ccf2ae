import type { Duration } from 'aws-cdk-lib';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as scheduler from 'aws-cdk-lib/aws-scheduler';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';

/** Options of `Producer.bucket`. */
export interface BucketProducerOptions {
  /**
   * Only objects whose key begins so, for example `uploads/`.
   *
   * @default - every key
   */
  readonly prefix?: string;

  /**
   * Only objects whose key ends so, for example `.mp4`.
   *
   * @default - every key
   */
  readonly suffix?: string;

  /**
   * What S3 reports.
   *
   * @default [s3.EventType.OBJECT_CREATED]
   */
  readonly events?: s3.EventType[];
}

/** Options of `Producer.topic`. */
export interface TopicProducerOptions {
  /**
   * Deliver the published text as the message body, without SNS's JSON envelope.
   *
   * @default true
   */
  readonly rawMessageDelivery?: boolean;

  /**
   * Only messages whose attributes pass.
   *
   * @default - every message
   */
  readonly filterPolicy?: { [attribute: string]: sns.SubscriptionFilter };
}

/** Options of `Producer.rule`. */
export interface RuleProducerOptions {
  /**
   * What is sent.
   *
   * @default - the whole event
   */
  readonly message?: events.RuleTargetInput;

  /**
   * FIFO group of the messages; on a standard queue the fair-queue tenant. 1 to 128 characters.
   *
   * @default - no group; a FIFO queue needs one
   */
  readonly messageGroupId?: string;

  /**
   * Where EventBridge puts an event that it could not deliver. A standard queue; the statements on it and on its key are
   * added.
   *
   * @default - such events are lost after the retries
   */
  readonly deadLetterQueue?: sqs.IQueue;

  /**
   * How often EventBridge tries again, 0 to 185.
   *
   * @default 185
   */
  readonly retryAttempts?: number;

  /**
   * How long EventBridge tries, 60 seconds to 24 hours, whole seconds.
   *
   * @default Duration.hours(24)
   */
  readonly maxEventAge?: Duration;
}

/** Options of `Producer.schedule`. */
export interface ScheduleProducerOptions {
  /** When a message is sent. */
  readonly schedule: scheduler.ScheduleExpression;

  /**
   * The message body.
   *
   * @default - an empty JSON object
   */
  readonly input?: scheduler.ScheduleTargetInput;

  /**
   * FIFO group of the messages; on a standard queue the fair-queue tenant. 1 to 128 characters.
   *
   * @default - no group; a FIFO queue needs one
   */
  readonly messageGroupId?: string;

  /**
   * What the schedule is for, shown in the console.
   *
   * @default - no description
   */
  readonly description?: string;

  /**
   * Whether the schedule runs.
   *
   * @default true
   */
  readonly enabled?: boolean;
}
