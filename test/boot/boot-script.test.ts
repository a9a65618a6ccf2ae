import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bootScript } from '../../lib/private/boot-script';
import type { BootScriptInput } from '../../lib/private/boot/input';
import { workerUnit } from '../../lib/private/boot/worker-unit';
import { environmentFile } from '../../lib/private/environment-file';
import { AutoScalingApiServer } from '../../local/auto-scaling-api';
import { AutoScalingGroupEmulation } from '../../local/auto-scaling-group';
import { InstanceMetadataServer } from '../../local/instance-metadata';
import { systemClock } from '../../messaging';
import { WORKER_ENV } from '../../worker/contract';
import { filesOf } from '../support/boot-files';
import { BOOT_INPUT as INPUT } from '../support/boot-input';
import { startSqsServer, type SqsServer } from '../support/sqs-server';
import { buildWorkerAsset, type WorkerAsset } from '../support/worker-process';

const ON_PREMISE_SCRIPT = join(__dirname, '../../docs/install-on-premise.sh');
const COMPANIONS: readonly [string, BootScriptInput['companion']][] = [
  ['alone', undefined],
  ['with a program', { kind: 'command', command: ['./serve', '--port', '8080', '100% "safe" $PATH'] }],
  ['with a container', { kind: 'container', image: 'registry/app:1', registry: 'registry' }],
];

