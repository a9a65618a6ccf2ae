import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const SOURCES = globSync('{bin,lib,local,messaging,sim,worker}/**/*.ts', { cwd: ROOT });

/** Files that the comments of a source name, as paths from the root. */
const filesNamedIn = (source: string): string[] =>
  [...source.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\.ts)`/g)].map(([, file = '']) => file);

test('the files that comments name exist', () => {
  const named = SOURCES.flatMap((file) => filesNamedIn(readFileSync(join(ROOT, file), 'utf8')));
  expect(named).toContain('lib/private/scaling/latency-goal.ts');
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});
