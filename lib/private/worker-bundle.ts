import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'fs';
import { createRequire } from 'module';
import { dirname, join, resolve } from 'path';
import { ConfigurationError } from './errors';

/** Files that every worker asset has. */
export const RUNTIME_FILES = ['main.js', 'worker.js', 'handler.js'] as const;

/** What goes into a worker asset. */
export interface BundleRequest {
  /** Absolute path of a module that exports the handler; bundled together with the runtime. */
  readonly handlerEntry?: string;
  /** Absolute path of a directory whose content is copied. */
  readonly directory?: string;
  /** More files: path in the asset, absolute path here. */
  readonly extraFiles: Readonly<Record<string, string>>;
}

/** The part of esbuild that is used; it is loaded only when a bundle is made. */
interface Esbuild {
  buildSync(options: object): { metafile?: { outputs: Record<string, { exports: string[] }> } };
}

/**
 * Writes a worker asset:
 *
 * - `main.js` starts the runtime, `handler.js` is the handler's module;
 * - both are doors into `worker.js`, one bundle of runtime and handler, so that they share one copy of the error classes
 *   and of the AWS SDK. The handler's code runs when `handler.js` is loaded, not before.
 *
 * The same input gives the same bytes wherever the project lies.
 */
export function writeWorkerAsset(request: BundleRequest, outputDirectory: string): void {
  const write = (name: string, text: string): void => {
    const file = join(outputDirectory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  if (request.directory) cpSync(request.directory, outputDirectory, { recursive: true, dereference: true });
  write('main.js', `'use strict';\nprocess.chdir(__dirname);\nrequire('./worker.js').main();\n`);
  const prepared = preparedRuntime();
  const worker = join(outputDirectory, 'worker.js');
  if (prepared) cpSync(prepared, worker);
  else bundleRuntime(request.handlerEntry, worker);
  if (request.handlerEntry && !prepared) {
    write('handler.js', `'use strict';\nmodule.exports = require('./worker.js').loadHandler();\n`);
  } else {
    // A handler of its own file that imports the error classes must get those of the runtime.
    write('node_modules/cdk-queue-fleet/package.json', '{"exports":{"./messaging":"./messaging.js"}}\n');
    write('node_modules/cdk-queue-fleet/messaging.js', `module.exports = require('../../worker.js').messaging;\n`);
    if (request.handlerEntry) bundleHandler(request.handlerEntry, join(outputDirectory, 'handler.js'));
  }
  for (const [name, source] of Object.entries(request.extraFiles)) {
    mkdirSync(dirname(join(outputDirectory, name)), { recursive: true });
    cpSync(source, join(outputDirectory, name), { dereference: true });
  }
}

/** Names of a directory that the runtime needs for itself. */
export function takenNames(directory: string): string[] {
  const present = new Set(readdirSync(directory));
  return RUNTIME_FILES.filter((name) => present.has(name));
}

/**
 * Names that an ES or TypeScript module exports; empty when that cannot be told (CommonJS).
 *
 * @throws ConfigurationError WorkerBundleFailed when the module cannot be parsed
 */
export function exportedNames(entry: string): string[] {
  const options = { bundle: false, format: 'esm', metafile: true, outfile: 'entry.js', write: false };
  const result = build(entry, { ...options, entryPoints: [entry] });
  return Object.values(result.metafile?.outputs ?? {}).flatMap((output) => output.exports);
}

/** Runtime and handler in one file, from the sources of a checkout. */
function bundleRuntime(handlerEntry: string | undefined, outfile: string): void {
  const runtime = runtimeEntry();
  const lines = [`export { main, messaging } from ${JSON.stringify(runtime)};`];
  if (handlerEntry) lines.push(`export const loadHandler = () => require(${JSON.stringify(handlerEntry)});`);
  const resolveDir = dirname(handlerEntry ?? runtime);
  build(runtime, {
    ...BUNDLE,
    stdin: { contents: lines.join('\n'), resolveDir, sourcefile: 'worker-asset.js', loader: 'js' },
    outfile,
    // Bundlers get other files of this package than Node; the handler's error classes must be those of the runtime.
    alias: { 'cdk-queue-fleet/messaging': resolve(dirname(runtime), '..', 'messaging', 'index') },
    absWorkingDir: resolveDir,
  });
}

/**
 * The handler alone, beside the prepared runtime: a user's project needs esbuild and the handler's own dependencies for it,
 * in whatever language its app is written.
 */
function bundleHandler(handlerEntry: string, outfile: string): void {
  build(handlerEntry, {
    ...BUNDLE,
    entryPoints: [handlerEntry],
    outfile,
    external: ['cdk-queue-fleet/messaging'],
    absWorkingDir: dirname(handlerEntry),
  });
}

const BUNDLE = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  mainFields: ['module', 'main'],
  // Minified names hold no paths of this machine; kept names keep stack traces and error classes readable.
  minify: true,
  keepNames: true,
  legalComments: 'inline',
  charset: 'utf8',
} as const;

function build(entry: string, options: object): ReturnType<Esbuild['buildSync']> {
  const esbuild = loadEsbuild(entry);
  try {
    return esbuild.buildSync({ logLevel: 'silent', ...options });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(
      'WorkerBundleFailed',
      `WorkerBundleFailed: esbuild cannot bundle the worker: ${reason}`,
    );
  }
}

/**
 * From the project that has the handler, else from where this package is.
 *
 * @throws ConfigurationError EsbuildMissing
 */
export function loadEsbuild(
  entry: string,
  requireFrom: (from: string) => (id: string) => unknown = createRequire,
): Esbuild {
  for (const from of [entry, __filename]) {
    try {
      return requireFrom(from)('esbuild') as Esbuild;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new ConfigurationError(
    'EsbuildMissing',
    'EsbuildMissing: the worker is bundled at synth and esbuild is not installed: run npm install --save-dev esbuild',
  );
}

/** The runtime without a handler, bundled when the package was built, so that its users need no esbuild for it. */
function preparedRuntime(): string | undefined {
  const file = resolve(__dirname, '..', '..', 'assets', 'worker', 'worker.js');
  return existsSync(file) ? file : undefined;
}

/** `worker/main` beside `lib/`: TypeScript in a checkout, JavaScript in the published package. */
function runtimeEntry(): string {
  const base = resolve(__dirname, '..', '..', 'worker', 'main');
  return existsSync(`${base}.ts`) ? `${base}.ts` : `${base}.js`;
}
