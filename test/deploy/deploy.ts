/**
 * Deploys an app with the real CDK command line against moto's server: bootstrap, deploy, deploy again without a
 * change, read everything back, update, destroy, and look for leftovers. With `--mutations` it then breaks one property
 * of the template at a time, deploys that, and expects the reading back to notice.
 *
 * Usage: tsx test/deploy/deploy.ts [--app COMMAND] [--update CONTEXT] [--mutations]
 * Needs python3; the server is installed into tmp/moto by pip. Where that is not possible the stage is skipped, loudly.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTATIONS, mutate, type Mutation, type Resource } from './mutations';

const ROOT = resolve(__dirname, '../..');
const WORK = join(ROOT, 'tmp/deploy');
const VENV = join(ROOT, 'tmp/moto');
const MOTO = join(__dirname, 'moto');
const PYTHON = join(VENV, 'bin/python');
const SERVER_LOG = join(WORK, 'server.log');
const REGION = 'us-east-1';
const ACCOUNT = '123456789012';
/** So that a change of the example cannot quietly empty the proof. */
const REQUIRED_MUTATIONS = 10;

interface Server {
  readonly endpoint: string;
  stop(): void;
}

/** Installs moto once; false when this machine has no Python or pip reaches no registry. */
function installServer(): boolean {
  const requirements = join(MOTO, 'requirements.txt');
  const stamp = join(VENV, 'requirements.installed');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return true;
  const created = spawnSync('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  if (created.status !== 0) return false;
  const installed = spawnSync(PYTHON, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], {
    stdio: 'inherit',
  });
  if (installed.status !== 0) return false;
  writeFileSync(stamp, wanted);
  return true;
}

async function startServer(): Promise<Server> {
  const child = spawn(PYTHON, ['-W', 'ignore', 'server.py'], {
    cwd: MOTO,
    // A file, not a pipe: this process runs the command line synchronously and would not empty a pipe meanwhile.
    stdio: ['pipe', 'pipe', openSync(SERVER_LOG, 'w')],
    env: {
      ...process.env,
      CUSTOM_RESOURCE_NODE: process.execPath,
      CUSTOM_RESOURCE_NODE_PATH: join(ROOT, 'node_modules'),
      // Without it, attaching a policy that AWS owns is silently forgotten.
      MOTO_IAM_LOAD_MANAGED_POLICIES: 'true',
    },
  });
  const port = await new Promise<number>((accept, refuse) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const line = /\{"port": (\d+)\}/.exec(text);
      if (line?.[1]) accept(Number(line[1]));
    });
    child.on('exit', () =>
      refuse(new Error(`The test server ended before it was ready:\n${readFileSync(SERVER_LOG, 'utf8')}`)),
    );
  });
  // The CLI accepts no plain address here: `localhost` keeps S3's path-style addressing.
  return {
    endpoint: `http://localhost:${port}`,
    stop: () => {
      child.stdin?.end();
      child.kill();
    },
  };
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly DeletionPolicy?: string }>>;
}

function readTemplate(file: string): Template {
  return JSON.parse(readFileSync(file, 'utf8')) as Template;
}

