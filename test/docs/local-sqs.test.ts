import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { codeBlocksIn } from '../support/code-blocks';
import { commandLinesOf } from '../support/doc-pages';

/** The recipe of a consumer without a stack, run as it is written: emulator and program, each by its command line. */

jest.setTimeout(60_000);
const ROOT = join(__dirname, '../..');
const file = 'docs/recipes/consumer-without-a-stack.md';
const text = readFileSync(join(ROOT, file), 'utf8');
const [program = ''] = codeBlocksIn(file, text).map(({ code }) => code);
const commands = commandLinesOf({ file, text }).map(({ command }) => command);

let project: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  // In the checkout, whose packages are found from there. This one is its sources.
  mkdirSync(join(ROOT, 'tmp'), { recursive: true });
  project = mkdtempSync(join(ROOT, 'tmp/local-sqs-'));
  const own = join(project, 'node_modules/cdk-queue-fleet');
  mkdirSync(own, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  writeFileSync(join(own, 'package.json'), '{ "exports": { "./messaging": "./messaging.mjs" } }');
  writeFileSync(join(own, 'messaging.mjs'), `export * from '${ROOT}/messaging/index.ts';\n`);
  const node = `exec "${process.execPath}"`;
  const command = (name: string, script: string): void => {
    writeFileSync(join(project, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(project, name), 0o755);
  };
  command('npx', `[ "$1" = fauxqs ] && ${node} "${ROOT}/node_modules/fauxqs/dist/cli.js"`);
  command('node', `${node} --import "${require.resolve('tsx')}" "$@"`);
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(project, { recursive: true });
});

/** Runs a command line of the page. The shell gives way to it, so that it gets the signals. */
function run(command: string): { readonly child: ChildProcess; line(pattern: RegExp): Promise<RegExpExecArray> } {
  expect(commands).toContain(command);
  const PATH = [project, process.env['PATH']].join(delimiter);
  const env = { PATH, HOME: project, FAUXQS_PORT: '0', AWS_EC2_METADATA_DISABLED: 'true' };
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: project, env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const waiting = new Set<(line: string | undefined) => void>();
  const lines: string[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(line);
    for (const take of waiting) take(line);
  });
  child.once('exit', () => waiting.forEach((take) => take(undefined)));
  const line = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const take = (each: string | undefined): void => {
        const found = pattern.exec(each ?? '');
        if (found !== null) resolve(found);
        else if (each === undefined) reject(new Error(`'${command}' ended before ${pattern}:\n${lines.join('\n')}`));
      };
      lines.forEach(take);
      waiting.add(take);
    });
  return { child, line };
}

test('a consumer without a stack handles what its producer sent, and drains at Ctrl-C', async () => {
  const [, port = ''] = await run('npx fauxqs').line(/listening at http:\/\/127\.0\.0\.1:(\d+)/);
  expect(program).toContain('127.0.0.1:4566');
  writeFileSync(join(project, 'orders.mjs'), program.replace(':4566', `:${port}`));
  const { child, line } = run('node orders.mjs');
  await line(/^handled first$/);
  await line(/^handled second$/);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
});
