/**
 * Makes the parts of the published package that are bundles: the command line with all it needs, the local run's panel,
 * the worker's runtime without a handler, and the notices of what they contain. Run after `build:lib` and `build:runtime`.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { writeWorkerAsset } from '../lib/private/worker-bundle';
import { bundlePanel } from '../local/panel/bundle';
import { bundledPackages, EXTERNAL, thirdPartyNotices } from './third-party';

const ROOT = resolve(__dirname, '..');
const BIN = join(ROOT, 'dist/bin');

async function main(): Promise<void> {
  rmSync(BIN, { recursive: true, force: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: { 'queue-fleet': 'bin/queue-fleet.ts', 'function-host': 'local/api/function-host.ts' },
    outdir: BIN,
    bundle: true,
    platform: 'node',
    target: 'node22',
    // CommonJS keeps `__dirname`, by which the command line finds its own files.
    format: 'cjs',
    minify: true,
    keepNames: true,
    legalComments: 'linked',
    external: EXTERNAL,
    banner: { js: '#!/usr/bin/env node' },
    logLevel: 'warning',
  });
  chmodSync(join(BIN, 'queue-fleet.js'), 0o755);

  mkdirSync(join(BIN, 'panel'), { recursive: true });
  for (const [name, bytes] of Object.entries(await bundlePanel(join(ROOT, 'local/panel')))) {
    writeFileSync(join(BIN, 'panel', name), bytes as Uint8Array);
  }

  // The modules of `build:runtime` that bundlers take: nothing happens when one is loaded, so unused ones may be dropped.
  writeFileSync(join(ROOT, 'dist/messaging/esm/package.json'), '{ "sideEffects": false }\n');

  const worker = join(ROOT, 'dist/assets/worker');
  rmSync(worker, { recursive: true, force: true });
  mkdirSync(worker, { recursive: true });
  writeWorkerAsset({ extraFiles: {} }, worker);

  writeFileSync(join(ROOT, 'dist/THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(await bundledPackages()));
}

void main();
