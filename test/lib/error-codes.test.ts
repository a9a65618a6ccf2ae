import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES, type ErrorCode } from '../../lib/private/error-codes';
import { errorTable } from '../../scripts/error-table';
import { type Refusal, refusalOf } from '../support/refusals';

const ROOT = join(__dirname, '../..');

/** Codes of each block of the source file, by the folder that its comment names. */
function codesByFolder(): ReadonlyMap<string, ErrorCode[]> {
  const blocks = new Map<string, ErrorCode[]>();
  let folder = '';
  for (const line of readFileSync(join(ROOT, 'lib/private/error-codes.ts'), 'utf8').split('\n')) {
    folder = /^ {2}\/\/ lib\/(\w+)$/.exec(line)?.[1] ?? folder;
    const code = /^ {2}(\w+):/.exec(line)?.[1];
    if (code !== undefined) blocks.set(folder, [...(blocks.get(folder) ?? []), code as ErrorCode]);
  }
  return blocks;
}

const blocks = codesByFolder();

test('every code stands in the block of a folder', () => {
  expect([...blocks.values()].flat().sort()).toEqual(Object.keys(ERROR_CODES).sort());
});

test('docs/errors.md holds the table of codes (npx tsx scripts/write-error-table.ts)', () => {
  expect(readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')).toContain(errorTable());
});

describe.each([...blocks.keys()])('lib/%s', (folder) => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the tables are found by their place
  const { REFUSALS } = require(`./${folder}/refusals`) as { readonly REFUSALS: readonly Refusal[] };
  const thrown = new Set<string>();

  test.each(REFUSALS.map((refusal) => [refusal.when, refusal] as const))('fails when %s', (_, refusal) => {
    const error = refusalOf(refusal);
    thrown.add(error.code);
    expect(`${error.code}\n${error.message}`).toMatch(new RegExp(`^${refusal.code}\n`));
    expect(error.message).toMatch(/^(\w+: .|\d+ settings are not valid:\n)/);
  });

  test('each of its codes was thrown', () => {
    expect([...thrown].sort()).toEqual([...(blocks.get(folder) ?? [])].sort());
  });
});
