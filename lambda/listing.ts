import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import {
  decodeName,
  INCOMING_PREFIX,
  isVideoId,
  MEDIA_KEYS,
  sourceKey,
  type VideoPage,
  type VideoStatus,
  type VideoView,
  videoIdTimeMs,
} from '../video/contract';

/** What a listing needs. */
export interface ListingContext {
  readonly s3: S3Client;
  readonly uploadsBucket: string;
  readonly mediaBucket: string;
  /** Address that the media bucket's keys are appended to, without a final slash. */
  readonly mediaBaseUrl: string;
  /** Documents of finished videos, which never change again; kept across calls by a warm function. */
  readonly finished: Map<string, VideoStatus>;
}

/** Documents that a warm function keeps; the oldest are dropped beyond it. */
const FINISHED_KEPT = 5_000;

/**
 * The newest videos first: ids sort by time, newest lowest, so the first keys of both buckets are the newest uploads.
 * Uploads without a status document are `queued`.
 */
export async function listVideos(context: ListingContext, limit: number, after?: string): Promise<VideoPage> {
  const [waiting, known] = await Promise.all([
    listIds(context, context.uploadsBucket, INCOMING_PREFIX, limit, after),
    listIds(context, context.mediaBucket, '', limit, after),
  ]);
  const all = [...new Set([...waiting.ids, ...known.ids])].sort();
  const ids = all.slice(0, limit);
  const inMedia = new Set(known.ids);
  const views = await Promise.all(
    ids.map((id) => (inMedia.has(id) ? readVideo(context, id) : readQueued(context, id))),
  );
  const more = all.length > limit || waiting.more || known.more;
  const last = ids.at(-1);
  return {
    videos: views.filter((view) => view !== undefined),
    ...(more && last !== undefined ? { next: last } : {}),
  };
}

/** The videos of these ids, in the order given, without those that are gone. */
export async function readVideos(context: ListingContext, ids: readonly string[]): Promise<VideoPage> {
  const views = await Promise.all(ids.map((id) => readVideo(context, id)));
  return { videos: views.filter((view) => view !== undefined) };
}

/** One video, or undefined when there is neither a status nor an upload. */
export async function readVideo(context: ListingContext, id: string): Promise<VideoView | undefined> {
  const status = await readStatus(context, id);
  return status === undefined ? readQueued(context, id) : withUrls(context, status);
}

async function listIds(
  { s3 }: ListingContext,
  bucket: string,
  prefix: string,
  limit: number,
  after: string | undefined,
): Promise<{ ids: string[]; more: boolean }> {
  const page = await s3.send(
    new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      Delimiter: '/',
      MaxKeys: limit,
      // '0' follows '/': everything below the folder of `after` is skipped.
      ...(after === undefined ? {} : { StartAfter: `${prefix}${after}0` }),
    }),
  );
  const ids = (page.CommonPrefixes ?? [])
    .map(({ Prefix }) => (Prefix ?? '').slice(prefix.length, -1))
    .filter((id) => isVideoId(id) && (after === undefined || id > after));
  return { ids, more: page.IsTruncated === true };
}

async function readStatus(context: ListingContext, id: string): Promise<VideoStatus | undefined> {
  const kept = context.finished.get(id);
  if (kept !== undefined) return kept;
  const { s3, mediaBucket } = context;
  const found = await orUndefined(s3.send(new GetObjectCommand({ Bucket: mediaBucket, Key: MEDIA_KEYS.status(id) })));
  if (found?.Body === undefined) return undefined;
  const status = JSON.parse(await found.Body.transformToString()) as VideoStatus;
  // A failed video may be redriven; a ready one is final.
  if (status.state === 'ready') {
    const [oldest] = context.finished.keys();
    if (context.finished.size >= FINISHED_KEPT && oldest !== undefined) context.finished.delete(oldest);
    context.finished.set(id, status);
  }
  return status;
}

async function readQueued({ s3, uploadsBucket }: ListingContext, id: string): Promise<VideoView | undefined> {
  const head = await orUndefined(s3.send(new HeadObjectCommand({ Bucket: uploadsBucket, Key: sourceKey(id) })));
  if (head === undefined) return undefined;
  return {
    id,
    name: decodeName(head.Metadata?.['name'] ?? id),
    state: 'queued',
    progressPercent: 0,
    sizeBytes: head.ContentLength ?? 0,
    renditions: [],
    encodes: 0,
    uploadedAtMs: videoIdTimeMs(id),
    updatedAtMs: head.LastModified?.getTime() ?? videoIdTimeMs(id),
  };
}

function withUrls(context: ListingContext, status: VideoStatus): VideoView {
  const view = { ...status, uploadedAtMs: videoIdTimeMs(status.id) };
  if (status.state !== 'ready') return view;
  const at = (key: string): string => `${context.mediaBaseUrl}/${key}`;
  return {
    ...view,
    urls: {
      master: at(MEDIA_KEYS.master(status.id)),
      poster: at(MEDIA_KEYS.poster(status.id)),
      mp4: at(MEDIA_KEYS.mp4(status.id)),
    },
  };
}

/** Undefined when the object is not there; a role that may not list gets 403 for a missing key, but ours may. */
async function orUndefined<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
    throw error;
  }
}
