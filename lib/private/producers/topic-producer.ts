import { Names, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { TopicProducerOptions } from '../../queue/producer-options';
import { ConfigurationError } from '../errors';
import { allowService, type ProducerTarget } from './target';

/** A subscription of an SNS topic. */
export function bindTopic(target: ProducerTarget, topic: sns.ITopic, options: TopicProducerOptions): iam.Grant {
  if (target.queue.fifo && !topic.fifo) {
    throw new ConfigurationError(
      'StandardTopicOnFifoQueue',
      "StandardTopicOnFifoQueue: 'topic' (standard) must be a FIFO topic to send to a FIFO queue: make the topic FIFO or use a WorkQueue",
      target.scope,
    );
  }
  const grant = allowService(target, {
    service: 'sns.amazonaws.com',
    sourceArn: topic.topicArn,
    sourceAccount: topic.env.account,
  });
  const elsewhere = Token.compareStrings(topic.env.region, Stack.of(target.scope).region) === TokenComparison.DIFFERENT;
  topic.addSubscription({
    bind: () => ({
      subscriberScope: target.scope,
      subscriberId: Names.nodeUniqueId(topic.node),
      endpoint: target.queue.queueArn,
      protocol: sns.SubscriptionProtocol.SQS,
      // An envelope around the body would be one more thing to take apart in every worker.
      rawMessageDelivery: options.rawMessageDelivery ?? true,
      filterPolicy: options.filterPolicy,
      region: elsewhere ? topic.env.region : undefined,
    }),
  });
  return grant;
}
