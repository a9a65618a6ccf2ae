import type { Duration } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { IConstruct } from 'constructs';

/**
 * A queue of work with its dead-letter queue, made here or imported.
 *
 * What a fleet of workers, an alarm or a dashboard needs to know. Each grant tells the truth: `success` is true only
 * when the statements were really added. What could not be added (an imported queue or key) is written, as the exact
 * policy JSON to apply, into the warning `cdk-queue-fleet:policyNotApplied`.
 */
export interface IWorkQueue extends IConstruct {
  /** The queue itself. */
  readonly queue: sqs.IQueue;

  /**
   * Where messages go that were received too often, or that a worker refuses for good.
   *
   * @default - unknown, for an imported queue only
   */
  readonly deadLetterQueue?: sqs.IQueue;

  /**
   * Key that encrypts the messages of `queue`.
   *
   * @default - encrypted with a key that SQS owns
   */
  readonly encryptionKey?: kms.IKey;

  /** Whether this is a FIFO queue. */
  readonly fifo: boolean;

  /**
   * How long a received message stays hidden from other consumers.
   *
   * @default - unknown, for an imported queue only
   */
  readonly visibilityTimeout?: Duration;

  /**
   * Lets `consumer` receive and delete messages.
   *
   * Actions: sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility, sqs:GetQueueAttributes,
   * sqs:GetQueueUrl on the queue; kms:Decrypt on its key.
   *
   * @param consumer a role, a user or an account; a role of IAM Roles Anywhere for a machine on premise
   * @returns the grant; `success` is false when another account's statement could not be added
   */
  addConsumer(consumer: iam.IGrantable): iam.Grant;

  /**
   * Lets `consumer` take messages out of the dead-letter queue, to inspect them.
   *
   * Actions: those of a consumer, on the dead-letter queue; kms:Decrypt on its key and on the source queue's key.
   *
   * @param consumer a role, a user or an account
   * @returns the grant
   * @throws DeadLetterQueueUnknown when the queue was imported without it
   */
  addDeadLetterConsumer(consumer: iam.IGrantable): iam.Grant;

  /**
   * Lets `grantee` put a poisoned message, with the reason, into the dead-letter queue itself.
   *
   * Actions: sqs:SendMessage on the dead-letter queue; kms:GenerateDataKey and kms:Decrypt on its key.
   *
   * @param grantee normally a consumer of the queue
   * @returns the grant
   * @throws DeadLetterQueueUnknown when the queue was imported without it
   */
  grantQuarantine(grantee: iam.IGrantable): iam.Grant;

  /**
   * Lets `operator` move messages from the dead-letter queue back (`queue-fleet dlq redrive`).
   *
   * Actions: sqs:StartMessageMoveTask, sqs:ListMessageMoveTasks, sqs:CancelMessageMoveTask,
   * sqs:ListDeadLetterSourceQueues and those of a consumer on the dead-letter queue; sqs:SendMessage and
   * sqs:GetQueueAttributes on the queue; kms:Decrypt and kms:GenerateDataKey on the keys.
   *
   * @param operator a role or a user
   * @returns the grant
   * @throws DeadLetterQueueUnknown when the queue was imported without it
   */
  grantRedrive(operator: iam.IGrantable): iam.Grant;
}
