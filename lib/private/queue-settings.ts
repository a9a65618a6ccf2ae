import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Encryption } from '../queue/encryption';
import type { WorkQueueProps } from '../queue/work-queue-props';
import type { QueueSettings } from './queue-checks';
import type { DeploymentSettings } from './queue-pair';

/** Fills in every default, each here and nowhere else. */
export function settingsOf(props: WorkQueueProps): QueueSettings & DeploymentSettings {
  return {
    queueName: props.queueName,
    visibilityTimeout: props.visibilityTimeout ?? Duration.seconds(60),
    retentionPeriod: props.retentionPeriod ?? Duration.days(4),
    deliveryDelay: props.deliveryDelay,
    maxMessageSize: props.maxMessageSize,
    receiveMessageWaitTime: props.receiveMessageWaitTime ?? Duration.seconds(20),
    maxReceiveCount: props.maxReceiveCount ?? 3,
    deadLetterQueue: props.deadLetterQueue,
    deadLetterRetentionPeriod: props.deadLetterRetentionPeriod ?? Duration.days(14),
    encryption: props.encryption ?? Encryption.customerManaged(),
    restrictRedrive: props.restrictRedrive ?? true,
    removalPolicy: props.removalPolicy ?? RemovalPolicy.DESTROY,
  };
}
