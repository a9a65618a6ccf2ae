import { silentLogger } from '../../../messaging';
import { MEDIA_KEYS, videoId, type VideoStatus } from '../../../video/contract';
import type { EncodeResult } from '../../../video/transcode/encode';
import { readStatus, StatusRecord, SupersededError } from '../../../video/transcode/status-record';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { VirtualTime } from '../../support/virtual-time';
import fc, { runs } from '../../support/properties';

const ID = videoId(1_700_000_000_000, 'a1b2c3d4e5f6');
const RESULT: EncodeResult = {
  info: { durationSeconds: 3, width: 640, height: 360, framesPerSecond: 25, hasAudio: true },
  renditions: ['360p'],
  files: [],
};

/** One worker from its claim to its last word. */
async function live(media: MemoryObjectStore, generation: number, ending: 'ready' | 'failed'): Promise<string> {
  const clock = new VirtualTime();
  const seen: SupersededError[] = [];
  const record = new StatusRecord({
    media,
    clock,
    logger: silentLogger,
    worker: `worker-${generation}`,
    id: ID,
    generation,
    found: await readStatus(media, ID),
    superseded: (error) => seen.push(error),
  });
  try {
    await record.start('clip.mp4', 7);
    for (const percent of [20, 40]) {
      record.progress(percent);
      await clock.advance(2_000);
    }
    await (ending === 'ready' ? record.finish(RESULT) : record.fail('Undecodable', 'no'));
    return ending;
  } catch (error) {
    if (error instanceof SupersededError) return error.ready ? 'already ready' : 'superseded';
    throw error;
  }
}

describe('StatusRecord', () => {
  test('of workers that overlap in any way, none writes over a later claim or over a ready video', async () => {
    const endings = fc.array(fc.constantFrom('ready' as const, 'failed' as const), { minLength: 2, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), endings, async (scheduler, all) => {
        const media = new MemoryObjectStore();
        const documents: VideoStatus[] = [];
        // Each request takes as long as the scheduler likes, before it takes effect.
        media.hold = async (key) => {
          await scheduler.schedule(Promise.resolve(), key);
        };
        media.written = () => documents.push(media.json<VideoStatus>(MEDIA_KEYS.status(ID)) as VideoStatus);
        const lives = all.map((ending, i) =>
          scheduler.schedule(Promise.resolve(), `claim ${i + 1}`).then(() => live(media, i + 1, ending)),
        );
        await scheduler.waitFor(Promise.all(lives));
        const outcomes = await Promise.all(lives);
        documents.slice(1).forEach((document, i) => {
          const before = documents[i] as VideoStatus;
          expect(document.encodes).toBeGreaterThanOrEqual(before.encodes);
          expect(before.state).not.toBe('ready');
        });
        // Whoever was told that it has the last word has it.
        const last = documents.at(-1);
        outcomes.forEach((outcome, i) => {
          if (outcome === 'ready') expect(last).toMatchObject({ state: 'ready', encodes: i + 1 });
        });
        expect(outcomes.filter((outcome) => outcome === 'ready').length).toBeLessThanOrEqual(1);
      }),
      { numRuns: runs(60) },
    );
  });

  test('gives up on a document that never stays as it was read', async () => {
    const media = new MemoryObjectStore();
    media.beforeWrite = (key) => media.put(key, JSON.stringify({ state: 'processing', encodes: 1, worker: 'late' }));
    await expect(live(media, 2, 'ready')).rejects.toThrow('was changed by others under each of 5 writes');
  });
});
