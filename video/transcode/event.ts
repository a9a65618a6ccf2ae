import { PermanentError } from '../../messaging';
import { idOfSourceKey, isVideoId, sourceKey } from '../contract';

/** One upload that a message speaks of. */
export interface UploadReference {
  readonly id: string;
  readonly key: string;
}

/** What a message asks for. */
export interface UploadEvent {
  readonly uploads: readonly UploadReference[];
  /** Records that name another bucket, or a key outside `incoming/<id>/source`: the uploads beside them count all the same. */
  readonly refused: readonly PermanentError[];
}

/**
 * The uploads in a message: an S3 event notification, or `{"id": "<id>"}` from a direct producer.
 *
 * S3's test event and events other than a created object give an empty list. S3 encodes keys as in a form: `+` is a space.
 * @throws PermanentError when the body is neither.
 */
export function parseUploadEvent(body: string, uploadsBucket: string): UploadEvent {
  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    throw new PermanentError('The message is not JSON');
  }
  if (!isObject(event)) throw new PermanentError('The message is not a JSON object');
  if (event['Event'] === 's3:TestEvent') return { uploads: [], refused: [] };
  if (typeof event['id'] === 'string') {
    const id = event['id'];
    if (!isVideoId(id)) throw new PermanentError(`The message names no video: ${JSON.stringify(id).slice(0, 80)}`);
    return { uploads: [{ id, key: sourceKey(id) }], refused: [] };
  }
  const records = event['Records'];
  if (!Array.isArray(records)) throw new PermanentError('The message is neither an S3 event nor {"id": …}');
  const uploads: UploadReference[] = [];
  const refused: PermanentError[] = [];
  for (const record of records.filter(isCreation)) {
    try {
      uploads.push(reference(record, uploadsBucket));
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      refused.push(error);
    }
  }
  return { uploads, refused };
}

function isCreation(record: unknown): boolean {
  const name = isObject(record) ? record['eventName'] : undefined;
  return typeof name !== 'string' || name.replace(/^s3:/, '').startsWith('ObjectCreated:');
}

function reference(record: unknown, uploadsBucket: string): UploadReference {
  const s3 = isObject(record) ? record['s3'] : undefined;
  const bucket = isObject(s3) && isObject(s3['bucket']) ? s3['bucket']['name'] : undefined;
  const encoded = isObject(s3) && isObject(s3['object']) ? s3['object']['key'] : undefined;
  if (typeof bucket !== 'string' || typeof encoded !== 'string') {
    throw new PermanentError('The S3 event names no bucket or no key');
  }
  if (bucket !== uploadsBucket) throw new PermanentError(`The S3 event is of another bucket: ${bucket}`);
  const key = decodeKey(encoded);
  const id = idOfSourceKey(key);
  if (id === undefined)
    throw new PermanentError(`The key is not of the form incoming/<id>/source: ${key.slice(0, 200)}`);
  return { id, key };
}

/** Undoes S3's encoding of a key in an event. @throws PermanentError for an encoding that S3 never writes. */
export function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    throw new PermanentError(`The key of the S3 event is not URL-encoded: ${encoded.slice(0, 200)}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
