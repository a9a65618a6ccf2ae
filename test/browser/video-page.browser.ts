/**
 * The page and the panel in a real browser, on a real local run: `tsx test/browser/video-page.browser.ts [folder] [name]`.
 * With a folder, screenshots are left there; with a second argument, only tests whose name holds it run. Without
 * Chromium it says so and ends well.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawSample, planSamples } from '../../video/demo/samples';
import { findFfmpeg } from '../../video/transcode/find-ffmpeg';
import { chromiumPath, launch, seriousFindings } from './browser';
import { galleryTests } from './gallery-tests';
import { startExample } from './local-run';
import { panelTests } from './panel-tests';
import { uploadTests } from './upload-tests';
import { type BrowserTest, card, READY_MS, type World } from './world';

/** More than one POST may carry, so that it goes in parts. */
const LARGE_BYTES = 104_000_000;

const tests: readonly BrowserTest[] = [
  [
    'uploads three files at once and shows them ready',
    async ({ page, clips }) => {
      await page.locator('#file-input').setInputFiles([...clips]);
      for (const name of ['01 ', '02 ', '03 '])
        await card(page, name).locator('.badge.ready').waitFor({ timeout: READY_MS });
    },
  ],
  [
    'plays one to its end',
    async ({ page }) => {
      await card(page, '02 ').getByRole('button', { name: /^Play/ }).click();
      await page.waitForFunction('document.querySelector("#player-video").ended', undefined, { timeout: 30_000 });
      assert.match((await page.locator('#player-note').textContent()) ?? '', /HLS/);
      await page.keyboard.press('Escape');
      await page.locator('#player').waitFor({ state: 'hidden' });
    },
  ],
  [
    'refuses at once what is no video, and what is empty',
    async ({ page }) => {
      await page.locator('#file-input').setInputFiles([
        { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('text') },
        { name: 'empty.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(0) },
      ]);
      await page.getByText('Not a video: choose').waitFor();
      await page.getByText('The file is empty (0 bytes)').waitFor();
      for (const name of ['notes.txt', 'empty.mp4'])
        await page.getByRole('button', { name: `Dismiss: ${name}` }).click();
    },
  ],
  [
    'a broken file shows its reason, lands in the dead-letter queue and can be redriven',
    async ({ page, broken }) => {
      await page.locator('#file-input').setInputFiles(broken);
      await card(page, '07 ').getByText('The file is damaged').waitFor({ timeout: READY_MS });
      const letters = page.locator('.qf-letter');
      await letters.getByText('The file is damaged').waitFor({ timeout: 30_000 });
      await page.getByRole('button', { name: 'Redrive all' }).click();
      await page.getByText('1 message moved back to the queue').waitFor();
      // Still broken: it fails again and comes back.
      await letters.getByText('The file is damaged').waitFor({ timeout: READY_MS });
    },
  ],
  [
    'pauses a large upload, and continues it after a reload with the parts that are missing',
    async ({ page, large, example }) => {
      const session = await page.context().newCDPSession(page);
      const throttle = (bytesPerSecond: number) =>
        session.send('Network.emulateNetworkConditions', {
          offline: false,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: bytesPerSecond,
        });
      await session.send('Network.enable');
      await throttle(16_000_000);
      const sent: string[] = [];
      page.on('request', (request) => {
        const part = /[?&]partNumber=(\d+)/.exec(request.url())?.[1];
        if (request.method() === 'PUT' && part !== undefined) sent.push(part);
      });
      await page.locator('#file-input').setInputFiles(large);
      const row = page.locator('.upload-row', { hasText: 'large.mp4' });
      await page.waitForFunction('document.querySelector(".upload-row progress")?.value > 0.3', undefined, {
        timeout: 60_000,
      });
      await page.getByRole('button', { name: 'Pause: large.mp4' }).click();
      await row.getByText('paused').waitFor();
      const before = new Set(sent);
      assert.ok(before.size >= 2 && before.size < 13, `${before.size} parts before the pause`);
      await page.reload();
      await throttle(-1);
      sent.length = 0;
      await card(page, 'large.mp4').locator('.badge.ready').waitFor({ timeout: READY_MS });
      assert.ok(
        sent.length > 0 && sent.length < 13,
        `${sent.length} parts after the reload:\n${example.output().slice(-500)}`,
      );
    },
  ],
  [
    'has no serious accessibility finding, light and dark, with the player open',
    async ({ page }) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await seriousFindings(page), []);
      }
      await page.emulateMedia({ colorScheme: 'light' });
      await card(page, '01 ').getByRole('button', { name: /^Play/ }).click();
      assert.deepEqual(await seriousFindings(page), []);
      await page.keyboard.press('Escape');
    },
  ],
  [
    'fits 360 pixels',
    async ({ page }) => {
      await page.setViewportSize({ width: 360, height: 780 });
      const width = await page.evaluate('document.documentElement.scrollWidth');
      assert.equal(width, 360);
      await page.setViewportSize({ width: 1440, height: 900 });
    },
  ],
  ...uploadTests,
  ...galleryTests,
  ...panelTests,
  [
    '500 queued uploads leave the page quick',
    async ({ page, problems }) => {
      // Nothing is answered: all but four stay in the queue.
      await page.route('**/uploads', () => {});
      const frames = (await page.evaluate(`(async () => {
        const input = document.querySelector('#file-input');
        const data = new DataTransfer();
        for (let i = 0; i < 500; i++) data.items.add(new File(['x'.repeat(100 + i)], 'clip-' + i + '.mp4', { type: 'video/mp4' }));
        input.files = data.files;
        input.dispatchEvent(new Event('change'));
        await new Promise((resolve) => setTimeout(resolve, 1500));
        const long = [];
        new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
        const work = [];
        for (let i = 0; i < 120; i++) {
          await new Promise(requestAnimationFrame);
          const channel = new MessageChannel();
          const begin = performance.now();
          await new Promise((resolve) => { channel.port1.onmessage = resolve; channel.port2.postMessage(0); });
          work.push(performance.now() - begin);
        }
        work.sort((a, b) => a - b);
        return { rows: document.querySelectorAll('.upload-row').length, median: work[60], p95: work[114], long: long.length };
      })()`)) as { rows: number; median: number; p95: number; long: number };
      assert.ok(frames.rows <= 6, `${frames.rows} rows`);
      console.log(
        `     frame work with 500 uploads: median ${frames.median.toFixed(1)} ms, 95 % ${frames.p95.toFixed(1)} ms, ${frames.long} tasks over 50 ms`,
      );
      assert.deepEqual(problems, []);
    },
  ],
];

