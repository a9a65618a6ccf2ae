import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EventLog } from '../../local/event-log';
import { LocalFleet, short } from '../../local/fleet';
import type { FleetResource } from '../../local/resource-types';
import { ManualClock } from '../support/manual-clock';

const BOOT_MS = 1_000;

/** Workers here are small programs: they print a line and stay, or end as `WORKER` says. */
const WORKER = `
console.log(JSON.stringify({ level: 'error', msg: process.env.TROUBLE ?? 'none' }));
if (process.env.CODE) process.exit(Number(process.env.CODE));
setInterval(() => {}, 1000);
`;

/** A worker that says which state its instance's metadata names as the target. */
const ASKING_WORKER = `
const at = process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT + '/latest/';
const say = async () => {
  const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
  const token = await (await fetch(at + 'api/token', { method: 'PUT', headers })).text();
  const asked = await fetch(at + 'meta-data/autoscaling/target-lifecycle-state', {
    headers: { 'x-aws-ec2-metadata-token': token },
  });
  console.log(JSON.stringify({ level: 'error', msg: 'target ' + (await asked.text()) }));
};
void say();
setInterval(() => {}, 1000);
`;

describe('LocalFleet', () => {
  let directory: string;
  let fleet: LocalFleet | undefined;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'fleet-'));
    writeFileSync(path.join(directory, 'main.js'), WORKER);
  });
  afterEach(async () => {
    await fleet?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function setUp(environment: Readonly<Record<string, string>> = {}, hooks: FleetResource['hooks'] = []) {
    const clock = new ManualClock();
    const log = new EventLog(() => clock.wallClock());
    const done: Record<string, number> = {};
    const told: { broken?: string } = {};
    fleet = await LocalFleet.start({
      resource: {
        logicalId: 'Group',
        name: 'group',
        min: 1,
        max: 4,
        hooks,
        directory,
        command: ['node', 'main.js'],
        environment,
        role: undefined,
      },
      clock,
      log,
      region: 'us-east-1',
      bootMs: () => BOOT_MS,
      environmentOf: () => ({ PATH: process.env['PATH'] ?? '' }),
      heldBy: () => 0,
      doneBy: (id) => done[id] ?? 0,
      broken: (reason) => (told.broken = reason),
    });
    const group = fleet;
    const texts = (): readonly string[] => log.since(0).map(({ text }) => text);
    const states = (): readonly string[] => group.instances.map(({ state }) => state);
    return { clock, fleet: group, done, told, texts, states };
  }

  /** Real processes end and speak when they do. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  test('an instance boots, then its worker is a process', async () => {
    const { clock, fleet, states } = await setUp();
    fleet.group.setDesiredCapacity(1);
    expect(states()).toEqual(['Booting']);
    expect(fleet.instances[0]?.pid).toBeUndefined();
    await clock.advance(BOOT_MS);
    await until(() => fleet.instances[0]?.pid !== undefined);
    expect(states()).toEqual(['InService']);
    expect([fleet.inService, fleet.launched, fleet.killed]).toEqual([1, 1, 0]);
  });

  test('a killed instance is replaced and stays listed for a few seconds', async () => {
    const { clock, fleet, states } = await setUp();
    fleet.group.setDesiredCapacity(1);
    await clock.advance(BOOT_MS);
    await until(() => fleet.instances[0]?.pid !== undefined);
    const [first] = fleet.instances;
    expect(fleet.kill(first?.id ?? '')).toBe(true);
    expect(states()).toEqual(['Killed', 'Booting']);
    expect(fleet.kill(first?.id ?? '')).toBe(false);
    expect(fleet.kill('i-nobody')).toBe(false);
    await clock.advance(8_001);
    expect(fleet.instances.map(({ id }) => id)).not.toContain(first?.id);
    expect([fleet.launched, fleet.killed]).toEqual([2, 1]);
  });

  test('an instance that leaves before it has booted starts no worker', async () => {
    const { clock, fleet, texts, states } = await setUp();
    fleet.group.setDesiredCapacity(1);
    fleet.group.setDesiredCapacity(0);
    await clock.advance(10 * BOOT_MS);
    expect(texts().filter((text) => text.includes('started its worker'))).toEqual([]);
    expect(states()).toEqual([]);
  });

  test('an instance that is chosen for scale-in while it boots learns so from its metadata', async () => {
    writeFileSync(path.join(directory, 'main.js'), ASKING_WORKER);
    const { clock, fleet, texts, states } = await setUp({}, [
      { name: 'drain', transition: 'terminating', heartbeatTimeoutSeconds: 600, defaultResult: 'CONTINUE' },
    ]);
    fleet.group.setDesiredCapacity(1);
    fleet.group.setDesiredCapacity(0);
    await clock.advance(BOOT_MS);
    await until(() => texts().some((text) => text.includes('target ')));
    expect(texts().at(-1)).toMatch(/target Terminated$/);
    expect(states()).toEqual(['Terminating:Wait']);
  });

  test('the jobs of ended instances are not forgotten', async () => {
    const { clock, fleet, done } = await setUp();
    fleet.group.setDesiredCapacity(1);
    const [first] = fleet.instances;
    done[first?.id ?? ''] = 3;
    fleet.group.setDesiredCapacity(0);
    await clock.advance(60_000);
    expect(fleet.instances).toEqual([]);
    expect(Object.values(fleet.jobsByInstance)).toEqual([3]);
  });

  test('gives up when four workers in a row do not start, with their last words', async () => {
    const { clock, fleet, told } = await setUp({ CODE: '3', TROUBLE: 'no queue' });
    fleet.group.setDesiredCapacity(1);
    for (let failures = 1; failures <= 4; failures++) {
      await clock.advance(BOOT_MS);
      await until(() => fleet.launched > failures || told.broken !== undefined);
    }
    expect(told.broken).toMatch(/^4 workers in a row did not start: its worker ended with code 3/);
    expect(fleet.launched).toBe(4);
  });

  test('a program that is not there is a failure like any other', async () => {
    rmSync(directory, { recursive: true });
    const { clock, fleet, texts } = await setUp();
    fleet.group.setDesiredCapacity(1);
    await clock.advance(BOOT_MS);
    await until(() => texts().some((text) => text.includes('failed:')));
    expect(fleet.launched).toBe(2);
  });
});

describe('short', () => {
  test('keeps the end of an id', () => expect(short('i-0000000000000002a')).toBe('i-…002a'));
});
