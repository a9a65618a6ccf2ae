import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { docPages, linksOf, tableRowsOf, targetOf } from '../support/doc-pages';
import { testTitlesOf } from '../support/test-titles';

/**
 * A page proves a claim by a link to a test file whose text is the title of the test. The titles are compared, so a test
 * that is renamed or removed takes its claim with it.
 */

const ROOT = join(__dirname, '../..');
const PROOFS = docPages(ROOT)
  .flatMap(linksOf)
  .map((link) => ({ ...link, file: targetOf(link).file }))
  .filter(({ file }) => file.startsWith('test/') && file.endsWith('.test.ts'));

/** Pages of claims: each row of their tables names a proof. */
const CLAIMS = ['docs/guarantees.md', 'docs/threat-model.md'];

describe('claims of the documentation', () => {
  test('name tests that exist', () => {
    expect(PROOFS.length).toBeGreaterThan(20);
    const titles = new Map<string, string[]>();
    const titlesOf = (file: string): string[] => {
      const path = join(ROOT, file);
      const found = titles.get(file) ?? (existsSync(path) ? testTitlesOf(readFileSync(path, 'utf8')) : []);
      titles.set(file, found);
      return found;
    };
    const missing = PROOFS.filter(({ file, text }) => !titlesOf(file).includes(text));
    expect(missing).toEqual([]);
  });

  test.each(CLAIMS)('%s has a proof in every row', (file) => {
    const rows = tableRowsOf(readFileSync(join(ROOT, file), 'utf8'));
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.filter((cells) => !/\]\(\.\.\/test\/\S+\.test\.ts\)/.test(cells.at(-1) ?? ''))).toEqual([]);
  });

  test('would be found when they name nothing', () => {
    const source =
      "test('one', () => {});\ntest.each([1])(\n  'two %s',\n  (a) => {},\n);\n// test('three', () => {});\n";
    expect(testTitlesOf(source)).toEqual(['one', 'two %s']);
  });
});
