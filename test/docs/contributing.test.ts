import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableRowsOf } from '../support/doc-pages';

const ROOT = join(__dirname, '../..');
const ROWS = tableRowsOf(readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8'));

/** Paths of the repository in code: with a slash, and no command. */
const pathsIn = (cells: readonly string[]): string[] =>
  cells.flatMap((cell) => [...cell.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map(([, path = '']) => path));

describe('the tables of CONTRIBUTING.md', () => {
  test('name files and folders that exist', () => {
    const paths = ROWS.flatMap((row) => pathsIn(row));
    expect(paths.length).toBeGreaterThan(30);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('ask for at most five files a change', () => {
    const changes = ROWS.filter((row) => row.length === 4);
    expect(changes.length).toBeGreaterThan(10);
    expect(changes.filter(([, edit = '', test = '']) => pathsIn([edit, test]).length > 5)).toEqual([]);
  });

  test('name the folder of each part', () => {
    const named = ROWS.flatMap((row) => pathsIn(row));
    for (const part of ['lib', 'messaging', 'worker', 'sim', 'local', 'bin', 'video', 'rules', 'docs']) {
      expect(named.some((path) => path.startsWith(`${part}/`))).toBe(true);
    }
  });
});
