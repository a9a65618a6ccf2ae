/** The S3 side of the edge: what the emulator lacks is done here, what it knows is passed on, the rest is refused. */
import type { Emulator, StoredObject, StoredUpload, SystemMetadata } from '../emulator';
import { decodeChunks } from './aws-chunked';
import { AwsError, escapeXml, header, type EdgeRequest, type EdgeResponse } from './http';
import { checkPostPolicy, parsePostForm } from './post-policy';
import type { ObjectChange } from './s3-events';

/** What the S3 side calls back. */
export interface S3Hooks {
  /** Tells the notifications of a change. */
  changed(change: Omit<ObjectChange, 'principal'>): void;
  /** Refuses (by throwing) a form whose signer may not do what it asks. @returns nothing when allowed */
  authorizePost(fields: ReadonlyMap<string, string>, bucket: string, key: string): void;
  nowMs(): number;
}

/** Bucket and key of a path-style request. */
export interface S3Target {
  readonly bucket: string;
  /** Decoded; empty for requests to the bucket itself. */
  readonly key: string;
}

/** Splits a path. @throws AwsError when it is not percent-encoded UTF-8 */
export function parseTarget(path: string): S3Target {
  const [, bucket = '', rawKey = ''] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  try {
    return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(rawKey) };
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.");
  }
}

/** Query parameters that select no other operation. */
const NEUTRAL = new Set(
  ['x-id', 'prefix', 'delimiter', 'max-keys', 'marker', 'list-type', 'continuation-token', 'start-after'].concat([
    'encoding-type',
    'fetch-owner',
    'partNumber',
    'uploadId',
    'max-parts',
    'part-number-marker',
    'x-amz-checksum-mode',
    'x-amz-checksum-crc32',
    'x-amz-sdk-checksum-algorithm',
    'response-content-type',
    'response-content-disposition',
  ]),
);

/** Names the operation, as IAM does; undefined for what the local run does not know. */
export function s3Action(request: EdgeRequest, { bucket, key }: S3Target): string | undefined {
  const { method, query } = request;
  const selectors = [...query.keys()].filter((name) => !NEUTRAL.has(name) && !/^X-Amz-/i.test(name));
  const [selector, ...more] = selectors;
  if (more.length > 0) return undefined;
  if (bucket === '') return method === 'GET' && selector === undefined ? 's3:ListAllMyBuckets' : undefined;
  if (key === '') {
    if (method === 'POST' && isForm(request)) return 's3:PutObject';
    if (method === 'POST' && selector === 'delete') return 's3:DeleteObject';
    if (selector !== undefined) return undefined;
    return method === 'GET' || method === 'HEAD' ? 's3:ListBucket' : undefined;
  }
  const uploadId = query.has('uploadId');
  switch (method) {
    case 'GET':
      if (selector === 'attributes') return 's3:GetObjectAttributes';
      if (selector !== undefined) return undefined;
      return uploadId ? 's3:ListMultipartUploadParts' : 's3:GetObject';
    case 'HEAD':
      return selector === undefined ? 's3:GetObject' : undefined;
    case 'PUT':
      return selector === undefined ? 's3:PutObject' : undefined;
    case 'DELETE':
      if (selector !== undefined) return undefined;
      return uploadId ? 's3:AbortMultipartUpload' : 's3:DeleteObject';
    case 'POST':
      return (selector === 'uploads' || (selector === undefined && uploadId)) && !isForm(request)
        ? 's3:PutObject'
        : undefined;
    default:
      return undefined;
  }
}

/** Answers a request whose operation {@link s3Action} has named. */
export async function answerS3(
  emulator: Emulator,
  hooks: S3Hooks,
  request: EdgeRequest,
  target: S3Target,
): Promise<EdgeResponse> {
  const { bucket, key } = target;
  const { method, query } = request;
  if (bucket !== '' && !emulator.s3.hasBucket(bucket)) {
    throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404);
  }
  if (method === 'POST' && isForm(request)) return postObject(emulator, hooks, request, bucket);
  if (method === 'GET' && query.has('uploadId')) return listParts(emulator, target, query);
  const uploadId = query.get('uploadId');
  const upload = uploadId === null ? undefined : requireUpload(emulator, uploadId, target);
  const copies = header(request, 'x-amz-copy-source') !== undefined;
  if (method === 'PUT' && !copies) {
    return upload === undefined
      ? putObject(emulator, hooks, request, target)
      : uploadPart(emulator, request, upload, Number(query.get('partNumber')));
  }
  const creates = (method === 'PUT' && uploadId === null) || (method === 'POST' && uploadId !== null);
  if (creates) checkPreconditions(emulator, request, target);
  if (method === 'POST' && upload !== undefined) requirePartChecksums(upload, request);
  const existed = method === 'DELETE' && uploadId === null && find(emulator, target) !== undefined;
  const answer = await emulator.handle(request);
  if (answer.status >= 300) return answer;
  if (creates) {
    const eventName = method === 'PUT' ? 'ObjectCreated:Copy' : 'ObjectCreated:CompleteMultipartUpload';
    announce(hooks, target, find(emulator, target), eventName);
  }
  if (existed) hooks.changed({ eventName: 'ObjectRemoved:Delete', bucket, key });
  return answer;
}

