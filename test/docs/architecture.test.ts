import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableRowsOf } from '../support/doc-pages';

const ROOT = join(__dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const FOLDERS = new Map(
  tableRowsOf(PAGE).map(([folder = '', , mayImport = '']) => [folder.replaceAll('`', '').replace('/', ''), mayImport]),
);

describe('docs/architecture.md', () => {
  test('has a row for each folder of sources, and names the others', () => {
    const notSources = ['node_modules', 'dist', 'tmp', 'docs'];
    const folders = readdirSync(ROOT, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() && !/^\.|cdk\.out/.test(entry.name) && !notSources.includes(entry.name) ? [entry.name] : [],
    );
    expect(folders).toContain('lib');
    expect(folders.filter((folder) => !PAGE.includes(`\`${folder}/\``))).toEqual([]);
    expect([...FOLDERS.keys()].filter((folder) => !folders.includes(folder))).toEqual([]);
  });

  test('says who may import whom as eslint checks it', () => {
    const config = readFileSync(join(ROOT, 'eslint.config.mjs'), 'utf8');
    const [, table = ''] = /const mayImport = \{([^]*?)\n\};/.exec(config) ?? [];
    const linted = [...table.matchAll(/^ {2}(\w+): \[(.*)\],$/gm)].map(
      ([, folder = '', list = '']) => [folder, [...list.matchAll(/'([^']+)'/g)].map(([, name = '']) => name)] as const,
    );
    expect(linted.length).toBeGreaterThan(5);
    for (const [folder, allowed] of linted) {
      const shown = FOLDERS.get(folder) ?? '';
      const names = [...shown.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.replace(/\/$|\.ts$/, ''));
      expect([folder, names.sort()]).toEqual([folder, [...allowed].sort()]);
    }
  });
});
