import { NAME_CHARACTERS, VIDEO_TYPES } from '../video/contract';

/** A request that the API refuses, with the HTTP status and words for the person who uploads. */
export class RefusedError extends Error {
  override name = 'RefusedError';
  constructor(
    readonly statusCode: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What a page asks for before it uploads. */
export interface UploadRequest {
  readonly name: string;
  readonly size: number;
  readonly type: string;
  /** Who uploads, where no authorizer says so: letters, digits, `-` and `_`. */
  readonly uploader?: string;
}

/** Characters that have no place in a file name: control characters, and the marks that reverse the text around them. */
const HIDDEN = /[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/;
const UPLOADER = /^[A-Za-z0-9_-]{1,64}$/;

/** Checks the body of `POST /uploads`. @throws RefusedError with a reason for the first rule that is broken. */
export function parseUploadRequest(body: string, maxBytes: number): UploadRequest {
  const { name, size, type, uploader } = parseObject(body);
  if (typeof name !== 'string' || name.trim() === '') {
    throw new RefusedError(400, 'NameMissing', 'The file has no name');
  }
  if (name.length > NAME_CHARACTERS) {
    throw new RefusedError(400, 'NameTooLong', `The file name is longer than ${NAME_CHARACTERS} characters`);
  }
  if (HIDDEN.test(name) || /[/\\]/.test(name) || name === '.' || name === '..' || /\p{Surrogate}/u.test(name)) {
    throw new RefusedError(400, 'NameNotAllowed', 'The file name holds a path or hidden characters: rename the file');
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new RefusedError(400, 'SizeNotAllowed', 'The size must be a whole number of bytes');
  }
  if (size === 0) throw new RefusedError(400, 'FileEmpty', 'The file is empty (0 bytes)');
  if (size > maxBytes) {
    throw new RefusedError(413, 'FileTooLarge', `The file has ${mb(size)}, at most ${mb(maxBytes)} can be uploaded`);
  }
  if (typeof type !== 'string' || !Object.hasOwn(VIDEO_TYPES, type)) {
    const known = Object.values(VIDEO_TYPES).map((extensions) => extensions[0]);
    throw new RefusedError(415, 'TypeNotAllowed', `Only videos can be uploaded: ${known.join(', ')}`);
  }
  if (uploader !== undefined && (typeof uploader !== 'string' || !UPLOADER.test(uploader))) {
    throw new RefusedError(400, 'UploaderNotAllowed', 'The uploader must be 1 to 64 letters, digits, - or _');
  }
  return { name, size, type, uploader };
}

/** A JSON object, or a refusal. */
export function parseObject(body: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new RefusedError(400, 'BodyNotJson', 'The request must carry a JSON object');
  }
  return parsed as Record<string, unknown>;
}

function mb(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}
