import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { grantInResourcePolicy, keyResource, queueResource, together } from '../grants';
import { SEND_KEY_ACTIONS, type QueueAccess } from '../queue-access';

/** The queue that a producer is bound to. */
export interface ProducerTarget {
  /** Owner of what the producer creates, and where warnings appear. */
  readonly scope: Construct;
  readonly queue: sqs.IQueue;
  readonly encryptionKey?: kms.IKey;
  readonly access: QueueAccess;
  /** Undefined when the queue was imported and nobody said. */
  readonly contentBasedDeduplication?: boolean;
}

/** Who sends in the name of whom. */
export interface ServiceSource {
  /** For example `s3.amazonaws.com`. */
  readonly service: string;
  readonly sourceArn: string;
  readonly sourceAccount: string;
}

/**
 * Lets an AWS service send for one source only.
 *
 * The key statement names the account, not the source's ARN: the source may be encrypted with the same key, or refer to
 * the queue, and either would be a cycle. The queue statement names both.
 */
export function allowService(
  target: Pick<ProducerTarget, 'scope' | 'queue' | 'encryptionKey'>,
  source: ServiceSource,
): iam.Grant {
  const principal = new iam.ServicePrincipal(source.service);
  const fromAccount = { 'aws:SourceAccount': source.sourceAccount };
  return together(principal, [
    grantInResourcePolicy(target.scope, queueResource(target.queue), {
      principal,
      actions: ['sqs:SendMessage'],
      conditions: { ArnEquals: { 'aws:SourceArn': source.sourceArn }, StringEquals: fromAccount },
    }),
    target.encryptionKey &&
      grantInResourcePolicy(target.scope, keyResource(target.encryptionKey), {
        principal,
        actions: SEND_KEY_ACTIONS,
        conditions: { StringEquals: fromAccount },
      }),
  ]);
}
