/**
 * Publishes the package to npm after all that docs/release.md asks for:
 *
 *     npm run release -- --dry-run   everything but the publication, anywhere
 *     npm run release                in CI, from a clean checkout of the tag of the version
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusals } from './release-rules';
import { ROOT, run } from './checks/check';

/** In this order; each must succeed. */
const STAGES = [
  ['npm', 'run', 'check'],
  ['npm', 'run', 'check:package'],
  ['npm', 'run', 'test:consumers'],
  ['npm', 'run', 'sbom'],
] as const;

function stage(command: string, ...args: readonly string[]): void {
  console.log(`\n=== ${[command, ...args].join(' ')}`);
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${status}`);
}

/** Known vulnerabilities in what an install brings along. */
function audit(dryRun: boolean): void {
  console.log('\n=== npm audit --omit=dev');
  const { status, stdout, stderr } = run('npm', ['audit', '--omit=dev']);
  console.log(stdout.trim());
  if (status === 0) return;
  if (dryRun && /audit endpoint returned an error/.test(stderr)) {
    console.log('SKIPPED npm audit: the registry has no such endpoint');
    return;
  }
  throw new Error(`npm audit: ${stdout}${stderr}`);
}

function main(args: readonly string[]): void {
  const dryRun = args.includes('--dry-run');
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const git = (...words: string[]): string => run('git', words).stdout.trim();
  const refused = refusals({
    version,
    changelog: existsSync(join(ROOT, 'CHANGELOG.md')) ? readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8') : '',
    changedFiles: git('status', '--porcelain'),
    tagsHere: git('tag', '--points-at', 'HEAD').split('\n'),
    hasIdentity:
      process.env['ACTIONS_ID_TOKEN_REQUEST_URL'] !== undefined || process.env['SIGSTORE_ID_TOKEN'] !== undefined,
  });
  for (const reason of refused) console.log(dryRun ? `a release would be refused: ${reason}` : reason);
  if (refused.length > 0 && !dryRun) throw new Error('nothing was published');
  for (const [command, ...words] of STAGES) stage(command, ...words);
  audit(dryRun);
  // npm publishes with provenance from CI only; a dry run shows what would be sent.
  stage('npm', 'publish', '--access', 'public', ...(dryRun ? ['--dry-run'] : ['--provenance']));
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
