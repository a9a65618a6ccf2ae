import { type Duration, type Size, Token, TokenComparison } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { type Construct } from 'constructs';
import { Stack } from 'aws-cdk-lib';
import type { Encryption } from '../queue/encryption';
import { queueNameProblem } from './queue-name';
import { SQS_LIMITS } from './sqs-limits';
import { Violations } from './violations';

/** The settings that both kinds of queue share, with every default filled in. */
export interface QueueSettings {
  readonly queueName?: string;
  readonly visibilityTimeout: Duration;
  readonly retentionPeriod: Duration;
  readonly deliveryDelay?: Duration;
  readonly maxMessageSize?: Size;
  readonly receiveMessageWaitTime: Duration;
  readonly maxReceiveCount: number;
  readonly deadLetterQueue?: sqs.IQueue;
  readonly deadLetterRetentionPeriod: Duration;
  readonly encryption: Encryption;
}

/** Checks all settings of one queue and throws once, with every violation. */
export function checkQueueSettings(scope: Construct, settings: QueueSettings, fifo: boolean): void {
  const violations = new Violations(scope);
  checkRanges(violations, settings);
  checkRelations(violations, settings, fifo);
  checkName(violations, settings.queueName, fifo);
  checkDeadLetterQueue(violations, scope, settings.deadLetterQueue, fifo);
  checkKey(violations, settings.encryption.key);
  violations.throwIfAny();
}

function checkRanges(violations: Violations, settings: QueueSettings): void {
  violations.requireSeconds(
    'VisibilityTimeoutOutOfRange',
    'visibilityTimeout',
    settings.visibilityTimeout,
    // 0 is legal in SQS, but every consumer would get the message at once.
    { min: 1, max: SQS_LIMITS.visibilitySeconds.max },
    'take the time of one message, the worker renews it while it works',
  );
  violations.requireSeconds(
    'RetentionOutOfRange',
    'retentionPeriod',
    settings.retentionPeriod,
    SQS_LIMITS.retentionSeconds,
    'choose a value in this range, 4 days is usual',
  );
  violations.requireSeconds(
    'DeadLetterRetentionOutOfRange',
    'deadLetterRetentionPeriod',
    settings.deadLetterRetentionPeriod,
    SQS_LIMITS.retentionSeconds,
    'leave it out for 14 days',
  );
  violations.requireSeconds(
    'DeliveryDelayOutOfRange',
    'deliveryDelay',
    settings.deliveryDelay,
    SQS_LIMITS.deliveryDelaySeconds,
    'use a schedule for anything later',
  );
  violations.requireSeconds(
    'ReceiveWaitTimeOutOfRange',
    'receiveMessageWaitTime',
    settings.receiveMessageWaitTime,
    // 0 is legal in SQS, but polls all day and asks only some of its servers.
    { min: 1, max: SQS_LIMITS.waitTimeSeconds.max },
    'leave it out for 20 seconds',
  );
  violations.requireBytes(
    'MessageSizeOutOfRange',
    'maxMessageSize',
    settings.maxMessageSize,
    SQS_LIMITS.messageBytes,
    'put larger payloads into S3 and send the key',
  );
  violations.requireNumber(
    'MaxReceiveCountOutOfRange',
    'maxReceiveCount',
    settings.maxReceiveCount,
    { ...SQS_LIMITS.maxReceiveCount, unit: 'receives' },
    'choose 3 to 5 for most work',
  );
  violations.requireSeconds(
    'DataKeyReuseOutOfRange',
    'dataKeyReuse',
    settings.encryption.dataKeyReuse,
    SQS_LIMITS.dataKeyReuseSeconds,
    'leave it out for 5 minutes',
  );
}

