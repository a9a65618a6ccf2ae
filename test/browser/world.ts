import type { Browser, Locator, Page } from 'playwright-core';
import type { RunningExample } from './local-run';

/** How long a clip may take until it is ready on a busy machine. */
export const READY_MS = 90_000;

/** What the tests of the browser share: one run, one page, and files to upload. */
export interface World {
  readonly example: RunningExample;
  readonly browser: Browser;
  readonly page: Page;
  /** Paths of whole clips: their names begin with 01, 02 and 03. */
  readonly clips: readonly string[];
  /** Path of a clip that is cut off; its name begins with 07. */
  readonly broken: string;
  /** Path of one that goes in parts. */
  readonly large: string;
  /** Errors that the page threw. */
  readonly problems: string[];
}

/** One test; they run in order, on the page as the one before left it. */
export type BrowserTest = readonly [name: string, run: (world: World) => Promise<void>];

/** The cards of the gallery whose name begins so. */
export function card(page: Page, beginning: string): Locator {
  return page.locator('.card', { has: page.locator('.name', { hasText: new RegExp(`^${beginning}`) }) });
}