async function prepare(folder: string): Promise<Pick<World, 'clips' | 'broken' | 'large'>> {
  const ffmpeg = findFfmpeg();
  const samples = planSamples(7);
  const write = async (index: number): Promise<string> => {
    const sample = samples[index];
    if (sample === undefined) throw new Error('no sample');
    const path = join(folder, sample.name);
    writeFileSync(path, await drawSample(ffmpeg, folder, sample));
    return path;
  };
  const clips = [await write(0), await write(1), await write(2)];
  const content = await drawSample(ffmpeg, folder, { number: 2, name: '', broken: false });
  // A box that players skip makes any MP4 as large as one likes.
  const padding = Buffer.alloc(LARGE_BYTES - content.length);
  padding.writeUInt32BE(padding.length, 0);
  padding.write('free', 4, 'latin1');
  const large = join(folder, 'large.mp4');
  writeFileSync(large, Buffer.concat([content, padding]));
  return { clips, broken: await write(6), large };
}

async function main(shots: string | undefined, only = ''): Promise<void> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) {
    console.log('skipped: no Chromium here; apt-get install chromium, or set CHROMIUM_PATH');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'video-page-'));
  const [example, browser, files] = await Promise.all([startExample(), launch(executablePath), prepare(folder)]);
  try {
    const page = await browser.newPage({
      viewport: { width: 1440, height: 900 },
      colorScheme: 'light',
      reducedMotion: 'reduce',
    });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(example.pageUrl);
    await page.locator('#limits', { hasText: 'up to' }).waitFor();
    const world: World = { example, browser, page, problems, ...files };
    for (const [name, run] of tests.filter(([name]) => name.includes(only))) {
      try {
        await run(world);
        console.log(`ok   ${name}`);
      } catch (error) {
        process.exitCode = 1;
        console.log(`FAIL ${name}\n     ${error instanceof Error ? error.message : String(error)}`);
        if (shots !== undefined)
          await page.screenshot({ path: join(shots, `failed-${tests.findIndex(([n]) => n === name)}.png`) });
      }
    }
  } finally {
    await browser.close();
    await example.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

main(process.argv[2] || undefined, process.argv[3]).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
