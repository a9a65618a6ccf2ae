import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, emptyDirectory, ROOT, runWell, tool } from './check';

const FILE = join(ROOT, 'docs/API.md');

/** Whether docs/API.md tells the interface as it is; `npm run docs:api` writes it. */
export const reference: Check = {
  name: 'reference',
  about: 'docs/API.md is what jsii-docgen writes',
  run: () => {
    const now = generate();
    const recorded = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
    if (recorded === now) return [];
    const lines = new Set(recorded.split('\n'));
    const added = now.split('\n').filter((line) => !lines.has(line));
    return ['docs/API.md is not up to date: npm run build && npm run docs:api', ...added.slice(0, 5)];
  },
};

/** Writes docs/API.md anew. */
export function updateReference(): void {
  writeFileSync(FILE, generate());
}

/** Of the interface that jsii recorded in the build. */
function generate(): string {
  const output = join(emptyDirectory('check-package/reference'), 'API.md');
  runWell(tool('jsii-docgen'), ['--language', 'typescript', '--output', output]);
  // jsii-docgen leaves these as they are; all name something of this page.
  return readFileSync(output, 'utf8').replace(/\{@link ([\w.]+)\}/g, '`$1`');
}
