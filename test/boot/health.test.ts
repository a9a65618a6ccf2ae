import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bootScript } from '../../lib/private/boot-script';
import { InstanceMetadataServer } from '../../local/instance-metadata';
import { systemClock } from '../../messaging';
import { filesOf } from '../support/boot-files';
import { BOOT_INPUT } from '../support/boot-input';

const FILES = filesOf(bootScript(BOOT_INPUT));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'queue-fleet-health-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A program that writes down how it was called and ends with `code`. */
function standIn(name: string, code: string): void {
  const log = join(directory, 'calls');
  writeFileSync(join(directory, name), `#!/bin/bash\necho "${name} $*" >>${log}\n${code}\n`, { mode: 0o755 });
}
const calls = (name: string): string[] =>
  (existsSync(join(directory, 'calls')) ? readFileSync(join(directory, 'calls'), 'utf8').split('\n') : []).filter(
    (line) => line.startsWith(`${name} `) && !line.includes('is-active'),
  );

/** Writes one of the scripts with its places on an instance replaced by `places`. */
function script(name: string, places: Readonly<Record<string, string>>): string {
  const file = join(directory, `${name}.sh`);
  let text = FILES.get(`/usr/local/libexec/queue-fleet/${name}`) ?? '';
  for (const [place, here] of Object.entries(places)) text = text.replaceAll(place, here);
  writeFileSync(file, text);
  return file;
}

describe('the liveness check of an instance', () => {
  let file: string;
  const check = (live: boolean): void => {
    standIn('curl', `exit ${live ? 0 : 22}`);
    execFileSync('bash', [file], { env: { PATH: `${directory}:${process.env['PATH']}` }, stdio: 'pipe' });
  };
  const checks = (...live: boolean[]): void => live.forEach(check);
  const RESTART = 'systemctl restart --no-block queue-fleet-worker.service';
  const REPORT = 'systemctl start --no-block queue-fleet-unhealthy.service';

  beforeEach(() => {
    standIn('systemctl', 'exit 0');
    file = script('health', { '/run/queue-fleet-health': join(directory, 'count') });
  });

  test('asks /live of the worker, and is content', () => {
    checks(true, true, true);
    expect(calls('curl')).toHaveLength(3);
    expect(calls('curl')[0]).toMatch(/http:\/\/127\.0\.0\.1:9180\/live$/);
    expect(calls('systemctl')).toEqual([]);
  });

  test('restarts the worker after three failures in a row, not after two', () => {
    checks(false, false, true, false, false);
    expect(calls('systemctl')).toEqual([]);
    checks(false);
    expect(calls('systemctl')).toEqual([RESTART]);
  });

  test('reports the instance when two restarts did not help, once', () => {
    checks(...Array<boolean>(9).fill(false));
    expect(calls('systemctl')).toEqual([RESTART, RESTART, REPORT]);
    checks(false, false);
    expect(calls('systemctl')).toHaveLength(3);
  });

  test('a success in between forgives', () => {
    checks(false, false, false, true, ...Array<boolean>(6).fill(false));
    expect(calls('systemctl')).toEqual([RESTART, RESTART, RESTART]);
  });

  test('says nothing about a worker that is not running: systemd knows', () => {
    standIn('systemctl', 'exit 3');
    checks(false, false, false);
    expect(calls('curl')).toEqual([]);
    expect(calls('systemctl')).toEqual([]);
  });

  test('looks every 15 seconds, from a minute after the boot on', () => {
    const timer = FILES.get('/etc/systemd/system/queue-fleet-health.timer')?.split('\n');
    expect(timer).toEqual(expect.arrayContaining(['OnActiveSec=60', 'OnUnitActiveSec=15']));
  });
});

describe('the report of an unhealthy instance', () => {
  test('goes to the group of the instance, by IMDSv2', async () => {
    const metadata = await InstanceMetadataServer.start({
      instanceId: 'i-7',
      autoScalingGroupName: 'fleet',
      clock: systemClock,
    });
    try {
      standIn('aws', 'exit 0');
      const file = script('unhealthy', { 'http://169.254.169.254': metadata.endpoint });
      await promisify(execFile)('bash', [file], { env: { PATH: `${directory}:${process.env['PATH']}` } });
      expect(calls('aws')).toEqual([
        expect.stringMatching(
          /^aws autoscaling set-instance-health --region \S+ --instance-id i-7 --health-status Unhealthy --no-should-respect-grace-period$/,
        ),
      ]);
    } finally {
      await metadata.close();
    }
  });

  test('is repeated until the group has taken it', () => {
    const unit = FILES.get('/etc/systemd/system/queue-fleet-unhealthy.service')?.split('\n');
    expect(unit).toEqual(expect.arrayContaining(['StartLimitIntervalSec=0', 'Restart=on-failure', 'RestartSec=30']));
  });

  test('is made when the unit of the worker has failed for good', () => {
    const unit = FILES.get('/etc/systemd/system/queue-fleet-worker.service')?.split('\n');
    expect(unit).toEqual(
      expect.arrayContaining([
        'OnFailure=queue-fleet-unhealthy.service',
        'StartLimitBurst=10',
        'StartLimitIntervalSec=300',
        'Restart=always',
      ]),
    );
  });
});
