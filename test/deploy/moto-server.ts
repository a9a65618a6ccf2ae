/** moto's server with the plugin of `moto/`, installed into tmp/moto and started on loopback ports. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(__dirname, '../..');
/** Everything that a run writes. */
export const WORK = join(ROOT, 'tmp/deploy');
export const REGION = 'us-east-1';
/** The account that moto's credentials belong to. */
export const ACCOUNT = '123456789012';

const VENV = join(ROOT, 'tmp/moto');
const MOTO = join(__dirname, 'moto');
const PYTHON = join(VENV, 'bin/python');

/** One server, with an account of its own. */
export interface Server {
  /** Address of the AWS APIs. */
  readonly endpoint: string;
  /** Address that the id of a deployed HTTP API is appended to. */
  readonly apis: string;
  /** What the server logged so far. */
  log(): string;
  stop(): void;
}

/** Installs moto once; false when this machine has no Python or pip reaches no registry. */
export function installServer(): boolean {
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

/** Starts an empty server; its log goes to `tmp/deploy/<name>.log`. */
export async function startServer(name: string): Promise<Server> {
  mkdirSync(WORK, { recursive: true });
  const logFile = join(WORK, `${name}.log`);
  const log = (): string => readFileSync(logFile, 'utf8');
  const child = spawn(PYTHON, ['-W', 'ignore', 'server.py', ACCOUNT, REGION], {
    cwd: MOTO,
    // A file, not a pipe: this process runs the command line synchronously and would not empty a pipe meanwhile.
    stdio: ['pipe', 'pipe', openSync(logFile, 'w')],
    env: {
      ...process.env,
      FUNCTION_NODE: process.execPath,
      FUNCTION_NODE_PATH: join(ROOT, 'node_modules'),
      // Without it, attaching a policy that AWS owns is silently forgotten.
      MOTO_IAM_LOAD_MANAGED_POLICIES: 'true',
    },
  });
  const ports = await new Promise<{ port: number; apiPort: number }>((accept, refuse) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const line = /\{"port".*\}/.exec(text);
      if (line !== null) accept(JSON.parse(line[0]) as { port: number; apiPort: number });
    });
    child.on('exit', () => refuse(new Error(`The test server ended before it was ready:\n${log()}`)));
  });
  return {
    // The CLI accepts no plain address here: `localhost` keeps S3's path-style addressing.
    endpoint: `http://localhost:${ports.port}`,
    apis: `http://127.0.0.1:${ports.apiPort}`,
    log,
    stop: () => {
      child.stdin?.end();
      child.kill();
    },
  };
}

/** Runs a script of `moto/` to its end. @returns its exit status and output. @throws Error with what it said, when it broke. */
export function runScript(
  script: string,
  args: readonly string[],
  input = '',
): { readonly status: number; readonly text: string } {
  const done = spawnSync(PYTHON, [script, ...args], {
    cwd: MOTO,
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if ((done.status !== 0 && done.status !== 1) || done.stderr.includes('Traceback')) {
    throw new Error(`${script} failed:\n${done.stderr}`);
  }
  return { status: done.status, text: done.stdout };
}
