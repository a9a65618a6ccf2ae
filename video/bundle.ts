import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BundlingOptions, DockerImage } from 'aws-cdk-lib';
import { build, type BuildOptions, buildSync } from 'esbuild';

const PROJECT = join(__dirname, '..');

/** The presigner packages pin an older S3 client; one copy of it is enough. */
const ONE_S3_CLIENT = { '@aws-sdk/client-s3': dirname(require.resolve('@aws-sdk/client-s3/package.json')) };

const COMMON: BuildOptions = {
  absWorkingDir: PROJECT,
  bundle: true,
  minify: true,
  legalComments: 'none',
  logLevel: 'error',
};

/** One file `index.mjs` for a Lambda function of Node 24, with the SDK inside: that starts faster than the runtime's own. */
export function lambdaBundle(entry: string): BundlingOptions {
  return bundling([entry], (folder) => {
    buildSync({
      ...COMMON,
      entryPoints: [entry],
      outfile: join(folder, 'index.mjs'),
      platform: 'node',
      target: 'node24',
      format: 'esm',
      mainFields: ['module', 'main'],
      alias: ONE_S3_CLIENT,
      // Some CommonJS packages of the SDK call require; an ES module has none.
      banner: { js: "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);" },
    });
  });
}

const PAGE_OPTIONS: BuildOptions = {
  ...COMMON,
  entryPoints: ['video/page/main.ts', 'video/page/style.css'],
  platform: 'browser',
  target: ['es2022'],
  format: 'esm',
  splitting: true,
  // hls.js is a chunk of its own, loaded only where the browser cannot play HLS.
  chunkNames: 'chunk-[hash]',
};

/** The page's files, for its bucket. */
export function pageBundle(): BundlingOptions {
  return bundling(['page'], (folder) => {
    buildSync({ ...PAGE_OPTIONS, outdir: folder });
    copyStatic(folder);
  });
}

/** The same files written to `folder`, without the CDK. */
export async function buildPage(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await build({ ...PAGE_OPTIONS, outdir: folder });
  copyStatic(folder);
}

function copyStatic(folder: string): void {
  for (const file of ['index.html', 'icon.svg']) copyFileSync(join(__dirname, 'page', file), join(folder, file));
}

function bundling(command: string[], into: (folder: string) => void): BundlingOptions {
  return {
    // Staging keeps results by these options: two bundles of one folder must differ in them.
    command,
    // Required by the type and never used: esbuild is a dependency of the project.
    image: DockerImage.fromRegistry('scratch'),
    local: {
      tryBundle: (folder: string): boolean => {
        into(folder);
        return true;
      },
    },
  };
}
