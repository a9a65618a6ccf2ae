import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { encodeName, PART_BYTES, SIZE_METADATA, sourceKey, type UploadTicket } from '../video/contract';
import { RefusedError, type UploadRequest } from './upload-request';

/** What signing needs. */
export interface SigningContext {
  readonly s3: S3Client;
  readonly bucket: string;
  /** Largest upload as one POST, bytes. */
  readonly postMaxBytes: number;
  /** Largest upload at all, bytes: bounds the part numbers. */
  readonly maxBytes: number;
  /** Life of a link, seconds. */
  readonly expirySeconds: number;
  readonly nowMs: () => number;
}

/** Gives a checked request its way into the bucket: one presigned POST, or a multipart upload that is opened here. */
export async function openUpload(
  context: SigningContext,
  id: string,
  request: UploadRequest,
  uploader: string,
): Promise<UploadTicket> {
  const { s3, bucket, expirySeconds } = context;
  const key = sourceKey(id);
  const metadata = { name: encodeName(request.name), uploader };
  if (request.size > context.postMaxBytes) {
    // Opened here and not by the browser: type and metadata are then ours, and the key cannot be chosen.
    const created = await s3.send(
      new CreateMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        ContentType: request.type,
        // How many parts come nobody can bound beforehand: the worker compares the whole with what was declared.
        Metadata: { ...metadata, [SIZE_METADATA]: String(request.size) },
      }),
    );
    if (created.UploadId === undefined) throw new Error('S3 opened a multipart upload without an id');
    return { kind: 'multipart', id, key, uploadId: created.UploadId, partBytes: PART_BYTES };
  }
  const expiresAtMs = context.nowMs() + expirySeconds * 1000;
  const { url, fields } = await createPresignedPost(s3, {
    Bucket: bucket,
    Key: key,
    Expires: expirySeconds,
    Fields: {
      'Content-Type': request.type,
      'x-amz-meta-name': metadata.name,
      'x-amz-meta-uploader': metadata.uploader,
      success_action_status: '201',
    },
    // The declared size exactly: the policy then refuses anything else before it costs storage.
    Conditions: [['content-length-range', request.size, request.size]],
  });
  return { kind: 'post', id, key, url, fields, expiresAtMs };
}

/** Signs one request of a multipart upload, for the browser to send. */
export async function signMultipart(
  context: SigningContext,
  id: string,
  request: Readonly<Record<string, unknown>>,
): Promise<{ readonly url: string }> {
  const { operation, uploadId, partNumber, size } = request;
  if (typeof uploadId !== 'string' || uploadId === '' || uploadId.length > 1024) {
    throw new RefusedError(400, 'UploadIdMissing', "'uploadId' must name the multipart upload");
  }
  const upload = { Bucket: context.bucket, Key: sourceKey(id), UploadId: uploadId };
  const { s3 } = context;
  const options = { expiresIn: context.expirySeconds };
  switch (operation) {
    case 'part': {
      const parts = Math.ceil(context.maxBytes / PART_BYTES);
      if (typeof partNumber !== 'number' || !Number.isInteger(partNumber) || partNumber < 1 || partNumber > parts) {
        throw new RefusedError(400, 'PartNotAllowed', `'partNumber' must be a whole number from 1 to ${parts}`);
      }
      if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > PART_BYTES) {
        throw new RefusedError(400, 'PartSizeNotAllowed', `'size' must be the bytes of the part, 1 to ${PART_BYTES}`);
      }
      // The length is signed: S3 refuses the link for a part of any other size, which no later check could undo.
      const part = new UploadPartCommand({ ...upload, PartNumber: partNumber, ContentLength: size });
      return {
        url: await getSignedUrl(s3, part, { ...options, signableHeaders: new Set(['host', 'content-length']) }),
      };
    }
    case 'list':
      return { url: await getSignedUrl(s3, new ListPartsCommand(upload), options) };
    case 'complete':
      return { url: await getSignedUrl(s3, new CompleteMultipartUploadCommand(upload), options) };
    case 'abort':
      return { url: await getSignedUrl(s3, new AbortMultipartUploadCommand(upload), options) };
    default:
      throw new RefusedError(400, 'OperationNotAllowed', "'operation' must be part, list, complete or abort");
  }
}
