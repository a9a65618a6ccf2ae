import { Names, Stack } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { BucketProducerOptions } from '../../queue/producer-options';
import { ConfigurationError } from '../errors';
import { allowService, type ProducerTarget } from './target';

/** S3 event notifications. */
export function bindBucket(target: ProducerTarget, bucket: s3.IBucket, options: BucketProducerOptions): iam.Grant {
  if (target.queue.fifo) {
    throw new ConfigurationError(
      'BucketProducerOnFifoQueue',
      "BucketProducerOnFifoQueue: 'producer' (bucket) must send to a standard queue, S3 refuses FIFO queues: use a WorkQueue, or send through EventBridge",
      target.scope,
    );
  }
  const grant = allowService(target, {
    service: 's3.amazonaws.com',
    sourceArn: bucket.bucketArn,
    sourceAccount: bucket.env.account,
  });
  const filters = options.prefix === undefined && options.suffix === undefined ? [] : [withoutUndefined(options)];
  const notifier = inStackOf(target, bucket);
  for (const event of options.events ?? [s3.EventType.OBJECT_CREATED]) {
    notifier.addEventNotification(
      event,
      {
        bind: () => ({
          arn: target.queue.queueArn,
          type: s3.BucketNotificationDestinationType.QUEUE,
          // S3 sends a test event at once: the policies have to be there before.
          dependencies: [grant],
        }),
      },
      ...filters,
    );
  }
  return grant;
}

/**
 * The bucket, as seen from the queue's stack. The queue's policy names the bucket, so a notification in the bucket's own
 * stack would make the two stacks depend on each other; the queue's stack can hold both.
 */
function inStackOf(target: ProducerTarget, bucket: s3.IBucket): s3.IBucket {
  if (Stack.of(bucket) === Stack.of(target.scope)) return bucket;
  const id = Names.nodeUniqueId(bucket.node);
  const existing = target.scope.node.tryFindChild(id) as s3.IBucket | undefined;
  return existing ?? s3.Bucket.fromBucketArn(target.scope, id, bucket.bucketArn);
}

function withoutUndefined(options: BucketProducerOptions): s3.NotificationKeyFilter {
  return {
    ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
    ...(options.suffix === undefined ? {} : { suffix: options.suffix }),
  };
}
