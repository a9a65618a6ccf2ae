import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runWell } from '../../scripts/checks/check';
import { oldestPeers, type Target } from '../../scripts/packages';

const { version, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  devDependencies: Record<string, string>;
};

/**
 * One version of CDK for all languages: the oldest that the package admits. npm is ahead of the other registries by days, and
 * a Go module asks for just this one.
 */
const CDK = oldestPeers()['aws-cdk-lib'] ?? '';

/** `name@version` as this checkout has it. */
export const pinned = (name: string): string => `${name}@${devDependencies[name]}`;

/** The one file of `folder` whose name ends so. */
export function fileIn(folder: string, ending: string): string {
  const name = readdirSync(folder).find((file) => file.endsWith(ending));
  if (name === undefined) throw new Error(`${folder} has no file that ends with ${ending}`);
  return join(folder, name);
}

/** A language in which the same app is written. */
export interface Language {
  readonly name: string;
  readonly target: Target;
  /** What this machine lacks for it, if anything. */
  missing(): string | undefined;
  /** Installs the package from `packed` into the app in `folder`. */
  install(folder: string, packed: string): void;
  /** Runs the app in `folder`, which writes its template. */
  synthesize(folder: string, env: NodeJS.ProcessEnv): void;
}

const lacks = (what: string, command: string, ...args: readonly string[]): string | undefined =>
  spawnSync(command, args).status === 0 ? undefined : what;

/** The first is what the others are compared with. */
export const LANGUAGES: readonly Language[] = [
  {
    name: 'typescript',
    target: 'js',
    missing: () => undefined,
    install: (folder, packed) => {
      const peers = Object.entries(oldestPeers()).map(([name, oldest]) => `${name}@${oldest}`);
      runWell('npm', ['install', '--no-audit', '--no-fund', fileIn(packed, '.tgz'), ...peers, pinned('tsx')], folder);
    },
    synthesize: (folder, env) => void runWell(join(folder, 'node_modules/.bin/tsx'), ['app.ts'], folder, env),
  },
  {
    name: 'python',
    target: 'python',
    missing: () => lacks('python3 with venv', 'python3', '-m', 'venv', '--help'),
    install: (folder, packed) => {
      runWell('python3', ['-m', 'venv', 'venv'], folder);
      const wheel = fileIn(packed, '.whl');
      runWell('venv/bin/python', ['-m', 'pip', 'install', '--quiet', wheel, `aws-cdk-lib==${CDK}`], folder);
    },
    synthesize: (folder, env) => void runWell('venv/bin/python', ['app.py'], folder, env),
  },
  {
    name: 'java',
    target: 'java',
    missing: () => lacks('Maven', 'mvn', '--version'),
    install: (folder, packed) => {
      const file = join(folder, 'pom.xml');
      const pom = readFileSync(file, 'utf8')
        .replace('@PACKED@', packed)
        .replace('@VERSION@', version)
        .replace('@CDK@', CDK);
      writeFileSync(file, pom);
      // Maven never asks again for a version that it has: without this it would take the jar of an earlier run.
      const group = join(homedir(), '.m2/repository/io/github/cdkqueuefleet');
      rmSync(join(group, 'cdk-queue-fleet', version), { recursive: true, force: true });
      runWell('mvn', ['--batch-mode', '--quiet', '-U', 'compile'], folder);
    },
    synthesize: (folder, env) => void runWell('mvn', ['--batch-mode', '--quiet', 'exec:java'], folder, env),
  },
  {
    name: 'go',
    target: 'go',
    missing: () => lacks('Go', 'go', 'version'),
    install: (folder, packed) => {
      const module = join(packed, 'cdkqueuefleet');
      const runtime = /jsii-runtime-go v(\S+)/.exec(readFileSync(join(module, 'go.mod'), 'utf8'))?.[1] ?? '';
      const template = readFileSync(join(folder, 'go.mod.template'), 'utf8');
      const mod = template.replace('@CDK@', CDK).replace('@JSII_RUNTIME@', runtime).replace('@PACKED@', module);
      writeFileSync(join(folder, 'go.mod'), mod);
      runWell('go', ['build', '-mod=mod', '-o', 'app', '.'], folder);
    },
    synthesize: (folder, env) => void runWell(join(folder, 'app'), [], folder, env),
  },
];
