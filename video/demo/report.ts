import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { VideoView } from '../contract';
import type { ClaimRecord } from '../transcode/claim';
import type { Sample } from './samples';

/** The part of a local run that the demo uses. */
export interface DemoRun {
  readonly apiUrl: string | undefined;
  readonly awsEndpoint: string;
  readonly env: Readonly<Record<string, string>>;
  readonly resources: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly chaos: boolean;
  readonly signal: AbortSignal;
  now(): { readonly real: number };
  log(text: string): void;
  instances(): readonly { readonly state: string }[];
  setFaults(change: { readonly killEverySeconds: number }): void;
  jobsByInstance(): Readonly<Record<string, number>>;
  deadLetters(): readonly { readonly reason: string; readonly object?: { readonly key: string } }[];
  onIdle(): Promise<void>;
}

/** What a local run wants to know at the end. */
export interface DemoReport {
  readonly summary: readonly string[];
  readonly failures: readonly string[];
  readonly expectedDeadLetters: number;
  readonly expected: number;
  readonly ready: number;
  readonly processedTwice: number;
}

/** A clip that is in the bucket. */
export interface Uploaded extends Sample {
  readonly id: string;
  /** Set for the ordered variant. */
  readonly uploader?: string;
}

/** Claims of each upload, by its id. */
export type Claims = ReadonlyMap<string, readonly ClaimRecord[]>;

/** Ids of the uploads in dead-letter queues. */
export function deadKeys(run: Pick<DemoRun, 'deadLetters'>): ReadonlySet<string> {
  return new Set(run.deadLetters().flatMap(({ object }) => object?.key.split('/')[1] ?? []));
}

/** Every claim of every upload: how often an encoder was started, and how often it came to an end. */
export async function readClaims(run: DemoRun, uploads: readonly Uploaded[]): Promise<Claims> {
  const bucket = Object.entries(run.resources).find(([logicalId]) => logicalId.startsWith('BucketsMedia'))?.[1];
  if (bucket === undefined) throw new Error('The template has no media bucket');
  const { AWS_REGION: region = 'us-east-1', AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = run.env;
  const s3 = new S3Client({
    endpoint: run.awsEndpoint,
    forcePathStyle: true,
    region,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
    maxAttempts: 8,
  });
  const claims = new Map<string, readonly ClaimRecord[]>();
  for (const { id } of uploads) {
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `${id}/claims/` }));
    const records = (Contents ?? []).map(async ({ Key }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      return JSON.parse((await Body?.transformToString()) ?? '{}') as ClaimRecord;
    });
    claims.set(id, await Promise.all(records));
  }
  return claims;
}

/** Compares what was uploaded with what became of it. @param stuckSeconds set when nothing changed for so long */
export function report(
  run: Pick<DemoRun, 'chaos' | 'deadLetters' | 'jobsByInstance' | 'now'>,
  uploads: readonly Uploaded[],
  videos: ReadonlyMap<string, VideoView>,
  claims: Claims,
  stuckSeconds?: number,
): DemoReport {
  const state = ({ id }: Uploaded): string => videos.get(id)?.state ?? 'lost';
  const ready = uploads.filter((upload) => state(upload) === 'ready');
  const broken = uploads.filter((upload) => upload.broken);
  const completions = (id: string): number =>
    (claims.get(id) ?? []).filter(({ outcome }) => outcome === 'ready').length;
  const starts = (id: string): number => (claims.get(id) ?? []).length;
  const twice = uploads.filter(({ id }) => completions(id) > 1);
  const restarted = uploads.filter(({ id }) => starts(id) > 1);
  const dead = deadKeys(run);
  const working = Object.values(run.jobsByInstance()).filter((jobs) => jobs > 0).length;
  const disorder = outOfOrder(uploads, videos);
  const failures = [
    ...(stuckSeconds === undefined ? [] : [`nothing changed for ${stuckSeconds} seconds`]),
    ...uploads.filter((u) => !u.broken && state(u) !== 'ready').map((u) => `${u.name} is ${state(u)}, not ready`),
    ...broken.filter((u) => state(u) !== 'failed').map((u) => `${u.name} is ${state(u)}, it should have failed`),
    ...broken.filter(({ id }) => !dead.has(id)).map(({ name }) => `${name} is not in the dead-letter queue`),
    ...twice.map(({ id, name }) => `${name} was encoded ${completions(id)} times`),
    // Without a killed instance there is no reason to begin anything again.
    ...(run.chaos ? [] : restarted.map(({ id, name }) => `${name} was begun ${starts(id)} times`)),
    ...disorder,
    ...(working > 1 ? [] : ['one instance did all the work: those that were added did none']),
  ];
  const reason = videos.get(broken[0]?.id ?? '')?.reason ?? 'no reason';
  const uploaders = new Set(uploads.flatMap(({ uploader }) => uploader ?? []));
  const summary = [
    `${ready.length} of ${uploads.length - broken.length} clips ready after ${run.now().real.toFixed(0)} seconds`,
    `${broken.filter(({ id }) => dead.has(id)).length} of ${broken.length} broken in the dead-letter queue: ${reason}`,
    `${twice.length} encoded twice${restarted.length > 0 ? `, ${restarted.length} taken over from a lost instance` : ''}`,
    ...(uploaders.size > 0 && disorder.length === 0
      ? [`in order: one clip at a time of each of the ${uploaders.size} uploaders`]
      : []),
  ];
  return {
    summary,
    failures,
    expectedDeadLetters: broken.length,
    expected: uploads.length,
    ready: ready.length,
    processedTwice: twice.length,
  };
}

/** Clips of one uploader that were begun before an earlier one of theirs had ended. */
export function outOfOrder(uploads: readonly Uploaded[], videos: ReadonlyMap<string, VideoView>): readonly string[] {
  const last = new Map<string, Uploaded>();
  return [...uploads]
    .sort((a, b) => a.number - b.number)
    .flatMap((upload) => {
      const { uploader, id, name } = upload;
      if (uploader === undefined) return [];
      const before = last.get(uploader);
      last.set(uploader, upload);
      const endedMs = before && videos.get(before.id)?.finishedAtMs;
      const startedMs = videos.get(id)?.startedAtMs;
      if (!before || endedMs === undefined || startedMs === undefined || startedMs >= endedMs) return [];
      return [`${name} was begun before ${before.name} of the same uploader had ended`];
    });
}
