import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VideoView } from '../contract';
import { findFfmpeg } from '../transcode/find-ffmpeg';
import { deadKeys, type DemoRun, type DemoReport, readClaims, report, type Uploaded } from './report';
import { drawSample, planMoreSamples, planSamples, type Sample } from './samples';
import { UploadClient } from './upload-client';

const CLIPS = 12;
const CHAOS_CLIPS = 100;
/** Clips that come once the fleet is out: work for the instances that were added. */
const MORE_CLIPS = 8;
/** Share of the clips that still wait when the last instance may be killed. */
const KILL_UNTIL = 0.5;
/** Clips drawn and uploaded at the same time. */
const AT_ONCE = 2;
/** People who upload in the ordered variant. A multiple of {@link AT_ONCE}: each has one lane, and so an order. */
const UPLOADERS = ['ada', 'ben', 'cleo', 'dan'] as const;
const LOOK_MS = 500;
/** Without any change for this long the run is stuck, seconds. */
const STUCK_SECONDS = 120;
/** How long an idle run waits for its fleet to go out before the second wave comes all the same, seconds. */
const OUT_SECONDS = 40;

/**
 * Draws sample clips, one of them broken, uploads each through the API and a presigned POST, uploads some more when the
 * fleet has grown, and waits until every one is ready or failed. `npm run demo` ends with its verdict.
 */
export default async function scenario(run: DemoRun): Promise<DemoReport> {
  if (run.apiUrl === undefined) throw new Error('The template has no HTTP API to upload through');
  const ffmpeg = findFfmpeg();
  const client = new UploadClient(run.apiUrl, run.signal);
  const folder = await mkdtemp(join(tmpdir(), 'queue-fleet-samples-'));
  try {
    const studio = new Studio(ffmpeg, folder);
    const first = await uploadAll(run, client, studio, planSamples(run.chaos ? CHAOS_CLIPS : CLIPS));
    const broken = first.filter((upload) => upload.broken).length;
    run.log(`${first.length} sample clips uploaded, ${broken} of them broken on purpose`);
    const more = run.chaos ? [] : planMoreSamples(CLIPS, MORE_CLIPS);
    const watch = new Watch(run, client);
    if (more.length > 0) await watch.until(() => fleetIsOut(run, watch.idleSeconds(first)));
    const second = await uploadAll(run, client, studio, more);
    if (second.length > 0) run.log(`${second.length} more clips uploaded, for ${run.instances().length} instances`);
    const uploads = [...first, ...second];
    if (run.chaos) {
      // What an instance held when it was lost comes back when its visibility ends: the last loss decides the run's end.
      await watch.until(() => watch.waiting(uploads).length <= uploads.length * KILL_UNTIL);
      run.log('Half of the clips are done: no more instances are killed, so that the run can end');
      run.setFaults({ killEverySeconds: 0 });
    }
    const stuck = !(await watch.until(() => watch.waiting(uploads).length === 0));
    if (!stuck) await run.onIdle();
    return report(run, uploads, watch.videos, await readClaims(run, uploads), stuck ? STUCK_SECONDS : undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Draws each picture once. */
class Studio {
  readonly #drawn = new Map<number, Promise<Uint8Array>>();

  constructor(
    private readonly ffmpeg: string,
    private readonly folder: string,
  ) {}

  draw(sample: Sample): Promise<Uint8Array> {
    const picture = (sample.number - 1) % CLIPS;
    const content = this.#drawn.get(picture) ?? drawSample(this.ffmpeg, this.folder, sample);
    this.#drawn.set(picture, content);
    return content;
  }
}

/** Uploads each clip as soon as it is drawn, so that work begins while others are still drawn. */
async function uploadAll(
  run: DemoRun,
  client: UploadClient,
  studio: Studio,
  samples: readonly Sample[],
): Promise<readonly Uploaded[]> {
  const ordered = run.config['confirmUploads'] === true;
  const uploads: Uploaded[] = [];
  const lane = async (number: number): Promise<void> => {
    for (const sample of samples.filter((_, i) => i % AT_ONCE === number)) {
      run.signal.throwIfAborted();
      const content = await studio.draw(sample);
      // Two lanes and four people: who uploads in a lane does so one after the other.
      const uploader = ordered ? UPLOADERS[samples.indexOf(sample) % UPLOADERS.length] : undefined;
      const id = await client.upload(sample.name, 'video/mp4', content, uploader);
      uploads.push({ ...sample, id, ...(uploader !== undefined && { uploader }) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => lane(number)));
  return uploads.sort((a, b) => a.number - b.number);
}

/** True once every instance that was added works; an idle run that is left alone waits for them only so long. */
function fleetIsOut(run: DemoRun, idleSeconds: number): boolean {
  const instances = run.instances();
  const out = instances.length > 1 && instances.every(({ state }) => state === 'InService');
  return out || idleSeconds > OUT_SECONDS;
}

/** Looks at the API's list again and again. */
class Watch {
  videos: ReadonlyMap<string, VideoView> = new Map();
  #seen = '';
  #changedAt: number;
  #played = false;

  constructor(
    private readonly run: DemoRun,
    private readonly client: UploadClient,
  ) {
    this.#changedAt = run.now().real;
  }

  /** @returns false when nothing changed any more before `condition` held */
  async until(condition: () => boolean): Promise<boolean> {
    const { run } = this;
    for (;;) {
      run.signal.throwIfAborted();
      await this.#look();
      if (condition()) return true;
      if (this.#quietSeconds > STUCK_SECONDS) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** The uploads that are not at their end yet. */
  waiting(uploads: readonly Uploaded[]): readonly Uploaded[] {
    const dead = deadKeys(this.run);
    return uploads.filter(({ id, broken }) => {
      const state = this.videos.get(id)?.state;
      return broken ? state !== 'failed' || !dead.has(id) : state !== 'ready' && state !== 'failed';
    });
  }

  /** How long all of the uploads have been at their end, seconds. */
  idleSeconds(uploads: readonly Uploaded[]): number {
    return this.waiting(uploads).length === 0 ? this.#quietSeconds : 0;
  }

  get #quietSeconds(): number {
    return this.run.now().real - this.#changedAt;
  }

  async #look(): Promise<void> {
    const { run, client } = this;
    this.videos = new Map((await client.videos()).map((video) => [video.id, video]));
    const of = (state: string): number => [...this.videos.values()].filter((video) => video.state === state).length;
    if (!this.#played && of('ready') > 0) {
      this.#played = true;
      run.log('The first video can be played');
    }
    const now = `${of('ready')} ${of('failed')} ${of('processing')} ${deadKeys(run).size}`;
    if (now === this.#seen) return;
    this.#seen = now;
    this.#changedAt = run.now().real;
  }
}
