import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NO_FAULTS } from '../../local/edge/faults';
import { EventLog } from '../../local/event-log';
import type { FaultSettings, QueueState } from '../../local/panel-api';
import { ScaledFleet } from '../../local/scaled-fleet';
import type { ScalingDecision, ScalingObservation } from '../../local/scaling-driver';
import { ManualClock } from '../support/manual-clock';

const TICK_MS = 200;
const QUEUE: QueueState = {
  name: 'work',
  url: '',
  visible: 3,
  inFlight: 2,
  delayed: 1,
  oldestAgeSeconds: 4,
  sent: 6,
  deleted: 0,
};

describe('ScaledFleet', () => {
  let directory: string;
  let fleet: ScaledFleet | undefined;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'scaled-fleet-'));
    writeFileSync(path.join(directory, 'main.js'), 'setInterval(() => {}, 1000);');
  });
  afterEach(async () => {
    await fleet?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function setUp() {
    const clock = new ManualClock();
    const log = new EventLog(() => clock.wallClock());
    const next: ScalingDecision[] = [];
    const seen: ScalingObservation[] = [];
    const faults: { settings: FaultSettings } = { settings: NO_FAULTS };
    const held = new Set<string>();
    fleet = await ScaledFleet.start({
      resource: {
        logicalId: 'Group',
        name: 'group',
        min: 1,
        max: 4,
        hooks: [],
        directory,
        command: ['node', 'main.js'],
        environment: {},
        role: undefined,
      },
      scaling: {
        initialCapacity: 1,
        notes: ['a note'],
        step: (_, observation) => {
          seen.push(observation);
          return next.splice(0);
        },
        alarms: () => [],
        bootSeconds: () => 12,
      },
      secondsPerMinute: 5,
      virtualSeconds: () => clock.now() / 1000,
      clock,
      log,
      region: 'us-east-1',
      environmentOf: () => ({ PATH: process.env['PATH'] ?? '' }),
      queueStates: () => [QUEUE],
      logicalIds: new Map([['work', 'Queue']]),
      ledger: {
        heldBy: (id) => (held.has(id) ? 1 : 0),
        doneBy: () => 0,
        counts: () => ({ sent: 6, received: 2, deleted: 0 }),
      },
      faults,
      random: () => 0,
      broken: () => {},
    });
    const group = fleet;
    /** Real processes start when they do. */
    const running = async (count: number): Promise<void> => {
      while (group.instances.filter(({ pid }) => pid !== undefined).length < count)
        await new Promise((resolve) => setTimeout(resolve, 10));
    };
    return { clock, log, next, seen, faults, held, fleet: group, running };
  }

  test('tells the scaling what is in the queues, and follows its decisions', async () => {
    const { clock, log, next, seen, fleet } = await setUp();
    await clock.advance(TICK_MS);
    expect(seen).toEqual([
      {
        queues: [
          {
            logicalId: 'Queue',
            visible: 3,
            notVisible: 2,
            delayed: 1,
            oldestAgeSeconds: 4,
            sent: 6,
            received: 2,
            deleted: 0,
          },
        ],
        desired: 1,
        inService: 1,
        pending: 0,
        terminating: 0,
      },
    ]);
    next.push({ kind: 'scaling', text: 'out', desired: 3 });
    await clock.advance(TICK_MS);
    expect(fleet.group).toMatchObject({ name: 'group', min: 1, max: 4, desired: 3 });
    next.push({ kind: 'scaling', text: 'in', desired: 1 });
    await clock.advance(TICK_MS);
    expect(fleet.capacity).toEqual({ initial: 1, highest: 3, last: 1 });
    expect(log.since(0).map(({ text }) => text)).toEqual(expect.arrayContaining(['a note', 'out', 'in']));
  });

  test('boots on the faster clock: 12 seconds take one', async () => {
    const { clock, log, running } = await setUp();
    await clock.advance(999);
    expect(log.since(0).some(({ text }) => text.includes('started its worker'))).toBe(false);
    await clock.advance(1);
    await running(1);
  });

  test('kills only instances that work, as often as it is told, for as long as it is told', async () => {
    const { clock, faults, held, fleet, running } = await setUp();
    await clock.advance(1_000);
    await running(1);
    faults.settings = { ...NO_FAULTS, killEverySeconds: 20 };
    await clock.advance(40_000);
    expect(fleet.killed).toBe(0);
    held.add(fleet.instances[0]?.id ?? '');
    await clock.advance(TICK_MS);
    expect(fleet.killed).toBe(1);
    await clock.advance(1_000);
    await running(1);
    fleet.instances.forEach(({ id }) => held.add(id));
    await clock.advance(18_000);
    expect(fleet.killed).toBe(1);
    faults.settings = NO_FAULTS;
    await clock.advance(60_000);
    expect(fleet.killed).toBe(1);
  });

  test('looks no more once it is closed', async () => {
    const { clock, seen, fleet } = await setUp();
    await fleet.close();
    await clock.advance(10 * TICK_MS);
    expect(seen).toEqual([]);
  });
});