function postObject(emulator: Emulator, hooks: S3Hooks, request: EdgeRequest, bucket: string): EdgeResponse {
  const form = parsePostForm(header(request, 'content-type') ?? '', request.body);
  const { fields, file } = form;
  const key = fields.get('key');
  if (key === undefined || key === '') {
    throw new AwsError('InvalidArgument', "Bucket POST must contain a field named 'key'.");
  }
  const policy = fields.get('policy');
  if (policy === undefined) throw new AwsError('AccessDenied', 'Access Denied', 403);
  hooks.authorizePost(fields, bucket, key);
  checkPostPolicy(policy, form, bucket, hooks.nowMs());
  const metadata = Object.fromEntries(
    [...fields].flatMap(([name, value]) =>
      name.startsWith('x-amz-meta-') ? [[name.slice('x-amz-meta-'.length), value] as const] : [],
    ),
  );
  const object = emulator.s3.putObject(
    bucket,
    key,
    Buffer.from(file),
    fields.get('content-type') ?? 'binary/octet-stream',
    metadata,
    systemMetadata((name) => fields.get(name)),
  );
  announce(hooks, { bucket, key }, object, 'ObjectCreated:Post');
  const headers = { etag: object.etag, location: `/${bucket}/${encodeURIComponent(key)}` };
  switch (fields.get('success_action_status')) {
    case '201':
      return {
        status: 201,
        headers: { ...headers, 'content-type': 'application/xml' },
        body:
          `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>${escapeXml(headers.location)}</Location>` +
          `<Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key><ETag>${escapeXml(object.etag)}</ETag></PostResponse>`,
      };
    case '200':
      return { status: 200, headers };
    default:
      return { status: 204, headers };
  }
}

function putObject(emulator: Emulator, hooks: S3Hooks, request: EdgeRequest, target: S3Target): EdgeResponse {
  checkPreconditions(emulator, request, target);
  const { body, checksum } = payload(request);
  const metadata = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      name.startsWith('x-amz-meta-') ? [[name.slice('x-amz-meta-'.length), String(value)] as const] : [],
    ),
  );
  const object = emulator.s3.putObject(
    target.bucket,
    target.key,
    body,
    header(request, 'content-type') ?? 'binary/octet-stream',
    metadata,
    systemMetadata((name) => header(request, name)),
    checksum && { ...checksum, type: 'FULL_OBJECT' },
  );
  announce(hooks, target, object, 'ObjectCreated:Put');
  return { status: 200, headers: { etag: object.etag } };
}

function uploadPart(
  emulator: Emulator,
  request: EdgeRequest,
  { uploadId, checksumAlgorithm }: StoredUpload,
  partNumber: number,
): EdgeResponse {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > 10_000) {
    throw new AwsError('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
  }
  const { body, checksum } = payload(request);
  if (checksumAlgorithm !== undefined && checksum?.algorithm !== checksumAlgorithm) {
    const types = [checksumAlgorithm, checksum?.algorithm].map((name) => name?.toLowerCase() ?? 'null');
    throw new AwsError(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${types[0]}, actual checksum Type: ${types[1]}`,
    );
  }
  const { etag } = emulator.s3.uploadPart(uploadId, partNumber, body, checksum?.value);
  const name = Object.keys(CHECKSUMS).find((header) => CHECKSUMS[header] === checksum?.algorithm);
  return { status: 200, headers: { etag, ...(checksum && name && { [name]: checksum.value }) } };
}

/** An upload that was created with a checksum is completed with that of every part. */
function requirePartChecksums({ checksumAlgorithm: algorithm }: StoredUpload, { body }: EdgeRequest): void {
  if (algorithm === undefined) return;
  for (const [, part = ''] of body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)) {
    if (part.includes(`<Checksum${algorithm}>`)) continue;
    const number = /<PartNumber>(\d+)/.exec(part)?.[1];
    throw new AwsError(
      'InvalidRequest',
      `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
    );
  }
}

