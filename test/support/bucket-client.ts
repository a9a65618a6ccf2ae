import type { S3Client } from '@aws-sdk/client-s3';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';

interface Item {
  readonly body: string;
  readonly type: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: {
    readonly Bucket: string;
    readonly Key?: string;
    readonly Prefix?: string;
    readonly StartAfter?: string;
    readonly MaxKeys?: number;
    readonly Body?: unknown;
    readonly IfNoneMatch?: string;
    readonly ContentType?: string;
  };
}

/** The part of an S3 client that the example uses, on buckets in memory. Counts what it is asked. */
export class BucketClient {
  readonly items = new Map<string, Item>();
  readonly asked: string[] = [];
  readonly inputs: Command['input'][] = [];

  put(bucket: string, key: string, body: string, metadata: Record<string, string> = {}, type = ''): void {
    this.items.set(`${bucket}/${key}`, { body, type, metadata });
  }

  asS3(): S3Client {
    return this as unknown as S3Client;
  }

  async send({ constructor: { name }, input }: Command): Promise<unknown> {
    const path = `${input.Bucket}/${input.Key ?? ''}`;
    this.asked.push(name);
    this.inputs.push(input);
    const item = this.items.get(path);
    switch (name) {
      case 'HeadObjectCommand':
        if (item === undefined) throw failure(404, 'NotFound');
        return { ContentLength: item.body.length, ContentType: item.type, Metadata: item.metadata };
      case 'GetObjectCommand':
        if (item === undefined) throw failure(404, 'NoSuchKey');
        return { Body: Object.assign(Readable.from([item.body]), { transformToString: async () => item.body }) };
      case 'PutObjectCommand':
        if (input.IfNoneMatch === '*' && item !== undefined) throw failure(412, 'PreconditionFailed');
        this.put(input.Bucket, input.Key ?? '', String(input.Body), {}, input.ContentType);
        return {};
      case 'ListObjectsV2Command':
        return this.#list(input);
      case 'CreateMultipartUploadCommand':
        return { UploadId: 'upload-1' };
      default:
        throw new Error(`not expected: ${name}`);
    }
  }

  #list({ Bucket, Prefix = '', StartAfter = '', MaxKeys = 1000 }: Command['input']): unknown {
    const keys = [...this.items.keys()]
      .filter((path) => path.startsWith(`${Bucket}/${Prefix}`))
      .map((path) => path.slice(Bucket.length + 1))
      .filter((key) => key > StartAfter)
      .sort();
    const folders = [...new Set(keys.map((key) => `${Prefix}${key.slice(Prefix.length).split('/')[0] ?? ''}/`))];
    return {
      CommonPrefixes: folders.slice(0, MaxKeys).map((folder) => ({ Prefix: folder })),
      Contents: keys.map((Key) => ({ Key })),
      IsTruncated: folders.length > MaxKeys,
    };
  }
}

function failure(httpStatusCode: number, name: string): S3ServiceException {
  return new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode } });
}
