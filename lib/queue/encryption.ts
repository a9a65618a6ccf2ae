import type { Duration } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';

/** Options of {@link Encryption.customerManaged}. */
export interface CustomerManagedOptions {
  /**
   * How long SQS reuses one data key before it calls KMS again.
   *
   * Longer costs fewer KMS requests, shorter limits what one data key protects. 60 seconds to 24 hours, whole seconds
   * (SQS limit).
   *
   * @default Duration.minutes(5)
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
   */
  readonly dataKeyReuse?: Duration;
}

/**
 * How messages are encrypted at rest. There is no unencrypted choice, and no `alias/aws/sqs`: the policy of that key
 * cannot be changed, so S3, SNS and EventBridge could never send to the queue.
 *
 * @example
 * new WorkQueue(this, 'Jobs', { encryption: Encryption.customerManaged(undefined, { dataKeyReuse: Duration.hours(1) }) });
 */
export class Encryption {
  /**
   * A customer managed KMS key, shared by the queue and its dead-letter queue.
   *
   * @param key the key to use; without it one is created, rotated every year
   * @param options data-key reuse
   * @returns the choice, for the prop `encryption`
   */
  public static customerManaged(key?: kms.IKey, options: CustomerManagedOptions = {}): Encryption {
    return new Encryption(true, key, options.dataKeyReuse);
  }

  /**
   * A key that SQS owns and manages (SSE-SQS): no KMS requests, no cost, no key policy to audit.
   *
   * @returns the choice, for the prop `encryption`
   */
  public static sqsManaged(): Encryption {
    return new Encryption(false);
  }

  private constructor(
    /** Whether a customer managed key encrypts. */
    public readonly usesCustomerKey: boolean,
    /** The key that was passed. */
    public readonly key?: kms.IKey,
    /** How long SQS reuses one data key. */
    public readonly dataKeyReuse?: Duration,
  ) {}
}
