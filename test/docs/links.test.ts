import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anchorsOf, docPages, linksOf, targetOf } from '../support/doc-pages';

const ROOT = join(__dirname, '../..');
const PAGES = docPages(ROOT);
const LINKS = PAGES.flatMap(linksOf);

describe('links of the documentation', () => {
  test('lead to a file and a heading that exist', () => {
    expect(LINKS.length).toBeGreaterThan(50);
    const dead = LINKS.filter((link) => {
      const { file, anchor } = targetOf(link);
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(join(ROOT, file), 'utf8')).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  test('docs/README.md lists every page', () => {
    const listed = LINKS.filter(({ page }) => page === 'docs/README.md').map((link) => targetOf(link).file);
    const pages = PAGES.map(({ file }) => file).filter((file) => file.startsWith('docs/') && file !== 'docs/README.md');
    expect(pages.filter((file) => !listed.includes(file))).toEqual([]);
    expect(listed.filter((file, index) => listed.indexOf(file) !== index)).toEqual([]);
  });

  test('would be found when they are dead', () => {
    const page = { file: 'docs/recipes/x.md', text: 'See [a](../none.md), [b](#here), `[c](d)`.\n\n# Here\n' };
    expect(linksOf(page).map(targetOf)).toEqual([
      { file: 'docs/none.md', anchor: undefined },
      { file: 'docs/recipes/x.md', anchor: 'here' },
    ]);
    expect(anchorsOf(page.text)).toEqual(['here']);
  });
});
