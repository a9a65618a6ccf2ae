import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { ConfigurationError } from './errors';
import { grantToPrincipal, keyResource, queueResource, together } from './grants';

const CONSUME = [
  'sqs:ReceiveMessage',
  'sqs:DeleteMessage',
  'sqs:ChangeMessageVisibility',
  'sqs:GetQueueAttributes',
  'sqs:GetQueueUrl',
];
const MOVE = [
  'sqs:StartMessageMoveTask',
  'sqs:ListMessageMoveTasks',
  'sqs:CancelMessageMoveTask',
  'sqs:ListDeadLetterSourceQueues',
];

/** What SQS needs from the key to accept a message. The L2's grant gives `kms:Encrypt` and two wildcards besides. */
export const SEND_KEY_ACTIONS = ['kms:GenerateDataKey', 'kms:Decrypt'];

/** The queue, its dead-letter queue and their keys, as far as they are known. */
export interface QueueParts {
  readonly queue: sqs.IQueue;
  readonly deadLetterQueue?: sqs.IQueue;
  readonly encryptionKey?: kms.IKey;
}

/** Who may do what with a queue and its dead-letter queue: one implementation for made and imported, standard and FIFO. */
export class QueueAccess {
  constructor(
    private readonly scope: Construct,
    private readonly parts: QueueParts,
  ) {}

  public consume(grantee: iam.IGrantable): iam.Grant {
    return together(grantee, [
      this.onQueue(this.parts.queue, grantee, CONSUME),
      this.onKeys([this.parts.encryptionKey], grantee, ['kms:Decrypt']),
    ]);
  }

  public send(grantee: iam.IGrantable): iam.Grant {
    return together(grantee, [
      this.onQueue(this.parts.queue, grantee, ['sqs:SendMessage', 'sqs:GetQueueUrl']),
      this.onKeys([this.parts.encryptionKey], grantee, SEND_KEY_ACTIONS),
    ]);
  }

  public consumeDeadLetters(grantee: iam.IGrantable): iam.Grant {
    const deadLetterQueue = this.requireDeadLetterQueue();
    return together(grantee, [
      this.onQueue(deadLetterQueue, grantee, CONSUME),
      // A message that SQS moved is still encrypted with the data key of its source queue.
      this.onKeys([deadLetterQueue.encryptionMasterKey, this.parts.encryptionKey], grantee, ['kms:Decrypt']),
    ]);
  }

  public quarantine(grantee: iam.IGrantable): iam.Grant {
    const deadLetterQueue = this.requireDeadLetterQueue();
    return together(grantee, [
      this.onQueue(deadLetterQueue, grantee, ['sqs:SendMessage']),
      this.onKeys([deadLetterQueue.encryptionMasterKey], grantee, SEND_KEY_ACTIONS),
    ]);
  }

  public redrive(grantee: iam.IGrantable): iam.Grant {
    const deadLetterQueue = this.requireDeadLetterQueue();
    return together(grantee, [
      // Two grants, because a statement of a queue policy holds at most seven actions.
      this.onQueue(deadLetterQueue, grantee, CONSUME),
      this.onQueue(deadLetterQueue, grantee, MOVE),
      this.onQueue(this.parts.queue, grantee, ['sqs:SendMessage', 'sqs:GetQueueAttributes']),
      this.onKeys([deadLetterQueue.encryptionMasterKey, this.parts.encryptionKey], grantee, SEND_KEY_ACTIONS),
    ]);
  }

  private requireDeadLetterQueue(): sqs.IQueue {
    if (this.parts.deadLetterQueue === undefined) {
      throw new ConfigurationError(
        'DeadLetterQueueUnknown',
        "DeadLetterQueueUnknown: 'deadLetterQueue' must be known for this grant: pass it to the import",
        this.scope,
      );
    }
    return this.parts.deadLetterQueue;
  }

  private onQueue(queue: sqs.IQueue, grantee: iam.IGrantable, actions: readonly string[]): iam.Grant {
    return grantToPrincipal(this.scope, queueResource(queue), grantee, actions);
  }

  private onKeys(
    keys: ReadonlyArray<kms.IKey | undefined>,
    grantee: iam.IGrantable,
    actions: readonly string[],
  ): iam.Grant | undefined {
    const different = [...new Set(keys.filter((key) => key !== undefined))];
    if (different.length === 0) return undefined;
    return together(
      grantee,
      different.map((key) => grantToPrincipal(this.scope, keyResource(key), grantee, actions)),
    );
  }
}
