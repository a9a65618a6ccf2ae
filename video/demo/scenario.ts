import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { VideoView } from '../contract';
import type { ClaimRecord } from '../transcode/claim';
import { findFfmpeg } from '../transcode/find-ffmpeg';
import { drawSample, planSamples, type Sample } from './samples';
import { UploadClient } from './upload-client';

/** The part of a local run that this scenario uses. */
interface Run {
  readonly apiUrl: string | undefined;
  readonly awsEndpoint: string;
  readonly env: Readonly<Record<string, string>>;
  readonly resources: Readonly<Record<string, string>>;
  readonly chaos: boolean;
  readonly signal: AbortSignal;
  now(): { readonly real: number };
  log(text: string): void;
  deadLetters(): readonly { readonly reason: string; readonly object?: { readonly key: string } }[];
  onIdle(): Promise<void>;
}

/** What a local run wants to know at the end. */
interface Report {
  readonly summary: readonly string[];
  readonly failures: readonly string[];
  readonly expectedDeadLetters: number;
  readonly expected: number;
  readonly ready: number;
  readonly processedTwice: number;
}

interface Uploaded extends Sample {
  readonly id: string;
}

const CLIPS = 12;
const CHAOS_CLIPS = 100;
/** Clips drawn and uploaded at the same time. */
const AT_ONCE = 2;
const LOOK_MS = 500;
/** Without any change for this long the run is stuck, seconds. */
const STUCK_SECONDS = 120;

/**
 * Draws sample clips, one of them broken, uploads each through the API and a presigned POST, and waits until every one is
 * ready or failed. `npm run demo` ends with its verdict.
 */
export default async function scenario(run: Run): Promise<Report> {
  if (run.apiUrl === undefined) throw new Error('The template has no HTTP API to upload through');
  const client = new UploadClient(run.apiUrl, run.signal);
  const samples = planSamples(run.chaos ? CHAOS_CLIPS : CLIPS);
  const uploads = await uploadAll(run, client, samples);
  const broken = uploads.filter((upload) => upload.broken);
  run.log(`${uploads.length} sample clips uploaded, ${broken.length} of them broken on purpose`);

  const { videos, stuck } = await waitForAll(run, client, uploads);
  if (!stuck) await run.onIdle();
  const claims = await readClaims(run, uploads);
  return report(run, uploads, videos, claims, stuck);
}

/** Draws each picture once and uploads it as soon as it is there, so that work begins while others are still drawn. */
async function uploadAll(run: Run, client: UploadClient, samples: readonly Sample[]): Promise<readonly Uploaded[]> {
  const ffmpeg = findFfmpeg();
  const folder = await mkdtemp(join(tmpdir(), 'queue-fleet-samples-'));
  const drawn = new Map<number, Promise<Uint8Array>>();
  const draw = (sample: Sample): Promise<Uint8Array> => {
    const picture = (sample.number - 1) % CLIPS;
    const content = drawn.get(picture) ?? drawSample(ffmpeg, folder, sample);
    drawn.set(picture, content);
    return content;
  };
  const uploads: Uploaded[] = [];
  const queue = [...samples];
  const worker = async (): Promise<void> => {
    for (let sample = queue.shift(); sample !== undefined; sample = queue.shift()) {
      run.signal.throwIfAborted();
      const id = await client.upload(sample.name, 'video/mp4', await draw(sample));
      uploads.push({ ...sample, id });
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return uploads.sort((a, b) => a.number - b.number);
}

async function waitForAll(
  run: Run,
  client: UploadClient,
  uploads: readonly Uploaded[],
): Promise<{ videos: ReadonlyMap<string, VideoView>; stuck: boolean }> {
  const ids = new Set(uploads.map(({ id }) => id));
  let seen = '';
  let changedAt = run.now().real;
  let firstReady = false;
  for (;;) {
    run.signal.throwIfAborted();
    const videos = new Map((await client.videos()).filter(({ id }) => ids.has(id)).map((video) => [video.id, video]));
    const of = (state: string): number => [...videos.values()].filter((video) => video.state === state).length;
    if (!firstReady && of('ready') > 0) {
      firstReady = true;
      run.log('The first video can be played');
    }
    const dead = deadKeys(run);
    const waiting = uploads.filter(({ id, broken }) => {
      const state = videos.get(id)?.state;
      return broken ? state !== 'failed' || !dead.has(id) : state !== 'ready' && state !== 'failed';
    });
    if (waiting.length === 0) return { videos, stuck: false };
    const now = `${of('ready')} ${of('failed')} ${of('processing')} ${dead.size}`;
    if (now !== seen) {
      seen = now;
      changedAt = run.now().real;
    }
    if (run.now().real - changedAt > STUCK_SECONDS) return { videos, stuck: true };
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function deadKeys(run: Run): ReadonlySet<string> {
  return new Set(run.deadLetters().flatMap(({ object }) => object?.key.split('/')[1] ?? []));
}

/** Every claim of every upload: how often an encoder was started, and how often it came to an end. */
async function readClaims(
  run: Run,
  uploads: readonly Uploaded[],
): Promise<ReadonlyMap<string, readonly ClaimRecord[]>> {
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

function report(
  run: Run,
  uploads: readonly Uploaded[],
  videos: ReadonlyMap<string, VideoView>,
  claims: ReadonlyMap<string, readonly ClaimRecord[]>,
  stuck: boolean,
): Report {
  const state = ({ id }: Uploaded): string => videos.get(id)?.state ?? 'lost';
  const ready = uploads.filter((upload) => state(upload) === 'ready');
  const broken = uploads.filter((upload) => upload.broken);
  const completions = (id: string): number =>
    (claims.get(id) ?? []).filter(({ outcome }) => outcome === 'ready').length;
  const starts = (id: string): number => (claims.get(id) ?? []).length;
  const twice = uploads.filter(({ id }) => completions(id) > 1);
  const restarted = uploads.filter(({ id }) => starts(id) > 1);
  const dead = deadKeys(run);
  const failures = [
    ...(stuck ? [`nothing changed for ${STUCK_SECONDS} seconds`] : []),
    ...uploads.filter((u) => !u.broken && state(u) !== 'ready').map((u) => `${u.name} is ${state(u)}, not ready`),
    ...broken.filter((u) => state(u) !== 'failed').map((u) => `${u.name} is ${state(u)}, it should have failed`),
    ...broken.filter(({ id }) => !dead.has(id)).map(({ name }) => `${name} is not in the dead-letter queue`),
    ...twice.map(({ id, name }) => `${name} was encoded ${completions(id)} times`),
    // Without a killed instance there is no reason to begin anything again.
    ...(run.chaos ? [] : restarted.map(({ id, name }) => `${name} was begun ${starts(id)} times`)),
  ];
  const reason = videos.get(broken[0]?.id ?? '')?.reason ?? 'no reason';
  const summary = [
    `${ready.length} of ${uploads.length - broken.length} clips ready after ${run.now().real.toFixed(0)} seconds`,
    `${broken.filter(({ id }) => dead.has(id)).length} of ${broken.length} broken in the dead-letter queue: ${reason}`,
    `${twice.length} encoded twice${restarted.length > 0 ? `, ${restarted.length} taken over from a lost instance` : ''}`,
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
