import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

/** What a request is signed with. */
export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A POST to SQS before it is signed. */
export interface UnsignedRequest {
  /** As it is sent: percent-encoded. */
  readonly path: string;
  /** Names in lower case, values without runs of blanks. All of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Who signs, for where, and when. */
export interface SigningScope {
  readonly credentials: SigningCredentials;
  readonly region: string;
  readonly date: Date;
}

/**
 * Signature Version 4 for the POST requests of a lean transport. The SDK's signer makes the same signature (a test compares
 * them), and took most of the CPU time that was left: it serves all services, and derives a part of the key for each request.
 * docs/adr/0009-signature-of-the-lean-transport.md
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export class LeanSigner {
  #key: KeyObject | undefined;
  #keyFor = '';

  /** @returns the headers to send */
  sign({ path, headers, body }: UnsignedRequest, { credentials, region, date }: SigningScope): Record<string, string> {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const longDate = date.toISOString().replace(/[-:]|\.\d+/g, '');
    const day = longDate.slice(0, 8);
    const bodyHash = hash('sha256', body);
    const signed: Record<string, string> = { ...headers, 'x-amz-content-sha256': bodyHash, 'x-amz-date': longDate };
    // Profiles may have an empty one; a header without a value is no token to SQS, and not none either.
    if (sessionToken) signed['x-amz-security-token'] = sessionToken;
    const names = Object.keys(signed).sort();
    const list = names.join(';');
    const lines = names.map((name) => `${name}:${signed[name]}\n`).join('');
    const canonical = `POST\n${canonicalPath(path)}\n\n${lines}\n${list}\n${bodyHash}`;
    const scope = `${day}/${region}/sqs/aws4_request`;
    const text = `AWS4-HMAC-SHA256\n${longDate}\n${scope}\n${hash('sha256', canonical)}`;
    const signature = createHmac('sha256', this.#keyOf(secretAccessKey, day, region))
      .update(text)
      .digest('hex');
    signed['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${list}, Signature=${signature}`;
    return signed;
  }

  /** The key of a day and region: the same for all requests until midnight or new credentials. */
  #keyOf(secretAccessKey: string, day: string, region: string): KeyObject {
    const keyFor = `${day}/${region}/${secretAccessKey}`;
    if (this.#key === undefined || this.#keyFor !== keyFor) {
      const parts = [day, region, 'sqs', 'aws4_request'];
      const first: string | Buffer = `AWS4${secretAccessKey}`;
      const key = parts.reduce<string | Buffer>((k, part) => createHmac('sha256', k).update(part).digest(), first);
      this.#key = createSecretKey(Buffer.from(key));
      this.#keyFor = keyFor;
    }
    return this.#key;
  }
}

/** Encoded once more, as every service but S3 wants it. The path of SQS itself is `/`. */
function canonicalPath(path: string): string {
  if (path === '/') return path;
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  const encoded = segments.map((segment) =>
    encodeURIComponent(segment).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
  );
  return `/${encoded.join('/')}${encoded.length > 0 && path.endsWith('/') ? '/' : ''}`;
}
