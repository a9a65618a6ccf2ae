import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import * as lib from '../../lib';
import { codeBlocksIn, compileErrors, examplesIn } from '../support/code-blocks';
import { docPages } from '../support/doc-pages';
import { readConfiguration } from '../../worker/configuration';
import { WORKER_ENV } from '../../worker/contract';

const ROOT = join(__dirname, '../..');
const PAGES = docPages(ROOT);

/** Languages of fenced blocks, and who checks them. */
const CHECKED = ['ts', 'js', 'python', 'sh', 'ini', 'json'];
/** A picture, a formula, a message. */
const NO_CODE = ['', 'text'];

/** Fenced blocks of a language, also those inside of lists. */
const fencedAs = (language: string): string[] =>
  PAGES.flatMap(({ text }) =>
    [...text.matchAll(/^( *)```(\w*)\n([^]*?)^ *```$/gm)].flatMap(([, indent = '', fence, code = '']) =>
      fence === language ? [code.replace(new RegExp(`^${indent}`, 'gm'), '')] : [],
    ),
  );

describe('code in the documentation', () => {
  test('is in a language that is checked', () => {
    const fences = PAGES.flatMap(({ file, text }) =>
      [...text.matchAll(/^ *```(\S*)\n[^]*?^ *```$/gm)].map(([, language = '']) => ({ file, language })),
    );
    expect(fences.length).toBeGreaterThan(80);
    expect(fences.filter(({ language }) => ![...CHECKED, ...NO_CODE].includes(language))).toEqual([]);
  });

  test('JavaScript can be parsed', () => {
    const blocks = fencedAs('js');
    expect(blocks.length).toBeGreaterThan(0);
    for (const code of blocks) {
      const { diagnostics } = ts.transpileModule(code, { reportDiagnostics: true, fileName: 'block.js' });
      expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([]);
    }
  });

  test('Python can be parsed', () => {
    const blocks = fencedAs('python');
    expect(blocks.length).toBeGreaterThan(0);
    if (spawnSync('python3', ['--version']).status !== 0) {
      console.warn('SKIPPED: python3 is not installed, the Python in the documentation was not parsed');
      return;
    }
    for (const input of blocks) {
      const { stderr } = spawnSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], {
        input,
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
    }
  });

  test('JSON can be parsed', () => {
    const blocks = fencedAs('json');
    expect(blocks.length).toBeGreaterThan(0);
    for (const code of blocks) expect(() => JSON.parse(code) as unknown).not.toThrow();
  });

  test('an environment file makes a worker’s configuration', () => {
    const [environment = ''] = fencedAs('ini').filter((code) => code.includes('QUEUE_FLEET_'));
    const lines = environment.split('\n').filter((line) => line !== '');
    const variables = lines.map((line) => /^(\w+)="(.*)"$/.exec(line)?.slice(1) ?? [line, '']);
    expect(readConfiguration(Object.fromEntries(variables) as Record<string, string>)).toBeDefined();
  });

  test('names no variable that the worker does not know', () => {
    const known = new Set<string>(Object.values(WORKER_ENV));
    const named = PAGES.flatMap(({ text }) => [...text.matchAll(/\bQUEUE_FLEET_[A-Z_]+\b/g)].map(([name]) => name));
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('TypeScript in the documentation', () => {
  test('no block is overlooked', () => {
    const fenced = PAGES.reduce(
      (sum, { text }) => sum + [...text.matchAll(/^\s*```(ts|tsx|typescript)\b/gm)].length,
      0,
    );
    expect(PAGES.flatMap(({ file, text }) => codeBlocksIn(file, text))).toHaveLength(fenced);
  });

  test('compiles against the sources', () => {
    const blocks = PAGES.flatMap(({ file, text }) => codeBlocksIn(file, text));
    expect(blocks.length).toBeGreaterThan(0);
    expect(compileErrors(ROOT, 'code-blocks', blocks, Object.keys(lib))).toBe('');
  }, 60_000);

  test('compiles in the comments of the constructs too, of which every class has one', () => {
    const files = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('private'),
    );
    const sources = files.map((file) => ({ file, text: readFileSync(join(ROOT, 'lib', file), 'utf8') }));
    const examples = sources.flatMap(({ file, text }) => examplesIn(`lib/${file}`, text));
    const without = sources.filter(
      ({ file, text }) => /^export class/m.test(text) && examplesIn(file, text).length === 0,
    );
    expect(without.map(({ file }) => file)).toEqual([]);
    expect(compileErrors(ROOT, 'examples', examples, [...Object.keys(lib), 'type IWorkQueue'])).toBe('');
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
