import * as iam from 'aws-cdk-lib/aws-iam';
import type * as events from 'aws-cdk-lib/aws-events';
import type { RuleProducerOptions } from '../../queue/producer-options';
import { together } from '../grants';
import { Violations } from '../violations';
import { requireFifoParameters } from './fifo-parameters';
import { allowService, type ProducerTarget } from './target';

/** A target of an EventBridge rule. */
export function bindRule(target: ProducerTarget, rule: events.Rule, options: RuleProducerOptions): iam.Grant {
  const violations = new Violations(target.scope);
  requireFifoParameters(violations, target, options.messageGroupId);
  if (options.deadLetterQueue?.fifo === true) {
    violations.add(
      'RuleDeadLetterQueueIsFifo',
      "'deadLetterQueue' (FIFO) must be a standard queue, EventBridge refuses others: pass a standard queue",
    );
  }
  violations.requireNumber(
    'RetryAttemptsOutOfRange',
    'retryAttempts',
    options.retryAttempts,
    { min: 0, max: 185, unit: 'attempts' },
    'leave it out for 185',
  );
  violations.requireSeconds(
    'EventAgeOutOfRange',
    'maxEventAge',
    options.maxEventAge,
    { min: 60, max: 86_400 },
    'leave it out for 24 hours',
  );
  violations.throwIfAny();

  const source = { service: 'events.amazonaws.com', sourceArn: rule.ruleArn, sourceAccount: rule.env.account };
  const { deadLetterQueue } = options;
  rule.addTarget({
    bind: () => ({
      arn: target.queue.queueArn,
      targetResource: target.queue,
      input: options.message,
      deadLetterConfig: deadLetterQueue && { arn: deadLetterQueue.queueArn },
      retryPolicy:
        options.retryAttempts === undefined && options.maxEventAge === undefined
          ? undefined
          : {
              maximumRetryAttempts: options.retryAttempts,
              maximumEventAgeInSeconds: options.maxEventAge?.toSeconds(),
            },
      sqsParameters: options.messageGroupId === undefined ? undefined : { messageGroupId: options.messageGroupId },
    }),
  });
  return together(new iam.ServicePrincipal(source.service), [
    allowService(target, source),
    // What cannot be delivered must be storable too: the L2 forgets the key of this queue.
    deadLetterQueue &&
      allowService(
        { scope: target.scope, queue: deadLetterQueue, encryptionKey: deadLetterQueue.encryptionMasterKey },
        source,
      ),
  ]);
}
