import { Stage } from 'aws-cdk-lib';
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { codeBlocksIn } from '../support/code-blocks';
import { type CommandLine, commandLinesOf, docPages } from '../support/doc-pages';
import { runApp, stackOf } from '../support/run-code-block';

/** The command lines of the documentation: those that need no queue are run as they are written, of the others it is known what runs them. */

jest.setTimeout(120_000);
const ROOT = join(__dirname, '../..');
const LINES = docPages(ROOT).flatMap(commandLinesOf);
const HERE = /^npx queue-fleet (plan|simulate) /;

/** What runs the other commands. */
const ELSEWHERE: ReadonlyArray<readonly [RegExp, string]> = [
  [/^npm (ci|test)$/, '.ci/run'],
  [/^npm run (demo|check|build|sbom|test:consumers)$/, '.ci/run'],
  [/^npm run release( -- --dry-run)?$/, 'test/scripts/release-rules.test.ts'],
  [/^npm run check:package$/, 'scripts/check-package.ts'],
  [/^npm start$/, 'test/browser/local-run.ts'],
  [/^(echo 'omit\[\]=peer' > \.npmrc|npm install cdk-queue-fleet)$/, 'scripts/checks/installed.ts'],
  [/^npm install --save-dev fauxqs@[\d.]+$/, 'test/docs/commands.test.ts'],
  [/^(npx fauxqs|node orders\.mjs)$/, 'test/docs/local-sqs.test.ts'],
  [/^npm install cdk-queue-fleet aws-cdk-lib constructs$/, 'test/consumers/consumers.ts'],
  [/^npm install --save-dev aws-cdk@2 esbuild tsx$/, 'test/deploy/deploy.ts'],
  [/^npx cdk (synth|deploy|destroy)\b/, 'test/deploy/deploy.ts'],
  [/^npx queue-fleet local\b/, 'test/bin/local-command.test.ts'],
  [/^(npx )?queue-fleet dlq (list|peek|redrive|status|cancel)\b/, 'test/bin/commands/dlq.test.ts'],
  [/^((npx )?queue-fleet|seq 1 1000 \| queue-fleet) send /, 'test/bin/commands/send.test.ts'],
];

/** Programs of others, which nothing here runs. */
const OTHERS = /^(aws |unset AWS_|export AWS_|ids=\$\(aws |npm (audit|sbom) )/;

const root = process.cwd();
let project: string;

/** The quick start of the README and the fleet of a recipe, synthesized in a project of their own. */
beforeAll(() => {
  const [app, handler] = codeBlocksIn('README.md', readFileSync(join(ROOT, 'README.md'), 'utf8'));
  const recipe = readFileSync(join(ROOT, 'docs/recipes/cost-of-a-fleet.md'), 'utf8');
  const [fleet] = codeBlocksIn('recipe', recipe);
  project = mkdtempSync(join(tmpdir(), 'queue-fleet-commands-'));
  for (const folder of ['src', 'bin', 'node_modules']) mkdirSync(join(project, folder));
  writeFileSync(join(project, 'src/thumbnail.ts'), handler?.code ?? '');
  writeFileSync(join(project, 'src/handler.ts'), 'export const handler = async () => {};\n');
  // As the package's own command, with the sources.
  const program = `"${process.execPath}" --import "${require.resolve('tsx')}" "${ROOT}/bin/queue-fleet.ts"`;
  writeFileSync(join(project, 'bin/npx'), `#!/bin/sh\n[ "$1" = queue-fleet ] && shift && exec ${program} "$@"\n`);
  chmodSync(join(project, 'bin/npx'), 0o755);
  process.chdir(project);
  cpSync(runApp(app?.code ?? '').synth().directory, 'cdk.out', { recursive: true });
  const synthesized = Stage.of(stackOf(fleet?.code ?? ''))?.synth().stacks[0]?.template as object;
  writeFileSync('cdk.out/MyStack.template.json', JSON.stringify(synthesized));
});
afterAll(() => {
  process.chdir(root);
  rmSync(project, { recursive: true });
});

describe('the command lines of the documentation', () => {
  const run = LINES.filter(({ command }) => HERE.test(command));

  test.each([...new Set(run.map(({ command }) => command))])('%s', (command) => {
    const printed = execFileSync('sh', ['-euc', command], {
      cwd: project,
      encoding: 'utf8',
      env: { ...process.env, PATH: [join(project, 'bin'), process.env['PATH']].join(delimiter) },
    });
    expect(printed.length).toBeGreaterThan(200);
    const [, chart] = /--chart (\S+)/.exec(command) ?? [];
    if (chart !== undefined) expect(existsSync(join(project, chart))).toBe(true);
  });

  test('of those that are not run here it is known what runs them', () => {
    expect(run.length).toBeGreaterThan(6);
    const isKnown = ({ command }: CommandLine): boolean =>
      HERE.test(command) || OTHERS.test(command) || ELSEWHERE.some(([pattern]) => pattern.test(command));
    expect(LINES.filter((line) => !isKnown(line))).toEqual([]);
    for (const [pattern, file] of ELSEWHERE) {
      expect(existsSync(join(ROOT, file))).toBe(true);
      // None is left from a command that no page shows any more.
      expect([pattern, LINES.some(({ command }) => pattern.test(command))]).toEqual([pattern, true]);
    }
  });
});
