/**
 * Writes the bill of materials of the packed package, dist/bom.json in CycloneDX: what an install brings along, peers included, and
 * what is inside of the bundles. Run after `npm run build`: `npm run sbom`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runWell } from './checks/check';
import { pack } from './checks/packed';
import { bundledPackages } from './third-party';

interface Bom {
  components: Array<{ name: string; version: string; purl: string; [key: string]: unknown }>;
  [key: string]: unknown;
}

async function main(): Promise<void> {
  const project = mkdtempSync(join(tmpdir(), 'queue-fleet-sbom-'));
  try {
    writeFileSync(join(project, 'package.json'), '{ "name": "sbom", "version": "0.0.0", "private": true }');
    runWell('npm', ['install', '--no-audit', '--no-fund', pack().tarball], project);
    const bom = JSON.parse(runWell('npm', ['sbom', '--sbom-format', 'cyclonedx'], project)) as Bom;
    const installed = bom.components.length;
    const bundled = await bundledPackages();
    for (const { name, version, license } of bundled) {
      const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
      bom.components.push({
        type: 'library',
        'bom-ref': `bundled/${name}@${version}`,
        name,
        version,
        purl,
        licenses: [{ expression: license }],
        properties: [{ name: 'cdk-queue-fleet:bundled', value: 'true' }],
      });
    }
    writeFileSync(join(ROOT, 'dist/bom.json'), `${JSON.stringify(bom, undefined, 2)}\n`);
    console.log(`dist/bom.json: ${installed} packages of an install, ${bundled.length} inside of bundles`);
  } finally {
    rmSync(project, { recursive: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
