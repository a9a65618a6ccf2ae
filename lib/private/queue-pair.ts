/* eslint-disable awscdk/require-passing-this -- `scope` is the queue construct that calls */
import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Encryption } from '../queue/encryption';
import type { FifoThroughput } from '../queue/fifo-throughput';
import { guardQueue, mergeKeyPolicy } from './queue-guard';
import type { QueueParts } from './queue-access';
import { deterministicQueueName, withFifoSuffix } from './queue-name';
import type { QueueSettings } from './queue-checks';

/** What only a FIFO queue has. */
export interface FifoSettings {
  readonly contentBasedDeduplication: boolean;
  readonly throughput: FifoThroughput;
}

/** How the pair is deployed. */
export interface DeploymentSettings {
  readonly restrictRedrive: boolean;
  readonly removalPolicy: RemovalPolicy;
}

/** Makes the queue, its dead-letter queue and their key, after the settings were checked. */
export function createQueuePair(
  scope: Construct,
  settings: QueueSettings,
  deployment: DeploymentSettings,
  fifo?: FifoSettings,
): QueueParts & { readonly queue: sqs.Queue; readonly deadLetterQueue: sqs.IQueue } {
  const encryptionKey = keyFor(scope, settings.encryption, deployment.removalPolicy);
  const common = {
    ...encryptionProps(settings.encryption, encryptionKey),
    enforceSSL: true,
    fifo: fifo === undefined ? undefined : true,
    removalPolicy: deployment.removalPolicy,
  };
  const queueName = nameFor(scope, settings, deployment, fifo !== undefined);

  const deadLetterQueue =
    settings.deadLetterQueue ??
    new sqs.Queue(scope, 'DeadLetterQueue', {
      ...common,
      retentionPeriod: settings.deadLetterRetentionPeriod,
      receiveMessageWaitTime: settings.receiveMessageWaitTime,
      maxMessageSizeBytes: settings.maxMessageSize?.toBytes(),
    });
  const queue = new sqs.Queue(scope, 'Queue', {
    ...common,
    queueName,
    visibilityTimeout: settings.visibilityTimeout,
    retentionPeriod: settings.retentionPeriod,
    deliveryDelay: settings.deliveryDelay,
    maxMessageSizeBytes: settings.maxMessageSize?.toBytes(),
    receiveMessageWaitTime: settings.receiveMessageWaitTime,
    deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: settings.maxReceiveCount },
    contentBasedDeduplication: fifo?.contentBasedDeduplication === true ? true : undefined,
    deduplicationScope: fifo?.throughput.deduplicationScope,
    fifoThroughputLimit: fifo?.throughput.throughputLimit,
  });

  guardQueue(queue);
  if (settings.deadLetterQueue === undefined) {
    guardQueue(deadLetterQueue as sqs.Queue);
    if (deployment.restrictRedrive && queueName !== undefined) allowRedriveFrom(deadLetterQueue, queueName);
  }
  return { queue, deadLetterQueue, encryptionKey };
}

function keyFor(scope: Construct, encryption: Encryption, removalPolicy: RemovalPolicy): kms.IKey | undefined {
  if (!encryption.usesCustomerKey) return undefined;
  if (encryption.key !== undefined) return encryption.key;
  const key = new kms.Key(scope, 'Key', {
    description: `Messages of ${scope.node.path} and its dead-letter queue`,
    enableKeyRotation: true,
    removalPolicy,
  });
  mergeKeyPolicy(key);
  return key;
}

function encryptionProps(encryption: Encryption, key: kms.IKey | undefined): sqs.QueueProps {
  if (key === undefined) return { encryption: sqs.QueueEncryption.SQS_MANAGED };
  return {
    encryption: sqs.QueueEncryption.KMS,
    encryptionMasterKey: key,
    dataKeyReuse: encryption.dataKeyReuse ?? Duration.minutes(5),
  };
}

/** The given name, else one that redrive-allow can rely on, else the one that CloudFormation makes up. */
function nameFor(
  scope: Construct,
  settings: QueueSettings,
  deployment: DeploymentSettings,
  fifo: boolean,
): string | undefined {
  if (settings.queueName !== undefined) return withFifoSuffix(settings.queueName, fifo);
  const needsName = deployment.restrictRedrive && settings.deadLetterQueue === undefined;
  return needsName ? deterministicQueueName(scope, fifo) : undefined;
}

/**
 * Only this source may name the dead-letter queue as its own. The source's ARN is put together from its name: a
 * reference would be a cycle, because the source already refers to the dead-letter queue.
 */
function allowRedriveFrom(deadLetterQueue: sqs.IQueue, sourceName: string): void {
  const sourceArn = Stack.of(deadLetterQueue).formatArn({
    service: 'sqs',
    resource: sourceName,
    arnFormat: ArnFormat.NO_RESOURCE_NAME,
  });
  const resource = deadLetterQueue.node.defaultChild as sqs.CfnQueue;
  resource.redriveAllowPolicy = {
    redrivePermission: sqs.RedrivePermission.BY_QUEUE,
    sourceQueueArns: [sourceArn],
  };
}
