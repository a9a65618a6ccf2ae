import { HeadObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { sourceKey } from '../video/contract';
import { RefusedError } from './upload-request';

/** What {@link enqueueUpload} needs. */
export interface EnqueueContext {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly bucket: string;
  readonly queueUrl: string;
}

/**
 * Sends a finished upload to a FIFO queue, in the form that S3 would have used. Group = uploader, so that one person's
 * videos stay in order; deduplication = id, so that a repeated call within 5 minutes adds nothing.
 */
export async function enqueueUpload({ s3, sqs, bucket, queueUrl }: EnqueueContext, id: string): Promise<void> {
  const key = sourceKey(id);
  const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) {
      throw new RefusedError(409, 'NotUploaded', 'The file has not arrived yet: upload it first');
    }
    throw error;
  });
  const record = {
    eventSource: 'aws:s3',
    eventName: 'ObjectCreated:Put',
    s3: { bucket: { name: bucket }, object: { key, size: head.ContentLength, eTag: head.ETag } },
  };
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: JSON.stringify({ Records: [record] }),
      MessageGroupId: head.Metadata?.['uploader'] ?? 'anonymous',
      MessageDeduplicationId: id,
    }),
  );
}
