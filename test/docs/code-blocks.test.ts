import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as lib from '../../lib';
import { codeBlocksIn, compileErrors } from '../support/code-blocks';

const ROOT = join(__dirname, '../..');
const FILES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

describe('TypeScript in the documentation', () => {
  test('compiles against the sources', () => {
    const blocks = FILES.flatMap((file) => codeBlocksIn(file, readFileSync(join(ROOT, file), 'utf8')));
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
