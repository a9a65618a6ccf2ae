import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Check, run, runWell } from './check';
import { pack } from './packed';

/** What a program may take along that imports one name: minified bytes without optional packages, and modules of ours. */
interface Budget {
  readonly maxBytes: number;
  /** Modules that it has no use for. */
  readonly unwanted: RegExp;
  /** Modules without which {@link unwanted} would prove nothing. */
  readonly wanted: RegExp;
}

const CONSUMER_MODULES = /\/(consumer|engine|poller|heartbeat|acker|runner)\.js$/;
/** What a program asks for by another name. */
const CHOICES =
  'dynamodb-idempotency-store|s3-idempotency-store|client-side-encryption|lambda-host|health-server|lean-transport';

const BUDGETS: Readonly<Record<string, Budget>> = {
  PermanentError: { maxBytes: 1_000, unwanted: /\/messaging\/esm\/(?!handler\.js$)/, wanted: /handler\.js$/ },
  Producer: {
    maxBytes: 20_000,
    unwanted: new RegExp(`${CONSUMER_MODULES.source}|/(${CHOICES})\\.js$`),
    wanted: /\/producer\.js$/,
  },
  Consumer: { maxBytes: 45_000, unwanted: new RegExp(`/(producer|${CHOICES})\\.js$`), wanted: CONSUMER_MODULES },
};
/** All packages of an install without peers. */
const MAX_MEGABYTES = 45;
/** None of these belongs into a program that handles messages. */
const NEVER = /node_modules\/(aws-cdk-lib|constructs|esbuild)\//;
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
      // As the documentation says.
      writeFileSync(join(project, '.npmrc'), 'omit[]=peer\n');
      runWell('npm', ['install', '--no-audit', '--no-fund', pack().tarball], project);
      return [...weighs(project, note), ...loads(project), ...(await shakes(project, note))];
    } finally {
      rmSync(project, { recursive: true });
    }
  },
};

/** What everyone who installs the package gets: the SDK clients, and no tool of this repository. */
function weighs(project: string, note: (text: string) => void): string[] {
  const folder = join(project, 'node_modules');
  const peers = ['aws-cdk-lib', 'constructs'].filter((name) => existsSync(join(folder, name)));
  if (peers.length > 0) return [`${peers.join(' and ')} came along in spite of .npmrc`];
  const bytes = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  const megabytes = Math.round(bytes / 1_000_000);
  note(`${megabytes} of ${MAX_MEGABYTES} MB installed without peers`);
  return megabytes <= MAX_MEGABYTES ? [] : [`an install takes ${megabytes} MB, at most ${MAX_MEGABYTES}`];
}

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
  const [, version] = node('node_modules/cdk-queue-fleet/dist/bin/queue-fleet.js', '--version');
  const manifest = createRequire(join(project, 'x'))('cdk-queue-fleet/package.json') as { version: string };
  if (version !== manifest.version) problems.push(`queue-fleet --version: ${version}`);
  if (!ran || !usage.startsWith('Usage: queue-fleet')) problems.push(`queue-fleet --help: ${usage}`);
  return problems;
}

/** What a bundler takes when a program imports one name. */
async function shakes(project: string, note: (text: string) => void): Promise<string[]> {
  const sizes: string[] = [];
  const problems: string[] = [];
  for (const [name, { maxBytes, unwanted, wanted }] of Object.entries(BUDGETS)) {
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
    const bytes = output?.bytes ?? 0;
    sizes.push(`${name} ${(bytes / 1000).toFixed(1)} of ${maxBytes / 1000} kB`);
    const taken = Object.entries(output?.inputs ?? {}).flatMap(([file, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [file] : [],
    );
    if (bytes > maxBytes) problems.push(`${name} takes ${bytes} bytes, at most ${maxBytes}`);
    const useless = taken.filter((file) => unwanted.test(file) || NEVER.test(file));
    if (useless.length > 0) problems.push(`${name} takes along ${useless.join(', ')}`);
    if (!taken.some((file) => wanted.test(file)))
      problems.push(`${name}: the names of modules are wrong: ${taken.join()}`);
  }
  note(`minified without optional packages: ${sizes.join(', ')}`);
  return problems;
}
