import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './checks/check';

/** A package of others whose code is inside of our bundles. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression of its package.json. */
  readonly license: string;
  /** Its license and notice files, one after the other. */
  readonly text: string;
}

/** What a user's project has anyway, or installs for one feature only; each absence is a clear error where it is needed. */
export const EXTERNAL = ['aws-cdk-lib', 'constructs', 'esbuild', '@ffmpeg-installer/ffmpeg', '@aws-crypto/client-node'];

/** All that is bundled into the package: the command line, the worker's runtime, the panel. */
const BUNDLES = [
  { entryPoints: ['bin/queue-fleet.ts', 'local/api/function-host.ts', 'worker/main.ts'], platform: 'node' },
  { entryPoints: ['local/panel/main.ts'], platform: 'browser' },
] as const;

/** The packages in our bundles, by name. */
export async function bundledPackages(): Promise<BundledPackage[]> {
  const directories = new Set<string>();
  for (const { entryPoints, platform } of BUNDLES) {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: [...entryPoints],
      platform,
      outdir: 'out',
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      external: EXTERNAL,
      logLevel: 'error',
    });
    for (const { inputs } of Object.values(metafile.outputs)) {
      for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
        const [directory] = /^.*node_modules\/(@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? [];
        if (directory !== undefined && bytesInOutput > 0) directories.add(directory);
      }
    }
  }
  return [...directories].map(read).sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version));
}

function read(directory: string): BundledPackage {
  const folder = join(ROOT, directory);
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(licen[cs]e|notice|copying)/i.test(entry.name))
    .map((entry) => entry.name);
  const text = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');
  return { name, version, license: license ?? 'unknown', text };
}

/** The notices that the licenses of bundled packages ask for; packages with the same text stand together. */
export function thirdPartyNotices(packages: readonly BundledPackage[]): string {
  const byText = new Map<string, BundledPackage[]>();
  for (const bundled of packages) {
    const text = bundled.text === '' ? `License: ${bundled.license}` : bundled.text;
    byText.set(text, [...(byText.get(text) ?? []), bundled]);
  }
  const sections = [...byText].map(([text, same]) => {
    const names = same.map(({ name, version, license }) => `${name} ${version} (${license})`);
    return `${names.join('\n')}\n\n${text}\n`;
  });
  const head = 'The bundles of this package (command line, panel, worker runtime) contain code of these packages.\n';
  return [head, ...sections].join(`\n${'-'.repeat(80)}\n\n`);
}
