/** The form of a browser upload (S3 POST Object) and the policy that bounds it. */
import { AwsError } from './http';

/** A parsed `multipart/form-data` body: the fields before the file, with lower-case names, and the file. */
export interface PostForm {
  readonly fields: ReadonlyMap<string, string>;
  readonly file: Buffer;
}

/** Parses the form. What follows the file is ignored, as S3 does. @throws AwsError when it is malformed */
export function parsePostForm(contentType: string, body: Buffer): PostForm {
  const boundary = /boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  const delimiter = boundary && Buffer.from(`--${boundary[1] ?? boundary[2]}`);
  if (!delimiter) throw malformed();
  const fields = new Map<string, string>();
  let at = body.indexOf(delimiter);
  while (at >= 0) {
    const headersAt = at + delimiter.length + 2;
    if (body.subarray(at + delimiter.length, headersAt).toString('latin1') === '--') break;
    const headersEnd = body.indexOf('\r\n\r\n', headersAt);
    if (headersEnd < 0) throw malformed();
    const next = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), headersEnd + 2);
    if (next < 0) throw malformed();
    const disposition = body.subarray(headersAt, headersEnd).toString('utf8');
    const name = /;\s*name="([^"]*)"/i.exec(disposition)?.[1]?.toLowerCase();
    const value = body.subarray(headersEnd + 4, Math.max(headersEnd + 4, next));
    if (name === undefined) throw malformed();
    if (name === 'file') {
      const filename = /filename="([^"]*)"/i.exec(disposition)?.[1] ?? '';
      const key = fields.get('key');
      // Only the last part of the name counts; a browser may send a path.
      if (key !== undefined) fields.set('key', key.replaceAll('${filename}', filename.replace(/^.*[/\\]/, '')));
      return { fields, file: value };
    }
    fields.set(name, value.toString('utf8'));
    at = next + 2;
  }
  throw new AwsError('InvalidArgument', 'POST requires exactly one file upload per request.');
}

/** Fields that a policy need not mention. */
const EXEMPT = new Set(['x-amz-signature', 'file', 'policy', 'awsaccesskeyid']);

/**
 * Checks a form against its policy: expiry, every condition, and that every field is covered by one.
 *
 * @param policyBase64 the form's `policy` field
 * @throws AwsError with the code that S3 answers
 */
export function checkPostPolicy(policyBase64: string, form: PostForm, bucket: string, nowMs: number): void {
  const { expiration, conditions } = parsePolicy(policyBase64);
  if (nowMs >= Date.parse(expiration)) throw denied('Policy expired.');
  const values = new Map([...form.fields, ['bucket', bucket]]);
  const covered = new Set<string>();
  for (const condition of conditions) {
    if (!Array.isArray(condition)) {
      for (const [name, expected] of Object.entries(condition as object)) {
        covered.add(name.toLowerCase());
        if (values.get(name.toLowerCase()) !== String(expected)) throw failed(condition);
      }
      continue;
    }
    const [operator, first, second] = condition as [string, unknown, unknown];
    if (operator === 'content-length-range') {
      if (form.file.length < Number(first)) {
        throw new AwsError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
      }
      if (form.file.length > Number(second)) {
        throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
      }
      continue;
    }
    const name = String(first).replace(/^\$/, '').toLowerCase();
    covered.add(name);
    const value = values.get(name) ?? '';
    const holds =
      operator === 'eq' ? value === second : operator === 'starts-with' ? value.startsWith(String(second)) : false;
    if (!holds) throw failed(condition);
  }
  const extra = [...form.fields.keys()].filter(
    (name) => !covered.has(name) && !EXEMPT.has(name) && !name.startsWith('x-ignore-'),
  );
  if (extra.length > 0) throw denied(`Invalid according to Policy: Extra input fields: ${extra.join(', ')}`);
}

function parsePolicy(base64: string): { readonly expiration: string; readonly conditions: readonly unknown[] } {
  let policy: { expiration?: unknown; conditions?: unknown };
  try {
    policy = JSON.parse(Buffer.from(base64, 'base64').toString('utf8')) as typeof policy;
  } catch {
    throw new AwsError('InvalidPolicyDocument', 'The policy is not base64 of a JSON document');
  }
  const { expiration, conditions } = policy;
  if (typeof expiration !== 'string' || Number.isNaN(Date.parse(expiration)) || !Array.isArray(conditions)) {
    throw new AwsError('InvalidPolicyDocument', "The policy needs 'expiration' and 'conditions'");
  }
  return { expiration, conditions };
}

function failed(condition: unknown): AwsError {
  return denied(`Invalid according to Policy: Policy Condition failed: ${JSON.stringify(condition)}`);
}

function denied(message: string): AwsError {
  return new AwsError('AccessDenied', message, 403);
}

function malformed(): AwsError {
  return new AwsError('MalformedPOSTRequest', 'The body of your POST request is not well-formed multipart/form-data.');
}
