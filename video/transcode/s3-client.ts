import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/**
 * How long a request without a file may take, and how often it is tried: all tries end before a claim's lease does, so
 * that a connection that has gone silent cannot hold a renewal for ever.
 */
export const SMALL_REQUEST = { requestTimeout: 4_000 };

/**
 * An S3 client whose requests come to an end. The SDK's own has no limit at all: neither for a connection, nor for an
 * answer, nor for a body that stops in the middle.
 */
export function createS3Client(socketTimeoutMs = 60_000, config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    maxAttempts: 3,
    ...config,
    requestHandler: { connectionTimeout: 3_000, socketTimeout: socketTimeoutMs, throwOnRequestTimeout: true },
  });
}
