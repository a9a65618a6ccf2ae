import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Page, Request, Route } from 'playwright-core';
import { type BrowserTest, card, READY_MS } from './world';

/** S3's answer to a link or a policy whose time is over. */
const expired = (message: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>${message}</Message></Error>`;

/** Refuses the first request that fits, as S3 would, and lets everything else through. */
async function refuseFirst(
  page: Page,
  fits: (request: Request) => boolean,
  status: number,
  body: string,
): Promise<() => Promise<void>> {
  let refused = false;
  const handler = async (route: Route): Promise<void> => {
    const request = route.request();
    if (refused || !fits(request)) return route.fallback();
    refused = true;
    const headers = { 'access-control-allow-origin': (await request.headerValue('origin')) ?? '*' };
    return route.fulfill({ status, body, headers, contentType: 'application/xml' });
  };
  await page.route('**/*', handler);
  return () => page.unroute('**/*', handler);
}

/** Requests to the API for a new upload. */
function countOpened(page: Page): { readonly count: () => number; readonly stop: () => void } {
  let count = 0;
  const listener = (request: Request): void => {
    if (request.method() === 'POST' && new URL(request.url()).pathname === '/uploads') count += 1;
  };
  page.on('request', listener);
  return { count: () => count, stop: () => page.off('request', listener) };
}

const isPart = (request: Request): boolean => request.method() === 'PUT' && request.url().includes('partNumber=');

/** Dropping files, and links that are refused. */
export const uploadTests: readonly BrowserTest[] = [
  [
    'takes files that are dropped anywhere on the page, and shows where',
    async ({ page, clips }) => {
      const [clip = ''] = clips;
      const dropped = join(dirname(clip), '31 Dropped.mp4');
      copyFileSync(clip, dropped);
      const session = await page.context().newCDPSession(page);
      // Beside the box: a browser would otherwise leave the page for the file.
      const drag = (type: 'dragEnter' | 'dragOver' | 'drop') =>
        session.send('Input.dispatchDragEvent', {
          type,
          x: 20,
          y: 600,
          data: { items: [], files: [dropped], dragOperationsMask: 1 },
        });
      await drag('dragEnter');
      await drag('dragOver');
      await page.locator('#dropzone.over').waitFor();
      await drag('drop');
      await page.locator('#dropzone:not(.over)').waitFor();
      await card(page, '31 ').locator('.badge.ready').waitFor({ timeout: READY_MS });
    },
  ],
  [
    'asks for a new link when that of a file has expired',
    async ({ page, clips }) => {
      const [, clip = ''] = clips;
      const late = join(dirname(clip), '32 Late.mp4');
      copyFileSync(clip, late);
      const opened = countOpened(page);
      const isForm = (request: Request): boolean =>
        request.method() === 'POST' && (request.headers()['content-type'] ?? '').startsWith('multipart/form-data');
      const stop = await refuseFirst(page, isForm, 403, expired('Invalid according to Policy: Policy expired.'));
      await page.locator('#file-input').setInputFiles(late);
      await card(page, '32 ').locator('.badge.ready').waitFor({ timeout: READY_MS });
      assert.equal(opened.count(), 2);
      opened.stop();
      await stop();
    },
  ],
  [
    'asks for a new link when that of a part has expired, and for a new upload when S3 has dropped the parts',
    async ({ page, large }) => {
      const opened = countOpened(page);
      const parts: number[] = [];
      const listener = (request: Request): void => void (isPart(request) && parts.push(1));
      page.on('request', listener);
      const restart = async (status: number, body: string, name: string, uploads: number): Promise<void> => {
        const path = join(dirname(large), name);
        copyFileSync(large, path);
        const stop = await refuseFirst(page, isPart, status, body);
        await page.locator('#file-input').setInputFiles(path);
        await card(page, name).waitFor({ timeout: READY_MS });
        assert.equal(opened.count(), uploads, name);
        await stop();
      };
      await restart(403, expired('Request has expired'), '33 parts.mp4', 1);
      await restart(404, '<Error><Code>NoSuchUpload</Code></Error>', '34 parts.mp4', 3);
      assert.ok(parts.length >= 28, `${parts.length} parts`);
      page.off('request', listener);
      opened.stop();
    },
  ],
  [
    'shows a link that is refused for good, and Try again asks for another',
    async ({ page, clips }) => {
      const [, , clip = ''] = clips;
      const refused = join(dirname(clip), '35 Refused.mp4');
      copyFileSync(clip, refused);
      const isForm = (request: Request): boolean =>
        request.method() === 'POST' && (request.headers()['content-type'] ?? '').startsWith('multipart/form-data');
      const body = '<Error><Code>SignatureDoesNotMatch</Code></Error>';
      const stop = await refuseFirst(page, isForm, 403, body);
      await page.locator('#file-input').setInputFiles(refused);
      await page.getByText('The upload link was refused or has expired: try again').waitFor();
      await page.getByRole('button', { name: 'Try again: 35 Refused.mp4' }).click();
      await card(page, '35 ').locator('.badge.ready').waitFor({ timeout: READY_MS });
      await stop();
    },
  ],
];
