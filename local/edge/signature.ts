/** AWS Signature Version 4 as a service checks it: the Authorization header, a presigned URL, a POST policy. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { AwsError, header, type EdgeRequest } from './http';

/** Looks up the secret of an access key id; undefined for a key that was never given out. */
export type SecretOf = (accessKeyId: string) => string | undefined;

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * Checks whoever signed the request.
 *
 * @returns the access key id, or undefined for an anonymous request
 * @throws AwsError for an unknown key, a wrong signature, or an expired link
 */
export function verifySignature(request: EdgeRequest, secretOf: SecretOf, nowMs: number): string | undefined {
  const authorization = header(request, 'authorization');
  if (authorization !== undefined) return verifyHeader(request, authorization, secretOf);
  if (request.query.has('X-Amz-Algorithm')) return verifyPresigned(request, secretOf, nowMs);
  return undefined;
}

function verifyHeader(request: EdgeRequest, authorization: string, secretOf: SecretOf): string {
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]+)$/.exec(
    authorization,
  );
  if (!match) throw new AwsError('IncompleteSignature', 'The Authorization header is not a SigV4 signature', 400);
  const [, credential = '', signedHeaders = '', signature = ''] = match;
  const declared = header(request, 'x-amz-content-sha256');
  const bodyHash = sha256(request.body);
  if (declared !== undefined && /^[0-9a-f]{64}$/.test(declared) && declared !== bodyHash) {
    throw new AwsError('XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' is not the body's hash", 400);
  }
  return check({
    request,
    credential,
    signedHeaders,
    signature,
    secretOf,
    date: header(request, 'x-amz-date') ?? '',
    payloadHash: declared ?? bodyHash,
    query: request.query,
  });
}

function verifyPresigned(request: EdgeRequest, secretOf: SecretOf, nowMs: number): string {
  const { query } = request;
  const field = (name: string): string => {
    const value = query.get(name);
    if (value === null) {
      throw new AwsError('AuthorizationQueryParametersError', `A presigned link needs the parameter ${name}`, 400);
    }
    return value;
  };
  const date = field('X-Amz-Date');
  const expirySeconds = Number(field('X-Amz-Expires'));
  const signature = field('X-Amz-Signature');
  const unsigned = new URLSearchParams([...query].filter(([name]) => name !== 'X-Amz-Signature'));
  const accessKeyId = check({
    request,
    credential: field('X-Amz-Credential'),
    signedHeaders: field('X-Amz-SignedHeaders'),
    signature,
    secretOf,
    date,
    payloadHash: query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD',
    query: unsigned,
  });
  if (nowMs > parseAmzDate(date) + expirySeconds * 1000) throw new AwsError('AccessDenied', 'Request has expired', 403);
  return accessKeyId;
}

/** Checks the signature of a POST policy: what is signed is the policy's base64 text. @returns the access key id */
export function verifyPostPolicy(fields: ReadonlyMap<string, string>, secretOf: SecretOf): string {
  const field = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw new AwsError('InvalidArgument', `Bucket POST must contain a field named '${name}'`);
    return value;
  };
  if (field('x-amz-algorithm') !== ALGORITHM) {
    throw new AwsError('InvalidArgument', `Only ${ALGORITHM} is supported for x-amz-algorithm`);
  }
  const { accessKeyId, key } = signingKey(field('x-amz-credential'), secretOf);
  if (!equal(hmac(key, field('policy')).toString('hex'), field('x-amz-signature'))) throw wrongSignature();
  return accessKeyId;
}

interface Signed {
  readonly request: EdgeRequest;
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
  readonly secretOf: SecretOf;
  readonly date: string;
  readonly payloadHash: string;
  readonly query: URLSearchParams;
}

function check({ request, credential, signedHeaders, signature, secretOf, date, payloadHash, query }: Signed): string {
  const { accessKeyId, scope, key } = signingKey(credential, secretOf);
  const names = signedHeaders.split(';');
  const canonicalQuery = [...query]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map((pair) => pair.join('='))
    .join('&');
  const canonical = [
    request.method,
    request.path,
    canonicalQuery,
    ...names.map((name) => `${name}:${(header(request, name) ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders,
    payloadHash,
  ].join('\n');
  const toSign = [ALGORITHM, date, scope, sha256(canonical)].join('\n');
  if (!equal(hmac(key, toSign).toString('hex'), signature)) throw wrongSignature();
  return accessKeyId;
}

function signingKey(credential: string, secretOf: SecretOf): { accessKeyId: string; scope: string; key: Buffer } {
  const [accessKeyId = '', day = '', region = '', service = '', terminator = ''] = credential.split('/');
  const secret = secretOf(accessKeyId);
  if (secret === undefined) {
    throw new AwsError('InvalidAccessKeyId', 'The access key id is none that this local run has given out', 403);
  }
  const key = [day, region, service, terminator].reduce<Buffer>(
    (accumulated, part) => hmac(accumulated, part),
    Buffer.from(`AWS4${secret}`),
  );
  return { accessKeyId, scope: [day, region, service, terminator].join('/'), key };
}

/** Percent-encodes as SigV4 demands: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `20260102T030405Z` as milliseconds since 1970. */
export function parseAmzDate(text: string): number {
  const ms = Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(ms)) throw new AwsError('AuthorizationQueryParametersError', 'X-Amz-Date is not an ISO 8601 date');
  return ms;
}

function wrongSignature(): AwsError {
  return new AwsError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    403,
  );
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
