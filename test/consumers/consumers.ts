/**
 * Packs the package as users get it and synthesizes the same small app in each language from it.
 *
 * Usage: tsx test/consumers/consumers.ts [typescript] [python] [java] [go]
 * Expects `npm run build`. A language whose tools are not on this machine is skipped with a line that says so. The
 * templates must be equal to the byte once asset hashes are blanked.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const WORK = join(ROOT, 'tmp/consumers');
const PACKED = join(WORK, 'packed');
const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  devDependencies: Record<string, string>;
};
/** One version for all languages: npm is ahead of the other registries by days. */
const CDK_VERSION = '2.275.0';
const CONSTRUCTS_VERSION = packageJson.devDependencies['constructs'] ?? '';

/** Runs a program to its end and throws with its output when it fails. */
function run(cwd: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const done = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (done.error) throw done.error;
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${done.status}:\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

const has = (command: string, ...args: readonly string[]): boolean => spawnSync(command, args).status === 0;

interface Language {
  readonly name: string;
  readonly pacmakTarget: string;
  readonly missing: () => string | undefined;
  /** Synthesizes the app of `folder` with the packed package; CDK_OUTDIR is set in `env`. */
  readonly synthesize: (folder: string, env: NodeJS.ProcessEnv) => void;
}

const LANGUAGES: readonly Language[] = [
  {
    name: 'typescript',
    pacmakTarget: 'js',
    missing: () => undefined,
    synthesize: (folder, env) => {
      const [tarball = ''] = readdirSync(join(PACKED, 'js'));
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
      const peers = [
        `aws-cdk-lib@${CDK_VERSION}`,
        `constructs@${CONSTRUCTS_VERSION}`,
        `tsx@${packageJson.devDependencies['tsx']}`,
      ];
      run(folder, 'npm', ['install', '--no-audit', '--no-fund', join(PACKED, 'js', tarball), ...peers]);
      run(folder, 'npx', ['tsx', 'app.ts'], env);
    },
  },
  {
    name: 'python',
    pacmakTarget: 'python',
    missing: () => (has('python3', '-m', 'venv', '--help') ? undefined : 'python3 with venv'),
    synthesize: (folder, env) => {
      const wheel = readdirSync(join(PACKED, 'python')).find((file) => file.endsWith('.whl')) ?? '';
      run(folder, 'python3', ['-m', 'venv', 'venv']);
      const python = join(folder, 'venv/bin/python');
      run(folder, python, [
        '-m',
        'pip',
        'install',
        '--quiet',
        join(PACKED, 'python', wheel),
        `aws-cdk-lib==${CDK_VERSION}`,
      ]);
      run(folder, python, ['app.py'], env);
    },
  },
  {
    name: 'java',
    pacmakTarget: 'java',
    missing: () => (has('mvn', '--version') ? undefined : 'Maven'),
    synthesize: (folder, env) => {
      const properties = [
        `-Dpacked.repository=${join(PACKED, 'java')}`,
        `-Dpacked.version=${packageJson.version}`,
        `-Dcdk.version=${CDK_VERSION}`,
      ];
      run(folder, 'mvn', ['-q', '-U', ...properties, 'compile', 'exec:java'], env);
    },
  },
  {
    name: 'go',
    pacmakTarget: 'go',
    missing: () => (has('go', 'version') ? undefined : 'Go'),
    synthesize: (folder, env) => {
      const packed = join(PACKED, 'go/cdkqueuefleet');
      const runtime = /jsii-runtime-go v(\S+)/.exec(readFileSync(join(packed, 'go.mod'), 'utf8'))?.[1] ?? '';
      const module = readFileSync(join(folder, 'go.mod.template'), 'utf8')
        .replace('@CDK_MINOR@', CDK_VERSION.slice(2))
        .replace('@JSII_RUNTIME@', runtime)
        .replace('@PACKED@', packed);
      writeFileSync(join(folder, 'go.mod'), module);
      run(folder, 'go', ['mod', 'tidy']);
      run(folder, 'go', ['run', '.'], env);
    },
  },
];

/** The template with what depends on the language's runtime blanked: asset hashes only. */
function comparable(outdir: string): string {
  const template = readFileSync(join(outdir, 'Consumer.template.json'), 'utf8');
  return template.replace(/[0-9a-f]{64}/g, '<hash>');
}

function main(): void {
  const wanted = process.argv.slice(2);
  const languages = LANGUAGES.filter(
    ({ name }) => wanted.length === 0 || name === 'typescript' || wanted.includes(name),
  );
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(PACKED, { recursive: true });
  let reference: string | undefined;
  for (const language of languages) {
    const missing = language.missing();
    if (missing !== undefined) {
      console.log(`SKIPPED ${language.name}: ${missing} is not on this machine`);
      continue;
    }
    const started = performance.now();
    run(ROOT, join(ROOT, 'node_modules/.bin/jsii-pacmak'), ['--targets', language.pacmakTarget, '--outdir', PACKED]);
    const packedSeconds = (performance.now() - started) / 1000;
    const folder = join(WORK, language.name);
    cpSync(join(__dirname, language.name), folder, { recursive: true });
    const outdir = join(folder, 'cdk.out');
    const synthesisStarted = performance.now();
    language.synthesize(folder, {
      CDK_OUTDIR: outdir,
      CDK_VALIDATION: 'false',
      WORKER_DIRECTORY: join(__dirname, 'worker'),
    });
    const template = comparable(outdir);
    reference ??= template;
    if (template !== reference) {
      writeFileSync(join(WORK, 'typescript.json'), reference);
      writeFileSync(join(WORK, `${language.name}.json`), template);
      throw new Error(`${language.name} gives another template than TypeScript: compare tmp/consumers/*.json`);
    }
    const seconds = (performance.now() - synthesisStarted) / 1000;
    console.log(
      `${language.name.padEnd(10)} packed in ${packedSeconds.toFixed(0)} s, installed and synthesized in ${seconds.toFixed(0)} s: ${template.length} characters, same template`,
    );
  }
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
