/**
 * Makes the packages of all languages, or of some, in dist/packages. Run after `npm run build`:
 *
 *     npm run package                    builds, then makes all
 *     npx tsx scripts/package.ts java    one
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './checks/check';
import { Staging, type Target, TARGETS } from './packages';

/** What must answer `--version` for a package to be compiled. */
const COMPILERS: Readonly<Record<Target, string | undefined>> = {
  js: undefined,
  python: 'python3',
  java: 'mvn',
  // A Go module is its sources.
  go: undefined,
  dotnet: 'dotnet',
};

function main(names: readonly string[]): void {
  const unknown = names.filter((name) => !TARGETS.some((target) => target === name));
  if (unknown.length > 0) throw new Error(`no such language: ${unknown.join(', ')}; there are ${TARGETS.join(', ')}`);
  const outdir = join(ROOT, 'dist/packages');
  rmSync(outdir, { recursive: true, force: true });
  const staging = new Staging();
  try {
    for (const target of TARGETS.filter((name) => names.length === 0 || names.includes(name))) {
      const compiler = COMPILERS[target];
      const codeOnly = compiler !== undefined && spawnSync(compiler, ['--version']).error !== undefined;
      const began = performance.now();
      staging.make(target, outdir, { codeOnly });
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      const what = codeOnly ? `sources only: ${compiler} is not on this machine` : 'made';
      console.log(`${target.padEnd(7)}${what} (${seconds} s)`);
    }
  } finally {
    staging.remove();
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
