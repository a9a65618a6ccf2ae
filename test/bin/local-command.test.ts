import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { WORKER_ENV } from '../../worker/contract';

const ROOT = path.join(__dirname, '..', '..');
const FIXTURES = path.join('test', 'local', 'fixtures');
const APP = `tsx ${FIXTURES}/app.ts`;
const run = promisify(execFile);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as one bundle on plain Node.js, as the package has it: a process then starts in a third of a second. */
describe('queue-fleet local', () => {
  let built: string;
  let assembly: string;
  let temporary: string;
  const options = () => ({ cwd: ROOT, env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1' } });
  const queueFleet = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    run(process.execPath, [path.join(built, 'queue-fleet.js'), ...args], {
      ...options(),
      env: { ...options().env, ...env },
    }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
    );
  const local = (...args: string[]): Promise<Ended> => queueFleet(['local', ...args]);

  beforeAll(async () => {
    mkdirSync(path.join(ROOT, 'tmp'), { recursive: true });
    built = mkdtempSync(path.join(ROOT, 'tmp', 'local-command-'));
    assembly = path.join(built, 'assembly');
    await Promise.all([
      build({
        absWorkingDir: ROOT,
        entryPoints: { 'queue-fleet': 'bin/queue-fleet.ts', 'function-host': 'local/api/function-host.ts' },
        outdir: built,
        bundle: true,
        platform: 'node',
        format: 'cjs',
        external: ['esbuild', 'aws-cdk-lib', 'constructs'],
        logLevel: 'error',
      }),
      run(process.execPath, ['--import', 'tsx', `${FIXTURES}/app.ts`], {
        cwd: ROOT,
        env: { ...process.env, CDK_OUTDIR: assembly },
      }),
    ]);
    // A drain waits for the worker's open long poll: shorter here, so that the suite need not.
    const template = path.join(assembly, 'LocalFixture.template.json');
    const wait = new RegExp(`("${WORKER_ENV.waitTimeSeconds}": )"20"`, 'g');
    writeFileSync(template, readFileSync(template, 'utf8').replace(wait, '$1"1"'));
  }, 60_000);
  afterAll(() => rmSync(built, { recursive: true, force: true }));

  beforeEach(() => {
    temporary = mkdtempSync(path.join(tmpdir(), 'local-command-'));
  });
  let children: ChildProcess[] = [];
  afterEach(async () => {
    // A run that a failed expectation left behind stops here, or it would hold up the suite for ever.
    const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
    children = [];
    for (const child of running) child.kill('SIGINT');
    await Promise.all(running.map((child) => once(child, 'exit')));
    rmSync(temporary, { recursive: true, force: true });
  });

  /** Directories that a run made and did not remove; tsx and the CDK keep caches of their own. */
  const leftBehind = () => readdirSync(temporary).filter((name) => name.startsWith('queue-fleet-'));

  test.each([
    [['nowhere.template.json'], 'template nowhere.template.json does not exist: write it with `cdk synth`'],
    [[path.join(FIXTURES, 'no-queue.template.json')], 'has no queue (AWS::SQS::Queue): nothing to run'],
    [['x', '--headless'], '--headless needs --scenario MODULE'],
    [['x', '--scenario', 'nowhere.ts'], 'scenario nowhere.ts does not exist'],
    [['x', '--scenario', 'video/demo/scenario.ts'], 'is TypeScript that Node.js cannot load by itself'],
    [['x', '--port', '70000'], "argument '70000' is invalid"],
    [['x', '--duplicates', '101'], "argument '101' is invalid"],
    [['node -e "throw new Error(\'app is broken\')"'], 'app is broken'],
  ])(
    'fails when called with %j, in one clear line',
    async (args, message) => {
      const { code, stderr } = await local(...args);
      expect(stderr).toContain(message);
      expect(code).not.toBe(0);
      expect(leftBehind()).toEqual([]);
    },
    60_000,
  );

  test('says its version, which is part of the bundle', async () => {
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await queueFleet(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    // That and nothing else of the manifest.
    expect(readFileSync(path.join(built, 'queue-fleet.js'), 'utf8')).not.toContain('test:consumers');
  });

  test('fails when the port is in use, and stops what it had started', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await local(APP, '--port', String(port));
    taken.close();
    expect(stderr).toContain(`port ${port} for the page is in use: stop what listens there, or pass --port`);
    expect(code).toBe(1);
    expect(leftBehind()).toEqual([]);
  }, 120_000);

  test('fails when the example finds no ffmpeg: one line, nothing left', async () => {
    const { code, stderr } = await queueFleet(['local'], { FFMPEG_PATH: '/nonexistent' });
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringContaining("FFMPEG_PATH is '/nonexistent', which cannot be executed: correct it or remove it"),
    ]);
    expect(code).toBe(1);
    expect(leftBehind()).toEqual([]);
  }, 120_000);

  test('runs a stack to a verdict: API, notification, workers, dead letter, out and back', async () => {
    const { code, stdout } = await local(
      ...[assembly, '--headless', '--scenario', `${FIXTURES}/scenario.ts`, '--minute', '0.5'],
    );
    expect(stdout).toContain('the API answered you true');
    expect(stdout).toContain('dead letter: broken on purpose');
    expect(stdout).toMatch(/scale-out from 1 to \d: alarm \S+ is at [\d.]+, step .*: ExactCapacity/);
    expect(stdout).toMatch(/scale-in from \d to 1/);
    expect(stdout).toMatch(/messages handled by each: \d+, \d+/);
    expect(stdout).toContain('good: 19 of 20 ready, 1 in the dead-letter queue, 0 lost, 0 done twice');
    expect(code).toBe(0);
    expect(leftBehind()).toEqual([]);
  }, 180_000);

  test('serves an operator, stops everything when it is interrupted, and finds its queues again with --data', async () => {
    const data = path.join(temporary, 'data');
    const first = await started(assembly, '--port', '0', '--data', data, '--minute', '0.5');
    const output = await first.until(/worker \(process \d+\)/);
    const workerPid = Number(/worker \(process (\d+)\)/.exec(output)?.[1]);
    expect(isAlive(workerPid)).toBe(true);
    const env = Object.fromEntries([...output.matchAll(/export (\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
    const { stdout, stderr } = await queueFleet(['dlq', 'list'], { ...env, AWS_PROFILE: '' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ messages: 0, sources: [expect.stringContaining('LocalFixture-Queue')] });
    const page = /page\s+(\S+)/.exec(output)?.[1] ?? '';
    expect(await (await fetch(`${page}/_local/about`)).json()).toMatchObject({ operatorEnv: env });
    expect(await first.interrupt()).toBe(130);
    expect(isAlive(workerPid)).toBe(false);
    expect(leftBehind()).toEqual([]);

    const second = await started(assembly, '--port', '0', '--data', data, '--minute', '0.5');
    await second.until(/worker \(process \d+\)/);
    expect(await second.interrupt()).toBe(130);
  }, 180_000);

  /** Starts a run in the background. */
  async function started(...args: string[]) {
    const child: ChildProcess = spawn(process.execPath, [path.join(built, 'queue-fleet.js'), 'local', ...args], {
      ...options(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    children.push(child);
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return {
      until: async (pattern: RegExp): Promise<string> => {
        while (!pattern.test(output)) {
          if (child.exitCode !== null) throw new Error(`ended early:\n${output}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return output;
      },
      interrupt: () => {
        child.kill('SIGINT');
        return ended;
      },
    };
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
