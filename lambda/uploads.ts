/**
 * The upload API's Lambda handler. Environment: UPLOADS_BUCKET, MEDIA_BUCKET, MEDIA_BASE_URL, MAX_UPLOAD_BYTES,
 * POST_MAX_BYTES, LINK_SECONDS, and QUEUE_URL for the ordered variant. With AWS_ENDPOINT_URL_S3 set (an emulator),
 * media is read from there.
 */
import { randomBytes } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type ApiContext, serve } from './api';
import { enqueueUpload } from './enqueue';

/** How long one request to S3 may take: three tries end before the function's own 10 seconds do, with an answer. */
const REQUEST_TIMEOUT_MS = 3_000;

/** Makes the API from an environment. @throws Error that names the first variable that is missing. */
export function contextFromEnvironment(env: NodeJS.ProcessEnv, requestTimeout = REQUEST_TIMEOUT_MS): ApiContext {
  const need = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw new Error(`The environment variable ${name} is not set`);
    return value;
  };
  // Browsers send the parts: a checksum signed for an empty body (the SDK's default since 3.729) would refuse them.
  const s3 = new S3Client({
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 1_000, requestTimeout, throwOnRequestTimeout: true },
  });
  const bucket = need('UPLOADS_BUCKET');
  const mediaBucket = need('MEDIA_BUCKET');
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  const queueUrl = env['QUEUE_URL'];
  return {
    signing: {
      s3,
      bucket,
      postMaxBytes: Number(need('POST_MAX_BYTES')),
      maxBytes: Number(need('MAX_UPLOAD_BYTES')),
      expirySeconds: Number(need('LINK_SECONDS')),
      nowMs: () => Date.now(),
    },
    listing: {
      s3,
      uploadsBucket: bucket,
      mediaBucket,
      mediaBaseUrl: endpoint === undefined ? need('MEDIA_BASE_URL') : `${endpoint.replace(/\/$/, '')}/${mediaBucket}`,
      finished: new Map(),
    },
    randomHex12: () => randomBytes(6).toString('hex'),
    ...(queueUrl === undefined || queueUrl === ''
      ? {}
      : { enqueue: (id: string) => enqueueUpload({ s3, sqs: new SQSClient({}), bucket, queueUrl }, id) }),
    logError: (error) => console.error(error),
  };
}

let context: ApiContext | undefined;

/** Entry point of the function. */
export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  context ??= contextFromEnvironment(process.env);
  return serve(context, event);
}
