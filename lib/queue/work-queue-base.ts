import type { Duration } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { QueueAccess } from '../private/queue-access';
import type { Producer } from './producer';
import type { IWorkQueue } from './work-queue-interface';

/** What made and imported queues have in common: who may do what with the queue and its dead-letter queue. */
export abstract class WorkQueueBase extends Construct implements IWorkQueue {
  /** {@inheritDoc IWorkQueue.queue} */
  public abstract readonly queue: sqs.IQueue;

  /** {@inheritDoc IWorkQueue.deadLetterQueue} */
  public abstract readonly deadLetterQueue?: sqs.IQueue;

  /** {@inheritDoc IWorkQueue.encryptionKey} */
  public abstract readonly encryptionKey?: kms.IKey;

  /** {@inheritDoc IWorkQueue.fifo} */
  public abstract readonly fifo: boolean;

  /** {@inheritDoc IWorkQueue.visibilityTimeout} */
  public abstract readonly visibilityTimeout?: Duration;

  /** Reads the queues and the key when a grant is made: this class has none of them yet. */
  readonly #access = new QueueAccess(this, this);

  /** {@inheritDoc IWorkQueue.addConsumer} */
  public addConsumer(consumer: iam.IGrantable): iam.Grant {
    return this.#access.consume(consumer);
  }

  /** {@inheritDoc IWorkQueue.addDeadLetterConsumer} */
  public addDeadLetterConsumer(consumer: iam.IGrantable): iam.Grant {
    return this.#access.consumeDeadLetters(consumer);
  }

  /** {@inheritDoc IWorkQueue.grantQuarantine} */
  public grantQuarantine(grantee: iam.IGrantable): iam.Grant {
    return this.#access.quarantine(grantee);
  }

  /** {@inheritDoc IWorkQueue.grantRedrive} */
  public grantRedrive(operator: iam.IGrantable): iam.Grant {
    return this.#access.redrive(operator);
  }

  /**
   * Lets someone send. Each kind of queue has an `addProducer` of its own, whose type says who can.
   *
   * @internal
   */
  protected _bindProducer(producer: Producer, contentBasedDeduplication?: boolean): iam.Grant {
    const { queue, encryptionKey } = this;
    return producer._bind({ scope: this, queue, encryptionKey, access: this.#access, contentBasedDeduplication });
  }
}
