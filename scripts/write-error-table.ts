import { readFileSync, writeFileSync } from 'node:fs';
import { errorTable } from './error-table';

// Rewrites the table of codes in docs/errors.md after a code was added: `npx tsx scripts/write-error-table.ts`.
const file = 'docs/errors.md';
const old = readFileSync(file, 'utf8');
writeFileSync(
  file,
  old.replace(/\| code[^]*?\n\n/, () => `${errorTable()}\n\n`),
);
