import assert from 'node:assert/strict';
import { videoId, type VideoPage, type VideoState, type VideoView } from '../../video/contract';
import { type BrowserTest } from './world';

const COUNT = 150;

/** 150 videos of an API that the test plays itself, newest first. */
function manyVideos(): Map<string, VideoView> {
  const views = Array.from({ length: COUNT }, (_, i): VideoView => {
    const uploadedAtMs = Date.now() - i * 1000;
    const id = videoId(uploadedAtMs, String(i).padStart(12, '0'));
    const facts = { progressPercent: 0, sizeBytes: 1_000, renditions: ['360p'], encodes: 1 };
    return { id, name: `video ${i}.mp4`, state: 'ready', ...facts, uploadedAtMs, updatedAtMs: uploadedAtMs };
  });
  return new Map(views.map((view) => [view.id, view]));
}

function answer(videos: ReadonlyMap<string, VideoView>, query: URLSearchParams): VideoPage {
  const ids = query.get('ids');
  if (ids !== null) return { videos: ids.split(',').flatMap((id) => videos.get(id) ?? []) };
  const after = query.get('after');
  const limit = Number(query.get('limit'));
  const rest = [...videos.values()].filter(({ id }) => after === null || id > after);
  const last = rest[limit - 1];
  return { videos: rest.slice(0, limit), ...(rest.length > limit && last && { next: last.id }) };
}

/** A gallery of more than one page. */
export const galleryTests: readonly BrowserTest[] = [
  [
    'follows older videos too: those on screen, and those that are not finished',
    async ({ browser, example }) => {
      const videos = manyVideos();
      const set = (index: number, state: VideoState): void => {
        const view = [...videos.values()][index];
        if (view !== undefined) videos.set(view.id, { ...view, state });
      };
      set(100, 'processing');
      set(110, 'failed');
      set(149, 'queued');
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
      const asked: string[] = [];
      await page.route(
        (url) => url.pathname === '/videos',
        (route) => {
          const { searchParams } = new URL(route.request().url());
          asked.push(...(searchParams.get('ids')?.split(',') ?? []));
          const headers = { 'access-control-allow-origin': '*' };
          return route.fulfill({ json: answer(videos, searchParams), headers });
        },
      );
      await page.goto(example.pageUrl);
      const older = page.getByRole('button', { name: 'Show older' });
      await older.click();
      await page.locator('.card').nth(119).waitFor();
      await older.click();
      await page
        .locator('.card')
        .nth(COUNT - 1)
        .waitFor();
      assert.equal(await older.isVisible(), false);
      // Not finished, and far from what is seen.
      set(149, 'ready');
      await page.locator('.card').nth(149).locator('.badge.ready').waitFor();
      set(100, 'ready');
      await page.locator('.card').nth(100).locator('.badge.ready').waitFor();
      // Failed for good, unless it is redriven: asked for where it is seen.
      await page.locator('.card').nth(110).scrollIntoViewIfNeeded();
      set(110, 'ready');
      await page.locator('.card').nth(110).locator('.badge.ready').waitFor();
      const finished = [...videos.keys()][70] ?? '';
      assert.ok(!asked.includes(finished), 'a ready video was asked for again');
      await page.close();
    },
  ],
  [
    'finds everything that came between two looks',
    async ({ browser, example }) => {
      const all = [...manyVideos()];
      let videos = new Map(all.slice(-10));
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
      await page.route(
        (url) => url.pathname === '/videos',
        (route) => {
          const { searchParams } = new URL(route.request().url());
          const headers = { 'access-control-allow-origin': '*' };
          return route.fulfill({ json: answer(videos, searchParams), headers });
        },
      );
      await page.goto(example.pageUrl);
      await page.locator('.card').nth(9).waitFor();
      videos = new Map(all);
      await page
        .locator('.card')
        .nth(COUNT - 1)
        .waitFor();
      await page.close();
    },
  ],
];
