import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { docPages } from '../support/doc-pages';

/** Commands that the documentation names exist, with the options that it gives them. */

const ROOT = join(__dirname, '../..');
const PAGES = docPages(ROOT);

/** Uses of a command: the page and what follows the program's name, up to the end of the line or of the code. */
function usesOf(program: RegExp): Array<{ page: string; use: string }> {
  return PAGES.flatMap(({ file, text }) =>
    [...text.matchAll(program)].map(([, use = '']) => ({ page: file, use: use.trim() })),
  );
}

describe('commands of the documentation', () => {
  test('each npm script exists', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const uses = usesOf(/\bnpm run ([\w:-]+)/g);
    expect(uses.length).toBeGreaterThan(3);
    expect(uses.filter(({ use }) => !(use in scripts))).toEqual([]);
  });

  test('each use of queue-fleet is a command with these options', () => {
    const printed = execFileSync(process.execPath, [require.resolve('tsx/cli'), 'test/support/list-commands.ts'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const known = JSON.parse(printed) as Record<string, string[]>;
    const uses = usesOf(/(?:npx |`|\| |^ *)queue-fleet ([a-z][^`\n|#]*)/gm);
    expect(uses.length).toBeGreaterThan(20);
    const wrong = uses.filter(({ use }) => {
      const words = use.split(/\s+/);
      const name = `${words[0]} ${words[1]}` in known ? `${words[0]} ${words[1]}` : (words[0] ?? '');
      const options = known[name];
      if (options === undefined) return true;
      return words.some((word) => /^--?[a-z]/.test(word) && !options.includes(word.replace(/=.*/, '')));
    });
    expect(wrong).toEqual([]);
  });

  test('each package that is installed has the version of this repository', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const uses = usesOf(/\bnpm install --save-dev ([^`\n]+)/g).flatMap(({ use }) => use.split(' '));
    expect(uses).toContain('esbuild');
    const wrong = uses.filter((use) => {
      const [, name = '', version] = /^(@?[^@]+)(?:@(.+))?$/.exec(use) ?? [];
      const installed = devDependencies[name];
      return installed === undefined || !`${installed}.`.startsWith(version === undefined ? '' : `${version}.`);
    });
    expect(wrong).toEqual([]);
  });

  test('each file that jest, tsx or bash is given exists', () => {
    const uses = usesOf(/\b(?:npx jest|tsx|bash) ((?:(?:test|bench|bin|docs|scripts|video)\/[\w./-]+ ?)+)/g).flatMap(
      ({ page, use }) => use.split(' ').map((path) => ({ page, use: path })),
    );
    expect(uses.length).toBeGreaterThan(20);
    const found = (path: string): boolean => [path, `${path}.test.ts`].some((file) => existsSync(join(ROOT, file)));
    expect(uses.filter(({ use }) => !found(use))).toEqual([]);
  });
});
