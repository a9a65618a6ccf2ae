import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
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

/** The files of ours that a file imports, its type imports too, as paths from the root. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(ROOT, file), 'utf8'));
  return importedFiles.flatMap(({ fileName }) => {
    if (!fileName.startsWith('.')) return [];
    const path = join(file, '..', fileName);
    const found = [path, `${path}.ts`, path.replace(/\.js$/, '.ts'), join(path, 'index.ts')];
    return found.filter((each) => each.endsWith('.ts') && existsSync(join(ROOT, each))).slice(0, 1);
  });
}

/** The shortest ways from a file back to itself, one for each file that is on such a way. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const wayFrom = (start: string): string[] | undefined => {
    const ways = [[start]];
    const seen = new Set<string>();
    for (const way of ways) {
      for (const next of imports.get(way.at(-1) ?? '') ?? []) {
        if (next === start) return [...way, start];
        if (!seen.has(next)) ways.push([...way, next]);
        seen.add(next);
      }
    }
    return undefined;
  };
  return [...imports.keys()].flatMap((file) => wayFrom(file)?.join(' -> ') ?? []);
}

describe('imports', () => {
  const files = globSync(`{${[...FOLDERS.keys()].join(',')}}/**/*.ts`, { cwd: ROOT });
  const imports = new Map(files.map((file) => [file, importsOf(file)]));

  test('are read', () => {
    expect(imports.get('bin/queue-fleet.ts')).toContain('bin/commands/simulate.ts');
    expect(imports.get('messaging/run-batch.ts')).toContain('messaging/observer.ts');
    expect(
      circles(
        new Map([
          ['a', ['b']],
          ['b', ['c', 'a']],
          ['c', []],
        ]),
      ),
    ).toEqual(['a -> b -> a', 'b -> a -> b']);
  });

  test('make no circle, type imports included', () => {
    expect(circles(imports)).toEqual([]);
  });
});
