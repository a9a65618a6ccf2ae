import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A Markdown page of the repository. */
export interface DocPage {
  /** Path from the root, for example `docs/recipes/scale-to-zero.md`. */
  readonly file: string;
  readonly text: string;
}

/** A link of a page. */
export interface DocLink {
  readonly page: string;
  readonly text: string;
  /** As written: `../scaling.md#the-cells`. */
  readonly target: string;
}

/** Pages at the root whose links and commands are checked like those of `docs/`. */
const ROOT_PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md'];

/** All pages that people wrote: those of `docs/` with its folders, and those at the root. */
export function docPages(root: string): DocPage[] {
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && name !== 'API.md')
    .map((name) => `docs/${name}`)
    .sort();
  return [...ROOT_PAGES.filter((file) => existsSync(join(root, file))), ...inDocs].map((file) => ({
    file,
    text: readFileSync(join(root, file), 'utf8'),
  }));
}

/** The text without fenced code. */
export function proseOf(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, '');
}

/** The links of a page that lead into the repository: no addresses of the web. */
export function linksOf({ file, text }: DocPage): DocLink[] {
  const prose = proseOf(text).replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));
  return [...prose.matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)]
    .map((match) => ({ page: file, text: match[1] ?? '', target: match[2] ?? '' }))
    .filter(({ target }) => !/^[a-z]+:/.test(target));
}

/** File, from the root, and anchor that a link leads to. */
export function targetOf({ page, target }: DocLink): { file: string; anchor: string | undefined } {
  const [path = '', anchor] = target.split('#');
  return { file: path === '' ? page : normalize(join(dirname(page), path)), anchor };
}

/** The anchors that GitHub gives to the headings of a page. */
export function anchorsOf(text: string): string[] {
  return [...proseOf(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );
}

/** The rows of all tables of a page, without their heads, as trimmed cells. */
export function tableRowsOf(text: string): string[][] {
  const lines = proseOf(text).split('\n');
  return lines
    .filter((line, index) => line.startsWith('|') && !isRule(line) && !isRule(lines[index + 1] ?? ''))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const isRule = (line: string): boolean => /^\|[\s|:-]+\|$/.test(line);

/** A command line of a page, as a reader would paste it. */
export interface CommandLine {
  readonly page: string;
  /** On one line, without its comment; `a && b` are two. */
  readonly command: string;
}

/** The command lines in the shell blocks of a page. */
export function commandLinesOf({ file, text }: DocPage): CommandLine[] {
  const blocks = [...text.matchAll(/^ *```(?:sh|bash|console)\n([^]*?)^ *```$/gm)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.replace(/\\\n\s*/g, '').split('\n'))
    .flatMap((line) => line.replace(/(^|\s)#\s.*$/, '').split(' && '))
    .map((command) => ({ page: file, command: command.trim() }))
    .filter(({ command }) => command !== '');
}