function checkRelations(violations: Violations, settings: QueueSettings, fifo: boolean): void {
  const visibility = secondsOf(settings.visibilityTimeout);
  const retention = secondsOf(settings.retentionPeriod);
  const delay = secondsOf(settings.deliveryDelay);

  if (visibility !== undefined && retention !== undefined) {
    const receives = Token.isUnresolved(settings.maxReceiveCount) ? 1 : settings.maxReceiveCount;
    if (visibility > retention) {
      violations.add(
        'VisibilityTimeoutLongerThanRetention',
        `'visibilityTimeout' (${visibility} seconds) must not be longer than 'retentionPeriod' (${retention} seconds): lower the timeout or keep messages longer`,
      );
    } else if (visibility * receives > retention) {
      violations.add(
        'RetentionShorterThanAllReceives',
        `'retentionPeriod' (${retention} seconds) must not be shorter than 'maxReceiveCount' (${receives} receives) x 'visibilityTimeout' (${visibility} seconds) = ${visibility * receives} seconds, or a message that keeps failing expires before it reaches the dead-letter queue: keep messages longer or lower one of the two`,
      );
    }
  }
  if (delay !== undefined && retention !== undefined && delay >= retention) {
    violations.add(
      'DeliveryDelayNotShorterThanRetention',
      `'deliveryDelay' (${delay} seconds) must be shorter than 'retentionPeriod' (${retention} seconds), or messages expire unseen: lower the delay`,
    );
  }
  // In a FIFO queue a message that SQS moves begins a new life.
  if (!fifo) checkDeadLetterRetention(violations, settings, retention);
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html (read November 2026) */
function checkDeadLetterRetention(
  violations: Violations,
  settings: QueueSettings,
  retention: number | undefined,
): void {
  const deadLetterRetention =
    settings.deadLetterQueue === undefined
      ? secondsOf(settings.deadLetterRetentionPeriod)
      : retentionOf(settings.deadLetterQueue);
  if (deadLetterRetention === undefined || retention === undefined) return;
  const longest = SQS_LIMITS.retentionSeconds.max;
  // SQS cannot keep anything longer than 14 days, so two queues of 14 days are the best that there is.
  if (deadLetterRetention > retention || (deadLetterRetention === longest && retention === longest)) return;
  violations.add(
    'DeadLetterRetentionNotLonger',
    `'deadLetterRetentionPeriod' (${deadLetterRetention} seconds) must be longer than 'retentionPeriod' (${retention} seconds), or both ${longest} seconds, because a message keeps its age when SQS moves it: leave it out for 14 days`,
  );
}

function checkName(violations: Violations, name: string | undefined, fifo: boolean): void {
  const problem = name === undefined ? undefined : queueNameProblem(name, fifo);
  if (problem !== undefined) violations.add('QueueNameNotValid', `'queueName' (${name}) ${problem}`);
}

function checkDeadLetterQueue(
  violations: Violations,
  scope: Construct,
  deadLetterQueue: sqs.IQueue | undefined,
  fifo: boolean,
): void {
  if (deadLetterQueue === undefined) return;
  if (deadLetterQueue.fifo !== fifo) {
    const kind = (isFifo: boolean): string => (isFifo ? 'FIFO' : 'standard');
    violations.add(
      'DeadLetterQueueTypeMismatch',
      `'deadLetterQueue' (${kind(deadLetterQueue.fifo)}) must be of the type of its source (${kind(fifo)}): leave it out to get one that fits`,
    );
  }
  const own = Stack.of(scope);
  for (const [dimension, here, there] of [
    ['account', own.account, deadLetterQueue.env.account],
    ['region', own.region, deadLetterQueue.env.region],
  ] as const) {
    if (Token.compareStrings(here, there) === TokenComparison.DIFFERENT) {
      violations.add(
        'DeadLetterQueueInAnotherEnvironment',
        `'deadLetterQueue' (${dimension} ${there}) must be in the ${dimension} of its source (${here}): leave it out to get one there`,
      );
    }
  }
}

function checkKey(violations: Violations, key: kms.IKey | undefined): void {
  const aliasName = key !== undefined && 'aliasName' in key ? String(key.aliasName) : undefined;
  if (aliasName === 'alias/aws/sqs') {
    violations.add(
      'AwsManagedKeyNotAllowed',
      `'key' (${aliasName}) must be a customer managed key, because nobody can let S3, SNS or EventBridge use the AWS managed one: leave it out, or use Encryption.sqsManaged()`,
    );
  }
}

function secondsOf(duration: Duration | undefined): number | undefined {
  return duration === undefined || duration.isUnresolved() ? undefined : duration.toMilliseconds() / 1000;
}

/** What an L2 of this app keeps; unknown for an imported queue. */
function retentionOf(queue: sqs.IQueue): number | undefined {
  const resource = queue.node.defaultChild as sqs.CfnQueue | undefined;
  if (resource === undefined) return undefined;
  const seconds = resource.messageRetentionPeriod ?? SQS_LIMITS.retentionSeconds.default;
  return Token.isUnresolved(seconds) ? undefined : seconds;
}
