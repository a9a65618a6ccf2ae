/**
 * What the upload API, the worker and the page agree on: ids, object keys, limits and the status document.
 * No imports, so that a Lambda function, a worker and a browser can all bundle it.
 */

/** Bytes of one part of a multipart upload. S3 takes 5 MiB to 5 GiB, the last part may be smaller. */
export const PART_BYTES = 8 * 1024 * 1024;

/** Largest upload that goes as one presigned POST, bytes; larger ones go in parts. */
export const POST_MAX_BYTES = 100_000_000;

/** Largest upload, bytes. */
export const UPLOAD_MAX_BYTES = 2_000_000_000;

/** Media types that an upload may declare, with the file extensions that a browser does not know a type for. */
export const VIDEO_TYPES: Readonly<Record<string, readonly string[]>> = {
  'video/mp4': ['mp4', 'm4v'],
  'video/quicktime': ['mov'],
  'video/webm': ['webm'],
  'video/x-matroska': ['mkv'],
  'video/x-msvideo': ['avi'],
  'video/mp2t': ['ts', 'mts', 'm2ts'],
  'video/mpeg': ['mpg', 'mpeg'],
  'video/ogg': ['ogv'],
};

/** Folder of the uploads bucket that the queue listens to. */
export const INCOMING_PREFIX = 'incoming/';

/** Longest name that an upload may carry, characters. */
export const NAME_CHARACTERS = 255;

/** Metadata of an upload in parts: the bytes that were declared for the whole. */
export const SIZE_METADATA = 'size';

const LAST_MS = 9_999_999_999_999;
const ID = /^[0-9a-z]{9}-[0-9a-f]{12}$/;

/** An id that sorts before every older one, so that a listing of a bucket begins with the newest upload. */
export function videoId(nowMs: number, randomHex12: string): string {
  return `${(LAST_MS - Math.floor(nowMs)).toString(36).padStart(9, '0')}-${randomHex12}`;
}

/** Whether `id` has the form of {@link videoId}; anything else never reaches a key. */
export function isVideoId(id: string): boolean {
  return ID.test(id);
}

/** When an id was made, milliseconds since 1970. */
export function videoIdTimeMs(id: string): number {
  return LAST_MS - parseInt(id.slice(0, 9), 36);
}

/** Key of an upload in the uploads bucket. */
export function sourceKey(id: string): string {
  return `${INCOMING_PREFIX}${id}/source`;
}

/** The id in a key of {@link sourceKey}, undefined for any other key. */
export function idOfSourceKey(key: string): string | undefined {
  const match = /^incoming\/([^/]+)\/source$/.exec(key);
  return match?.[1] !== undefined && isVideoId(match[1]) ? match[1] : undefined;
}

/** Keys of one video in the media bucket. */
export const MEDIA_KEYS = {
  status: (id: string): string => `${id}/status.json`,
  claim: (id: string, generation: number): string => `${id}/claims/${generation}.json`,
  master: (id: string): string => `${id}/master.m3u8`,
  poster: (id: string): string => `${id}/poster.jpg`,
  mp4: (id: string): string => `${id}/play.mp4`,
};

/** S3 metadata holds ASCII only: a file name travels percent-encoded. */
export function encodeName(name: string): string {
  return encodeURIComponent(name.replace(/\p{Surrogate}/gu, '\uFFFD'));
}

/** The inverse of {@link encodeName}; a name that does not decode is kept as it is. */
export function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** Where a video is on its way. `queued` has no document yet: it is derived from the upload. */
export type VideoState = 'queued' | 'processing' | 'ready' | 'failed';

/** The document `<id>/status.json`. Written last when a video is done, and about every 2 seconds before. */
export interface VideoStatus {
  readonly id: string;
  readonly name: string;
  readonly state: VideoState;
  readonly progressPercent: number;
  /** Why it failed, for a person. */
  readonly reason?: string;
  /** Why it failed, for a program: a code of `MEDIA_PROBLEMS`. */
  readonly code?: string;
  readonly sizeBytes: number;
  readonly durationSeconds?: number;
  readonly width?: number;
  readonly height?: number;
  /** Names of the HLS renditions, largest first, for example `720p`. */
  readonly renditions: readonly string[];
  /** How often an encoder was started for this upload: 1 unless an instance was lost in the middle. */
  readonly encodes: number;
  /** Who encodes it: host name and process id. */
  readonly worker?: string;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly updatedAtMs: number;
}

/** A status as the API answers it: with addresses that a browser can load. */
export interface VideoView extends VideoStatus {
  readonly uploadedAtMs: number;
  readonly urls?: { readonly master: string; readonly poster: string; readonly mp4: string };
}

/** Answer of `GET /videos`: newest first. */
export interface VideoPage {
  readonly videos: readonly VideoView[];
  /** Pass as `after` to get older ones; absent on the last page. */
  readonly next?: string;
}

/** Answer of `POST /uploads`. */
export type UploadTicket =
  | {
      readonly kind: 'post';
      readonly id: string;
      readonly key: string;
      readonly url: string;
      readonly fields: Readonly<Record<string, string>>;
      readonly expiresAtMs: number;
    }
  | {
      readonly kind: 'multipart';
      readonly id: string;
      readonly key: string;
      readonly uploadId: string;
      readonly partBytes: number;
    };

/** Body of a refusal by the API. */
export interface ApiError {
  readonly error: { readonly code: string; readonly message: string };
}
