import { type IResolvable, type IResolveContext, Lazy, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { checkPolicyBudget } from './policy-budget';
import { mergePolicy, type PolicyJson } from './policy-merge';
import { Violations } from './violations';

/**
 * Merges the statements of a queue's policy when it is rendered, and refuses at synth what SQS would refuse.
 * It sees the finished queue: also the statements and overrides that others add through the L2 and the L1.
 */
export function guardQueue(queue: sqs.Queue): void {
  // `enforceSSL` made the policy in the queue's constructor.
  const policy = queue.node.findChild('Policy') as sqs.QueuePolicy;
  const resource = policy.node.defaultChild as sqs.CfnQueuePolicy;
  resource.policyDocument = merged(policy.document);
  queue.node.addValidation({
    validate: () => {
      const violations = new Violations(queue);
      const document: PolicyJson = Stack.of(queue).resolve(resource.policyDocument);
      checkPolicyBudget(violations, document);
      checkThroughput(violations, queue.node.defaultChild as sqs.CfnQueue);
      violations.throwIfAny();
      return [];
    },
  });
}

/** Merges the statements of a key that we made; a key policy holds 32 KiB, which needs no guard. */
export function mergeKeyPolicy(key: kms.Key): void {
  const resource = key.node.defaultChild as kms.CfnKey;
  resource.keyPolicy = merged(resource.keyPolicy as IResolvable);
}

/** Resolves through the given context, or references to other stacks would not be seen. */
function merged(document: IResolvable): IResolvable {
  return Lazy.uncachedAny({
    produce: (context: IResolveContext) => mergePolicy(context.resolve(document) as PolicyJson),
  });
}

/** An override of one of the two attributes leaves a queue that is neither. */
function checkThroughput(violations: Violations, resource: sqs.CfnQueue): void {
  const { deduplicationScope: scope, fifoThroughputLimit: limit } = resource;
  if ((scope === 'messageGroup') !== (limit === 'perMessageGroupId')) {
    violations.add(
      'FifoThroughputHalfSet',
      `'fifoThroughputLimit' (${limit ?? 'not set'}) must be perMessageGroupId exactly when 'deduplicationScope' (${scope ?? 'not set'}) is messageGroup: set 'throughput' instead of overriding one of them`,
    );
  }
}