/** Whether a program is here and runs; tests that need it are skipped otherwise. */
function has(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.each(COMPANIONS)('bootScript %s', (_name, companion) => {
  const script = bootScript({ ...INPUT, companion });
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'queue-fleet-boot-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('has logs that their owner can rotate, every hour', () => {
    const files = filesOf(script);
    expect(script).toMatch(/dnf install .* logrotate /);
    for (const name of companion ? ['worker', 'companion'] : ['worker'])
      expect(script).toContain(`queue-fleet /dev/null /var/log/queue-fleet/${name}.log\n`);
    expect(script.indexOf('install -m 0640 -o queue-fleet -g queue-fleet /dev/null')).toBeLessThan(
      script.indexOf('systemctl enable --now'),
    );
    expect(script).toMatch(/systemctl enable --now .*queue-fleet-logrotate\.timer/);
    expect(files.get('/etc/queue-fleet/logrotate.conf')).toContain('su queue-fleet queue-fleet');
    expect(files.get('/etc/systemd/system/queue-fleet-logrotate.timer')).toContain('OnUnitActiveSec=1h');
  });

  test('tells the cause while the launch hook still holds the instance, in the log that outlives it', () => {
    expect(script).toContain('\ndeadline=390\n');
    // An application that does not start must not end the script before it can say so.
    expect(script).toMatch(/\nsystemctl enable --now .* \|\| say /);
    expect(bootScript({ ...INPUT, readyWithinSeconds: 30 })).toContain('\ndeadline=15\n');
    const [, failure = ''] = /the worker is not ready, ([^]*?)exit 1/.exec(script) ?? [];
    expect(failure).toContain('tail -n 5 /var/log/queue-fleet/worker.log');
    expect(failure.includes('systemctl is-active queue-fleet-companion.service')).toBe(companion !== undefined);
    expect(failure.includes('tail -n 20 /var/log/queue-fleet/companion.log')).toBe(companion !== undefined);
  });

  test('fits into user data', () => {
    expect(Buffer.byteLength(script)).toBeLessThan(14_000);
  });

  (has('shellcheck', '--version') ? test : test.skip)('passes shellcheck, and so do the scripts that it writes', () => {
    const scripts = [script, ...[...filesOf(script).values()].filter((content) => content.startsWith('#!'))];
    expect(scripts.length).toBe(4);
    scripts.forEach((text, index) => {
      const file = join(directory, `${index}.sh`);
      writeFileSync(file, text);
      execFileSync('shellcheck', [file]);
    });
  });

  (has('systemd-analyze', '--version') ? test : test.skip)(
    'writes units that systemd takes, with little exposure',
    () => {
      const units = [...filesOf(script)].filter(([path]) => path.startsWith('/etc/systemd/system/'));
      const paths = units.map(([path, content]) => {
        const file = join(directory, path.replace('/etc/systemd/system/', ''));
        // Programs that are only on an instance are replaced by one that is everywhere.
        writeFileSync(file, content.replaceAll(/=(["+-]*)\/(usr\/s?bin|usr\/local|opt)\/[\w./-]+/g, '=$1/bin/true'));
        return file;
      });
      // Of the package docker, which is not everywhere either.
      writeFileSync(join(directory, 'docker.service'), '[Service]\nExecStart=/bin/true\n');
      execFileSync('systemd-analyze', ['verify', '--man=no', ...paths], { stdio: 'pipe' });
      const worker = join(directory, 'queue-fleet-worker.service');
      execFileSync('systemd-analyze', ['security', '--offline=yes', '--threshold=30', worker], { stdio: 'pipe' });
    },
  );
});

describe('commands of the user', () => {
  const path = '/usr/local/libexec/queue-fleet/boot-commands';
  const script = bootScript({ ...INPUT, bootCommands: ['dnf install -y ffmpeg', `echo "it's $HOSTNAME"`] });

  test('are a script of their own, literally, and end the boot when one fails', () => {
    expect(filesOf(script).get(path)).toBe(
      `#!/bin/bash\nset -euo pipefail\ndnf install -y ffmpeg\necho "it's $HOSTNAME"\n`,
    );
    expect(bootScript(INPUT)).not.toContain(path);
  });

  test('run when everything is in place and nothing has started', () => {
    const lines = script.split('\n');
    const at = lines.indexOf(path);
    expect(at).toBeGreaterThan(lines.indexOf('systemctl daemon-reload'));
    expect(at).toBeLessThan(lines.findIndex((line) => line.startsWith('systemctl enable --now')));
  });
});

describe('the unit of a companion', () => {
  const UNIT = '/etc/systemd/system/queue-fleet-companion.service';
  const [, withProgram, withContainer] = COMPANIONS.map(([, companion]) =>
    filesOf(bootScript({ ...INPUT, companion })),
  );
  const program = withProgram?.get(UNIT)?.split('\n') ?? [];
  const container = withContainer?.get(UNIT)?.split('\n') ?? [];

  test('runs the program from the asset, literally, and as hardened as the worker', () => {
    expect(program).toContain('ExecStart="/opt/queue-fleet/serve" "--port" "8080" "100%% \\"safe\\" $$PATH"');
    expect(program).toEqual(expect.arrayContaining(['User=queue-fleet', ...hardeningOf(workerUnit(INPUT))]));
    expect(program.some((line) => line.includes('docker'))).toBe(false);
  });

  test('reports the instance when it has failed for good, as the worker does', () => {
    for (const files of [withProgram, withContainer])
      expect(files?.get(UNIT)?.split('\n')).toContain('OnFailure=queue-fleet-unhealthy.service');
  });

  test('starts Docker first, and gives the container no more than it needs', () => {
    expect(container).toEqual(
      expect.arrayContaining(['Requires=docker.service', 'After=docker.service', 'TimeoutStartSec=450']),
    );
    expect(container.find((line) => line.startsWith('ExecStart='))).toBe(
      'ExecStart=/usr/bin/docker run --rm --name queue-fleet --network host --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --env A registry/app:1',
    );
  });

  test.each([
    ['program', program],
    ['container', container],
  ])('fetches the secrets before each start, for a %s too, and starts before the worker', (_name, unit) => {
    const fetches = unit.indexOf('ExecStartPre=+/usr/local/libexec/queue-fleet/secrets');
    expect(fetches).toBeGreaterThan(unit.indexOf('EnvironmentFile=-/run/queue-fleet/secrets.env'));
    expect(fetches).toBeLessThan(unit.findIndex((line) => line.startsWith('ExecStart=')));
    expect(unit).toEqual(
      expect.arrayContaining(['Before=queue-fleet-worker.service', 'PartOf=queue-fleet-worker.service']),
    );
  });

  test('has its log in a stream of its own', () => {
    const streams = (files?: ReadonlyMap<string, string>): string[] =>
      [...(files?.get('/etc/queue-fleet/cloudwatch-agent.json') ?? '').matchAll(/\{instance_id\}\/(\w+)/g)].map(
        ([, name = '']) => name,
      );
    expect(streams(withProgram)).toEqual(['worker', 'boot', 'companion']);
    expect(streams(filesOf(bootScript(INPUT)))).toEqual(['worker', 'boot']);
  });
});

/** Lines of a unit that take rights away. */
function hardeningOf(unit: string): string[] {
  const from = unit.indexOf('NoNewPrivileges=');
  return unit.slice(from, unit.indexOf('[Install]')).trim().split('\n');
}

test('a handler can neither gain rights nor write outside of its directories', () => {
  const hardening = hardeningOf(workerUnit(INPUT));
  for (const line of ['NoNewPrivileges=yes', 'CapabilityBoundingSet=', 'ProtectSystem=strict', 'ProtectHome=yes']) {
    expect(hardening).toContain(line);
  }
});

describe('the script for machines on premise', () => {
  const script = readFileSync(ON_PREMISE_SCRIPT, 'utf8');

  (has('shellcheck', '--version') ? test : test.skip)('passes shellcheck', () => {
    execFileSync('shellcheck', [ON_PREMISE_SCRIPT]);
  });

  test('has the unit of an instance, but for what only an instance has or can know', () => {
    const [, own = ''] = /<<EOF\n([^]*?)EOF\n/.exec(script) ?? [];
    const lines = (unit: string): string[] => unit.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const ours = lines(workerUnit({ ...INPUT, secrets: [] }));
    expect(ours.filter((line) => !lines(own).includes(line))).toEqual([
      'Documentation=https://github.com/cdk-queue-fleet/cdk-queue-fleet',
      // Reports the instance to its group.
      'OnFailure=queue-fleet-unhealthy.service',
      'ExecStart=/usr/bin/node-24 --enable-source-maps main.js',
      'TimeoutStopSec=330',
      'MemoryMax=90%',
    ]);
    expect(lines(own).filter((line) => !ours.includes(line))).toEqual([
      'ExecStart=$node --enable-source-maps main.js',
      // Nobody takes the machine away.
      'TimeoutStopSec=infinity',
    ]);
    // In the same order, the sections too.
    expect(lines(own).filter((line) => ours.includes(line))).toEqual(ours.filter((line) => lines(own).includes(line)));
  });
});

const canIsolate =
  process.getuid?.() === 0 &&
  has('unshare', '--mount', 'true') &&
  has('setpriv', '--version') &&
  has('curl', '--version');

/** Runs as root in a throw-away root file system; elsewhere than on Linux as root these are skipped. */
(canIsolate ? describe : describe.skip)('a boot, run for real', () => {
  jest.setTimeout(60_000);
  let sqs: SqsServer;
  let metadata: InstanceMetadataServer;
  let api: AutoScalingApiServer;
  let group: AutoScalingGroupEmulation;
  const stopped: string[] = [];

  beforeAll(async () => {
    sqs = await startSqsServer();
  });
  afterAll(() => sqs.close());
  beforeEach(async () => {
    stopped.length = 0;
    let launched = 0;
    group = new AutoScalingGroupEmulation({
      name: 'fleet',
      hooks: [{ name: 'Up', transition: 'launching', heartbeatTimeoutMs: 15_000, defaultResult: 'ABANDON' }],
      clock: systemClock,
      newId: () => `i-${++launched}`,
      machines: { start: () => {}, retarget: () => {}, stop: (id, reason) => void stopped.push(`${id} ${reason}`) },
    });
    metadata = await InstanceMetadataServer.start({
      instanceId: 'i-1',
      autoScalingGroupName: 'fleet',
      clock: systemClock,
    });
    metadata.targetLifecycleState = 'InService';
    api = await AutoScalingApiServer.start([group]);
    group.setDesiredCapacity(1);
  });
  afterEach(async () => {
    group.close();
    await Promise.all([metadata.close(), api.close()]);
  });

  /** Environment of a worker whose AWS is the emulations of this test. */
  async function environmentWith(more: Record<string, string>): Promise<{ text: string; healthPort: number }> {
    const { QueueUrl = '' } = await sqs.client.send(new CreateQueueCommand({ QueueName: 'boot' }));
    const healthPort = await freePort();
    const text = environmentFile({
      ...sqs.environment,
      AWS_ENDPOINT_URL_AUTO_SCALING: api.endpoint,
      GREETING: 'a "quoted" $HOME \\ `x`',
      [WORKER_ENV.queueUrl]: QueueUrl,
      [WORKER_ENV.waitTimeSeconds]: '1',
      [WORKER_ENV.handler]: 'module:./handler.js',
      [WORKER_ENV.healthPort]: String(healthPort),
      ...more,
    });
    return { text, healthPort };
  }

  /** Runs a script in a root of its own; returns what it and the worker said. */
  async function runInRoot(
    script: string,
    asset: WorkerAsset,
    healthPort: number,
    environment?: string,
  ): Promise<string[]> {
    const directory = mkdtempSync(join(tmpdir(), 'queue-fleet-root-'));
    const run = [join(__dirname, 'run-in-root.sh'), join(directory, 'boot.sh'), asset.directory, process.execPath];
    writeFileSync(join(directory, 'boot.sh'), script);
    if (environment) writeFileSync(join(directory, 'worker.env'), environment);
    const files = environment ? [join(directory, 'worker.env')] : [];
    const isolated = ['--mount', '--propagation', 'private', 'bash', ...run, String(healthPort), ...files];
    const { stdout } = await promisify(execFile)('unshare', isolated);
    rmSync(directory, { recursive: true });
    asset.remove();
    return stdout.split('\n');
  }

  async function boot(asset: WorkerAsset, ...bootCommands: string[]): Promise<string[]> {
    const { text, healthPort } = await environmentWith({
      [WORKER_ENV.metadataEndpoint]: metadata.endpoint,
      [WORKER_ENV.autoScalingGroupName]: 'imds',
      [WORKER_ENV.launchHookName]: 'Up',
    });
    const secrets = INPUT.secrets.filter(({ kind }) => kind === 'parameter');
    const script = bootScript({
      ...INPUT,
      secrets,
      environmentFile: text,
      healthPort,
      readyWithinSeconds: 20,
      bootCommands,
    });
    return runInRoot(script, asset, healthPort);
  }

  test('on premise: installs, updates after a drain, and asks nothing of EC2', async () => {
    const { text, healthPort } = await environmentWith({});
    const script = readFileSync(ON_PREMISE_SCRIPT, 'utf8');
    const lines = await runInRoot(script, buildWorkerAsset('export const handler = async () => {};'), healthPort, text);
    expect(lines).toEqual(expect.arrayContaining(['boot script: exit 0', 'ready: 200', 'user: queue-fleet']));
    expect(lines.filter((line) => line === 'install-on-premise: the worker is ready')).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('log:') && line.includes('"drained"'))).toHaveLength(2);
    expect([...metadata.requests, ...api.calls]).toEqual([]);
  });

  test('ends when the worker is ready, which has completed the launch hook after its first poll', async () => {
    const lines = await boot(
      buildWorkerAsset(`
        console.log('greeting ' + process.env.GREETING);
        console.log('parameter ' + process.env.PARAMETER);
        console.log('temporary files in ' + require('node:os').tmpdir());
        export const handler = async () => {};`),
      'echo "before the worker: $(systemctl is-active queue-fleet-worker.service || echo not running)"',
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        'before the worker: not running',
        'queue-fleet boot: the worker is ready',
        'boot script: exit 0',
        'ready: 200',
        'user: queue-fleet',
        'mode: 640 root:queue-fleet /etc/queue-fleet/worker.env',
        'mode: 750 root:queue-fleet /etc/queue-fleet',
        'mode: 750 queue-fleet:queue-fleet /var/log/queue-fleet',
        'mode: 640 root:queue-fleet /run/queue-fleet/secrets.env',
        'stand-in: systemctl enable --now queue-fleet-worker.service queue-fleet-health.timer queue-fleet-logrotate.timer',
        'log: greeting a "quoted" $HOME \\ `x`',
        'log: parameter pa"ss $HOME `id` \\n',
        'log: temporary files in /var/tmp',
      ]),
    );
    expect(lines.some((line) => line.startsWith('log:') && line.includes('complete-launch'))).toBe(true);
    expect(stopped).toEqual([]);
    expect(group.instances).toMatchObject([{ instanceId: 'i-1', state: 'InService' }]);
  });

  test('fails, and the launch hook replaces the instance, when the worker does not become ready', async () => {
    const lines = await boot(buildWorkerAsset(`throw new Error('no model file'); export const handler = () => {};`));
    expect(lines).toEqual(expect.arrayContaining(['boot script: exit 1', 'ready: 503']));
    expect(lines).toContain(
      'queue-fleet boot: the worker is not ready, or waits in a warm pool: see /var/log/queue-fleet/worker.log',
    );
    await new Promise<void>((resolve) => {
      const look = (): void => void (stopped.length > 0 ? resolve() : systemClock.setTimer(100, look));
      look();
    });
    expect(stopped).toEqual(['i-1 ABANDON']);
  });
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