function listParts(emulator: Emulator, { bucket, key }: S3Target, query: URLSearchParams): EdgeResponse {
  const uploadId = query.get('uploadId') ?? '';
  const upload = requireUpload(emulator, uploadId, { bucket, key });
  const maxParts = Math.min(Number(query.get('max-parts') ?? 1000), 1000);
  const marker = Number(query.get('part-number-marker') ?? 0);
  const rest = [...upload.parts.values()]
    .filter(({ partNumber }) => partNumber > marker)
    .sort((a, b) => a.partNumber - b.partNumber);
  const page = rest.slice(0, maxParts);
  const parts = page.map(
    ({ partNumber, etag, lastModified, body }) =>
      `<Part><PartNumber>${partNumber}</PartNumber><LastModified>${lastModified.toISOString()}</LastModified>` +
      `<ETag>${escapeXml(etag)}</ETag><Size>${body.length}</Size></Part>`,
  );
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body:
      '<?xml version="1.0" encoding="UTF-8"?>\n<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
      `<Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key><UploadId>${escapeXml(uploadId)}</UploadId>` +
      `<PartNumberMarker>${marker}</PartNumberMarker>` +
      `<NextPartNumberMarker>${page.at(-1)?.partNumber ?? 0}</NextPartNumberMarker><MaxParts>${maxParts}</MaxParts>` +
      `<IsTruncated>${rest.length > page.length}</IsTruncated>${parts.join('')}` +
      '<StorageClass>STANDARD</StorageClass></ListPartsResult>',
  };
}

/** The upload of this id; it must belong to the key, which the emulator does not check. */
function requireUpload(emulator: Emulator, uploadId: string, { bucket, key }: S3Target): StoredUpload {
  const upload = emulator.s3.multipartUploads.get(uploadId);
  if (upload && upload.bucket === bucket && upload.key === key) return upload;
  throw new AwsError(
    'NoSuchUpload',
    'The specified upload does not exist. It may have been aborted or completed.',
    404,
  );
}

/** Conditional writes. Nothing else runs between this check and the write that follows it in the same turn. */
function checkPreconditions(emulator: Emulator, request: EdgeRequest, target: S3Target): void {
  const ifNoneMatch = header(request, 'if-none-match');
  const ifMatch = header(request, 'if-match');
  if (ifNoneMatch === undefined && ifMatch === undefined) return;
  const existing = find(emulator, target);
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new AwsError('NotImplemented', 'If-None-Match takes only * here, as in S3', 501);
  }
  if (ifMatch !== undefined && existing === undefined) {
    throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
  }
  const holds =
    (ifNoneMatch === undefined || existing === undefined) &&
    (ifMatch === undefined || existing?.etag.replaceAll('"', '') === ifMatch.replaceAll('"', ''));
  if (!holds) {
    throw new AwsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412);
  }
}

function find(emulator: Emulator, { bucket, key }: S3Target): StoredObject | undefined {
  try {
    return emulator.s3.headObject(bucket, key);
  } catch {
    return undefined;
  }
}

function announce(hooks: S3Hooks, target: S3Target, object: StoredObject | undefined, eventName: string): void {
  if (!object) return;
  hooks.changed({ ...target, eventName, size: object.contentLength, etag: object.etag.replaceAll('"', '') });
}

function systemMetadata(read: (name: string) => string | undefined): SystemMetadata {
  const encoding = read('content-encoding')
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== 'aws-chunked' && part !== '')
    .join(', ');
  return {
    ...pick('contentLanguage', read('content-language')),
    ...pick('contentDisposition', read('content-disposition')),
    ...pick('cacheControl', read('cache-control')),
    ...pick('contentEncoding', encoding === '' ? undefined : encoding),
  };
}

function pick(name: keyof SystemMetadata, value: string | undefined): SystemMetadata {
  return value === undefined ? {} : { [name]: value };
}

const CHECKSUMS: Readonly<Record<string, string>> = {
  'x-amz-checksum-crc32': 'CRC32',
  'x-amz-checksum-sha1': 'SHA1',
  'x-amz-checksum-sha256': 'SHA256',
};

/** The object's bytes and checksum, out of the SDK's chunked framing where it is used. */
function payload(request: EdgeRequest): { body: Buffer; checksum?: { algorithm: string; value: string } } {
  const chunked =
    header(request, 'content-encoding')?.includes('aws-chunked') ||
    header(request, 'x-amz-content-sha256')?.startsWith('STREAMING-') === true;
  const { body, trailers } = chunked ? decodeChunks(request.body) : { body: request.body, trailers: {} };
  const expected = header(request, 'x-amz-decoded-content-length');
  if (chunked && expected !== undefined && Number(expected) !== body.length) {
    throw new AwsError('IncompleteBody', 'The body is shorter than x-amz-decoded-content-length says');
  }
  const named: Readonly<Record<string, unknown>> = { ...request.headers, ...trailers };
  const found = Object.entries(CHECKSUMS).find(([name]) => typeof named[name] === 'string');
  return found ? { body, checksum: { algorithm: found[1], value: String(named[found[0]]) } } : { body };
}

function isForm(request: EdgeRequest): boolean {
  return header(request, 'content-type')?.toLowerCase().startsWith('multipart/form-data') === true;
}
