import { SQS_LIMITS } from '../sqs-limits';
import { Token } from 'aws-cdk-lib';
import type { Violations } from '../violations';
import type { ProducerTarget } from './target';

/** EventBridge sends to a FIFO queue only with a message group, and leaves the deduplication id to the queue. */
export function requireFifoParameters(
  violations: Violations,
  target: ProducerTarget,
  messageGroupId: string | undefined,
): void {
  if (messageGroupId !== undefined && !Token.isUnresolved(messageGroupId)) {
    violations.requireNumber(
      'MessageGroupIdTooLong',
      'messageGroupId',
      messageGroupId.length,
      { min: 1, max: SQS_LIMITS.groupIdCharacters, unit: 'characters' },
      'shorten it',
    );
  }
  if (!target.queue.fifo) return;
  if (messageGroupId === undefined) {
    violations.add(
      'MessageGroupIdMissing',
      "'messageGroupId' (not set) must be set to send to a FIFO queue: choose a group, messages of one group keep their order",
    );
  }
  if (target.contentBasedDeduplication === false) {
    violations.add(
      'ContentBasedDeduplicationRequired',
      "'contentBasedDeduplication' (false) must be true when EventBridge sends to the queue, it sets no deduplication id: turn it on",
    );
  }
}
