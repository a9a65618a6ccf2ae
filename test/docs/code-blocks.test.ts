import { join } from 'node:path';
import * as lib from '../../lib';
import { codeBlocksIn, compileErrors } from '../support/code-blocks';
import { docPages } from '../support/doc-pages';

const ROOT = join(__dirname, '../..');
const PAGES = docPages(ROOT);

describe('TypeScript in the documentation', () => {
  test('compiles against the sources', () => {
    const blocks = PAGES.flatMap(({ file, text }) => codeBlocksIn(file, text));
    expect(blocks.length).toBeGreaterThan(0);
    expect(compileErrors(ROOT, 'code-blocks', blocks, Object.keys(lib))).toBe('');
  }, 60_000);

  test('would be found when it is wrong', () => {
    const markdown = ['text', '```ts', "new WorkQueue(this, 'Jobs', { maxRecieveCount: 3 });", '```', ''].join('\n');
    const blocks = codeBlocksIn('docs/wrong.md', markdown);
    expect(blocks.map((block) => block.place)).toEqual(['docs/wrong.md:3']);
    expect(compileErrors(ROOT, 'code-blocks-wrong', blocks, Object.keys(lib))).toMatch(
      /docs-wrong\.md-3\.mts.*maxRecieveCount/,
    );
  }, 60_000);
});