/** Runs a program to its end; returns its output, throws with it when it fails. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd = ROOT): string {
  const done = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const output = `${done.stdout}${done.stderr}`;
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${done.status}:\n${output}`);
  return output;
}

class Deployment {
  readonly #env: NodeJS.ProcessEnv;
  readonly #assembly = join(WORK, 'assembly');

  constructor(
    private readonly server: Server,
    private readonly app: string,
    private readonly context: readonly string[] = [],
  ) {
    this.#env = {
      ...process.env,
      AWS_ENDPOINT_URL: server.endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_VALIDATION: 'false',
      CDK_DISABLE_CLI_TELEMETRY: '1',
    };
  }

  /** Writes the cloud assembly, which then is deployed as it is. */
  synthesize(context: readonly string[] = this.context): string {
    rmSync(this.#assembly, { recursive: true, force: true });
    this.#cdk('synth', '--quiet', '--app', this.app, '--output', this.#assembly, ...context);
    const template = readdirSync(this.#assembly).find((file) => file.endsWith('.template.json'));
    if (!template) throw new Error(`${this.app} synthesized no stack`);
    return join(this.#assembly, template);
  }

  /** Breaks the synthesized assembly in one place, under a new asset key so that the CLI uploads it. @returns who was hit */
  breakTemplate(templateFile: string, mutation: Mutation): string | undefined {
    const text = readFileSync(templateFile, 'utf8');
    const template = JSON.parse(text) as { Resources: Record<string, Resource> };
    const logicalId = mutate(template.Resources, mutation);
    if (logicalId === undefined) return undefined;
    writeFileSync(templateFile, JSON.stringify(template));
    const name = basename(templateFile);
    const manifests = readdirSync(this.#assembly).filter((file) => /(^manifest|\.assets)\.json$/.test(file));
    for (const file of manifests) {
      const path = join(this.#assembly, file);
      const manifest = readFileSync(path, 'utf8');
      const assets = (JSON.parse(manifest) as { files?: Record<string, { source: { path: string } }> }).files ?? {};
      const old = Object.entries(assets).find(([, asset]) => asset.source.path === name)?.[0];
      if (old === undefined) continue;
      const fresh = createHash('sha256').update(JSON.stringify(template)).digest('hex');
      for (const other of manifests) {
        const otherPath = join(this.#assembly, other);
        writeFileSync(otherPath, readFileSync(otherPath, 'utf8').replaceAll(old, fresh));
      }
    }
    return logicalId;
  }

  bootstrap(): void {
    this.#cdk('bootstrap', `aws://${ACCOUNT}/${REGION}`, '--app', this.#assembly);
  }

  deploy(): string {
    const output = this.#cdk('deploy', '--all', '--require-approval', 'never', '--app', this.#assembly);
    // The command line takes a change set that failed with status 500 for complete.
    const failure = /Traceback[\s\S]*?\n(\w[\w.]*(?:Error|Expired|Exception)\b.*)/.exec(
      readFileSync(SERVER_LOG, 'utf8'),
    );
    if (failure) throw new Error(`the test server failed during the deployment: ${failure[1]} (tmp/deploy/server.log)`);
    return output;
  }

  destroy(): void {
    this.#cdk('destroy', '--all', '--force', '--app', this.#assembly);
  }

  /** Every difference between the template and what the APIs say, and the closing count. */
  readBack(templateFile: string): { readonly same: boolean; readonly lines: readonly string[] } {
    const stackName = /([^/]+)\.template\.json$/.exec(templateFile)?.[1] ?? '';
    const done = spawnSync(PYTHON, ['read_back.py', this.server.endpoint, REGION, stackName, templateFile], {
      cwd: MOTO,
      encoding: 'utf8',
    });
    if (done.status !== 0 && done.status !== 1) throw new Error(`read back failed:\n${done.stderr}`);
    if (done.stderr.includes('Traceback')) throw new Error(`read back failed:\n${done.stderr}`);
    return { same: done.status === 0, lines: done.stdout.trim().split('\n') };
  }

  /** What is left on the server although the template does not say that it is to be retained. */
  leftovers(templateFile: string): readonly string[] {
    const retained = Object.entries(readTemplate(templateFile).Resources)
      .filter(([, resource]) => resource.DeletionPolicy?.startsWith('Retain'))
      .map(([logicalId]) => `-${logicalId}-`.toLowerCase());
    return run(PYTHON, ['leftovers.py', this.server.endpoint, REGION], this.#env, MOTO)
      .split('\n')
      .filter((line) => line !== '' && !retained.some((name) => line.toLowerCase().includes(name)));
  }

  #cdk(...args: readonly string[]): string {
    return run(process.execPath, [join(ROOT, 'node_modules/aws-cdk/bin/cdk'), ...args, '--no-notices'], this.#env);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      app: { type: 'string', default: 'tsx bin/video-upload.ts' },
      update: { type: 'string' },
      mutations: { type: 'boolean', default: false },
    },
  });
  mkdirSync(WORK, { recursive: true });
  if (!installServer()) {
    console.log(
      'SKIPPED: the deployment test needs python3 and a pip that reaches a package registry; nothing was deployed',
    );
    return;
  }
  const started = performance.now();
  const step = (text: string): void =>
    console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  const server = await startServer();
  try {
    const deployment = new Deployment(server, values.app);
    const template = deployment.synthesize();
    const resources = Object.keys(readTemplate(template).Resources).length;
    step(`synthesized ${resources} resources`);
    deployment.bootstrap();
    step('bootstrapped');
    deployment.deploy();
    step('deployed');
    const first = deployment.readBack(template);
    for (const line of first.lines) step(line);
    if (!first.same) throw new Error('what was deployed differs from the template');
    if (!/no changes/.test(deployment.deploy())) throw new Error('the second deployment found something to change');
    step('deployed again: no changes');
    if (values.update !== undefined) {
      const updated = deployment.synthesize(['--context', values.update]);
      deployment.deploy();
      const second = deployment.readBack(updated);
      for (const line of second.lines) step(line);
      if (!second.same) throw new Error('after the update, what is deployed differs from the template');
      step(`updated with ${values.update}`);
    }
    deployment.destroy();
    const left = deployment.leftovers(template);
    if (left.length > 0) throw new Error(`left behind after destroy:\n${left.join('\n')}`);
    step('destroyed: nothing left');
    if (values.mutations) proveThatItNotices(deployment, step);
  } finally {
    server.stop();
  }
}

/** Deploys each broken template and compares it with the whole one. */
function proveThatItNotices(deployment: Deployment, step: (text: string) => void): void {
  let noticed = 0;
  for (const mutation of MUTATIONS) {
    const template = deployment.synthesize();
    const whole = join(WORK, basename(template));
    writeFileSync(whole, readFileSync(template));
    const logicalId = deployment.breakTemplate(template, mutation);
    if (logicalId === undefined) {
      step(`not applicable: ${mutation.name}`);
      continue;
    }
    deployment.deploy();
    const { lines } = deployment.readBack(whole);
    if (!lines.some((line) => line.startsWith(logicalId)))
      throw new Error(`nobody noticed: ${mutation.name} (${logicalId})`);
    noticed += 1;
    step(`noticed: ${mutation.name} (${logicalId})`);
    deployment.destroy();
  }
  if (noticed < REQUIRED_MUTATIONS)
    throw new Error(`only ${noticed} mutations fit this template, ${REQUIRED_MUTATIONS} are needed`);
}

void main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
