import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Check, run, runWell } from './check';
import { pack } from './packed';

/** Modules of the consumer's side that a program which only sends has no use for. */
const CONSUMER_MODULES = /messaging\/(esm\/)?(consumer|engine|poller|heartbeat|acker|runner)\.js$/;
/** Packages that messaging loads where they are there. */
const OPTIONAL = ['@aws-sdk/*', '@aws-crypto/*', '@opentelemetry/api', 'lru-cache'];

/** `cdk-queue-fleet/messaging` in a project that has nothing to do with CDK. */
export const installed: Check = {
  name: 'installed',
  about: 'messaging and the command line from an install of their own',
  run: async (note) => {
    // Outside of the checkout, so that nothing is found in its node_modules.
    const project = mkdtempSync(join(tmpdir(), 'queue-fleet-installed-'));
    try {
      writeFileSync(join(project, 'package.json'), '{ "name": "installed", "private": true }');
      runWell('npm', ['install', '--no-audit', '--no-fund', '--omit=peer', pack().tarball], project);
      return [...loads(project), ...(await shakes(project, note))];
    } finally {
      rmSync(project, { recursive: true });
    }
  },
};

function loads(project: string): string[] {
  const node = (...args: string[]): readonly [boolean, string] => {
    const { status, stdout, stderr } = run(process.execPath, args, project);
    return [status === 0, `${stdout}${stderr}`.trim()];
  };
  const problems: string[] = [];
  const [required, loaded] = node(
    '-p',
    `require('cdk-queue-fleet/messaging').Producer.name + Object.keys(require.cache).join('\\n')`,
  );
  if (!required || /node_modules.(aws-cdk-lib|constructs)/.test(loaded))
    problems.push(`require of messaging: ${loaded}`);
  const [imported, said] = node(
    '--input-type=module',
    '-e',
    `import { Consumer, Producer } from 'cdk-queue-fleet/messaging';
     import { createRequire } from 'node:module';
     const required = createRequire(import.meta.url)('cdk-queue-fleet/messaging');
     if (required.Producer !== Producer || required.Consumer !== Consumer) throw new Error('two copies');`,
  );
  if (!imported) problems.push(`import of messaging: ${said}`);
  const [ran, usage] = node('node_modules/cdk-queue-fleet/dist/bin/queue-fleet.js', '--help');
  if (!ran || !usage.startsWith('Usage: queue-fleet')) problems.push(`queue-fleet --help: ${usage}`);
  return problems;
}

/** What a bundler takes when a program imports one class. */
async function shakes(project: string, note: (text: string) => void): Promise<string[]> {
  const sizes: string[] = [];
  const problems: string[] = [];
  for (const name of ['Producer', 'Consumer']) {
    const { metafile } = await build({
      stdin: {
        contents: `import { ${name} } from 'cdk-queue-fleet/messaging'; console.log(${name});`,
        resolveDir: project,
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      minify: true,
      write: false,
      metafile: true,
      outfile: 'out.js',
      external: OPTIONAL,
    });
    const [output] = Object.values(metafile.outputs);
    sizes.push(`${name} ${((output?.bytes ?? 0) / 1000).toFixed(1)} kB`);
    const taken = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    const unwanted = taken.map(([file]) => file).filter((file) => CONSUMER_MODULES.test(file));
    if (name === 'Producer' && unwanted.length > 0) problems.push(`a Producer takes along ${unwanted.join(', ')}`);
    if (name === 'Consumer' && unwanted.length === 0) problems.push('the list of modules of the consumer is wrong');
  }
  note(`minified without optional packages: ${sizes.join(', ')}`);
  return problems;
}
