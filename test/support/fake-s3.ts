import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/** One S3 bucket in memory with conditional writes: 412 when the condition does not hold, 404 for `If-Match` on nothing. */
export class FakeS3 {
  readonly objects = new Map<string, { readonly body: string; readonly etag: string }>();
  readonly commands: object[] = [];
  /** Errors that the next calls fail with, before any effect. */
  readonly failures: Error[] = [];
  /** Bodies that were neither read nor destroyed: each keeps a connection. */
  unread = 0;
  #serial = 0;

  get client(): S3Client {
    return { send: (command: object) => this.#send(command) } as unknown as S3Client;
  }

  async #send(command: object): Promise<object> {
    this.commands.push(command);
    await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const { input } = command as PutObjectCommand | GetObjectCommand | DeleteObjectCommand;
    const key = `${input.Bucket}/${input.Key}`;
    const stored = this.objects.get(key);
    if (command instanceof PutObjectCommand) {
      const { IfMatch, IfNoneMatch, Body } = command.input;
      if (IfNoneMatch === '*' && stored !== undefined) throw httpError(412, 'PreconditionFailed');
      if (IfMatch !== undefined && stored === undefined) throw httpError(404, 'NoSuchKey');
      if (IfMatch !== undefined && IfMatch !== stored?.etag) throw httpError(412, 'PreconditionFailed');
      const etag = `"${this.#serial++}"`;
      this.objects.set(key, { body: Buffer.from(Body as string | Uint8Array).toString(), etag });
      return { ETag: etag };
    }
    if (command instanceof DeleteObjectCommand) {
      this.objects.delete(key);
      return {};
    }
    if (stored === undefined) throw new NoSuchKey({ message: 'no such key', $metadata: { httpStatusCode: 404 } });
    this.unread += 1;
    const body = {
      transformToString: () => (this.unread--, Promise.resolve(stored.body)),
      destroy: () => void this.unread--,
    };
    return { ETag: stored.etag, ContentLength: Buffer.byteLength(stored.body), Body: body };
  }
}

export function httpError(status: number, name: string): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
}
