import { PART_BYTES, VIDEO_TYPES } from '../contract';
import { bytes } from './format';

/** Bytes of a part: all have the same, the last one has the rest. */
export function partBytes(fileBytes: number, partNumber: number): number {
  return Math.min(PART_BYTES, fileBytes - (partNumber - 1) * PART_BYTES);
}

/** The media type to declare: the browser's, or by the extension where the browser knows none. */
export function typeOf(file: { readonly name: string; readonly type: string }): string | undefined {
  if (Object.hasOwn(VIDEO_TYPES, file.type)) return file.type;
  const extension = /\.([^.]+)$/.exec(file.name)?.[1]?.toLowerCase() ?? '';
  return Object.entries(VIDEO_TYPES).find(([, extensions]) => extensions.includes(extension))?.[0];
}

/** Why a file is not worth sending; the server checks the same. */
export function refusalOf(
  file: { readonly size: number },
  type: string | undefined,
  maxBytes: number,
): string | undefined {
  if (file.size === 0) return 'The file is empty (0 bytes)';
  if (type === undefined) return 'Not a video: choose MP4, MOV, WebM, MKV, AVI or MPEG';
  if (file.size > maxBytes) return `Too large: ${bytes(file.size)}, at most ${bytes(maxBytes)}`;
  return undefined;
}

/** Words for an upload that failed. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/NoSuchUpload/.test(message)) return 'The server dropped this upload: try again';
  if (/403/.test(message)) return 'The upload link was refused or has expired: try again';
  if (/EntityTooLarge|EntityTooSmall/.test(message)) return 'The file changed while it was uploaded: choose it again';
  if (/Network|Failed to fetch/i.test(message)) return 'No connection: check the network and try again';
  return message;
}

/** Whether a new link is worth a try, without asking the person: S3 says that this one has expired, or dropped the parts. */
export function isOutdated(error: unknown): boolean {
  const { status, body } = refusalIn(error);
  return (status === 403 && /expired/i.test(body)) || isDropped(error);
}

/** Whether S3 has dropped an upload in parts, as it does after a day: it must begin anew. */
export function isDropped(error: unknown): boolean {
  const { status, body } = refusalIn(error);
  return status === 404 && body.includes('NoSuchUpload');
}

/** The answer of S3 that Uppy's error carries. */
function refusalIn(error: unknown): { readonly status: unknown; readonly body: string } {
  const { status, body } = error as { readonly status?: unknown; readonly body?: unknown };
  return { status, body: typeof body === 'string' ? body : '' };
}
