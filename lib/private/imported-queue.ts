import type { Duration } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Producer } from '../queue/producer';
import { WorkQueueBase } from '../queue/work-queue-base';
import type { WorkQueueAttributes } from '../queue/work-queue-props';
import { Violations } from './violations';

/** Properties of an {@link ImportedWorkQueue}. */
export interface ImportedWorkQueueProps extends WorkQueueAttributes {
  /** Type that the importing class stands for. */
  readonly fifo: boolean;
}

/** A queue that another app owns. Its grants work as far as they can, and say where they could not. */
export class ImportedWorkQueue extends WorkQueueBase {
  /** {@inheritDoc IWorkQueue.queue} */
  public readonly queue: sqs.IQueue;
  /** {@inheritDoc IWorkQueue.deadLetterQueue} */
  public readonly deadLetterQueue?: sqs.IQueue;
  /** {@inheritDoc IWorkQueue.encryptionKey} */
  public readonly encryptionKey?: kms.IKey;
  /** {@inheritDoc IWorkQueue.fifo} */
  public readonly fifo: boolean;
  /** {@inheritDoc IWorkQueue.visibilityTimeout} */
  public readonly visibilityTimeout?: Duration;

  constructor(scope: Construct, id: string, props: ImportedWorkQueueProps) {
    super(scope, id);
    this.queue = props.queue;
    this.deadLetterQueue = props.deadLetterQueue;
    this.encryptionKey = props.encryptionKey ?? props.queue.encryptionMasterKey;
    this.fifo = props.fifo;
    this.visibilityTimeout = props.visibilityTimeout;
  }

  public addProducer(producer: Producer): iam.Grant {
    return this._bindProducer(producer);
  }
}

/** Checks what is known, then imports. */
export function importQueue(
  scope: Construct,
  id: string,
  attributes: WorkQueueAttributes,
  fifo: boolean,
): ImportedWorkQueue {
  const violations = new Violations(scope);
  const kind = (isFifo: boolean): string => (isFifo ? 'FIFO' : 'standard');
  if (attributes.queue.fifo !== fifo) {
    violations.add(
      'QueueTypeMismatch',
      `'queue' (${kind(attributes.queue.fifo)}) must be ${kind(fifo)}: import it with ${fifo ? 'WorkQueue' : 'FifoWorkQueue'}.fromQueue`,
    );
  }
  if (attributes.deadLetterQueue !== undefined && attributes.deadLetterQueue.fifo !== attributes.queue.fifo) {
    violations.add(
      'DeadLetterQueueTypeMismatch',
      `'deadLetterQueue' (${kind(attributes.deadLetterQueue.fifo)}) must be of the type of its source (${kind(attributes.queue.fifo)}): check which queue it is`,
    );
  }
  violations.throwIfAny();
  // eslint-disable-next-line awscdk/require-passing-this, awscdk/no-variable-construct-id -- an import has no parent of ours
  return new ImportedWorkQueue(scope, id, { ...attributes, fifo });
}
