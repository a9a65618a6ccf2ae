import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stepTemplate } from '../sim/fixtures/templates';

/** The command line loads ESM-only packages, which jest cannot: it runs in a process of its own. */
const ROOT = resolve(__dirname, '../..');
const ARGS = ['--import', 'tsx', 'bin/queue-fleet.ts', 'simulate'];
let dir: string;
const path = (name: string) => join(dir, name);
const go = (...args: readonly string[]) =>
  execFileSync(process.execPath, [...ARGS, ...args], { cwd: ROOT, encoding: 'utf8' });
const refuse = (...args: readonly string[]) =>
  spawnSync(process.execPath, [...ARGS, ...args], { cwd: ROOT, encoding: 'utf8' });

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'simulate-'));
  const metadata = {
    'cdk-queue-fleet:workload': {
      averageProcessingTimeSeconds: 20,
      p99ProcessingTimeSeconds: 60,
      acceptableLatencySeconds: 300,
    },
  };
  writeFileSync(path('t.json'), JSON.stringify(stepTemplate({ metadata })));
  writeFileSync(path('bare.json'), JSON.stringify(stepTemplate()));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('queue-fleet simulate', () => {
  test('prints JSON that the seed determines', () => {
    const args = [
      path('t.json'),
      '--workload',
      'step',
      '--seed',
      '7',
      '--compare',
      'keda, backlogPerInstance',
      '--json',
    ];
    const report = JSON.parse(go(...args)) as Record<string, unknown>;
    expect(report).toMatchObject({
      waitSeconds: { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
      attainment: expect.any(Number),
      drainSeconds: expect.any(Number),
      instanceHours: expect.any(Number),
      clairvoyantInstanceHours: expect.any(Number),
      scalingActions: expect.any(Number),
      killed: expect.any(Number),
      seed: 7,
      compare: { keda: { policy: 'keda' }, backlogPerInstance: { policy: 'backlogPerInstance' } },
    });
    expect(JSON.parse(go(...args))).toEqual(report);
  });

  test('prints null for waits that there are none of', () => {
    const report = JSON.parse(go(path('t.json'), '--workload', 'constant', '--rate', '0', '--json')) as object;
    expect(report).toMatchObject({ jobs: 0, waitSeconds: { mean: null, p50: null, p95: null, p99: null } });
  });

  test('prints a table, runs a trace with another timing, and draws a picture', () => {
    writeFileSync(path('trace.csv'), 'second,service\n10,30\n5\n400,12\n');
    writeFileSync(path('timing.json'), '{"launch":[20,30]}');
    const text = go(
      path('t.json'),
      '--workload',
      path('trace.csv'),
      '--timing',
      path('timing.json'),
      '--chart',
      path('c.svg'),
    );
    expect(text).toContain('3 jobs');
    expect(text).toMatch(/template +100.0 %/);
    expect(readFileSync(path('c.svg'), 'utf8')).toMatch(/^<svg[^]*Alarms[^]*<\/svg>$/);
    go(path('t.json'), '--workload', 'spike', '--duration', '3600', '--chart', path('c.html'), '--compare', 'keda');
    expect(readFileSync(path('c.html'), 'utf8')).toMatch(
      /<!doctype html>[^]*>keda<\/text>[^]*Other policies[^]*<table>/,
    );
  });

  test('takes values of parameters, and says in JSON what it leaves out', () => {
    const { Resources } = stepTemplate({
      queue: { FifoQueue: true },
      group: { MaxSize: { Ref: 'Largest' } },
      resources: { Night: { Type: 'AWS::AutoScaling::ScheduledAction', Properties: {} } },
    });
    const Parameters = { Largest: { Type: 'Number' }, Unused: { Type: 'String' } };
    writeFileSync(path('p.json'), JSON.stringify({ Parameters, Resources }));
    const args = [path('p.json'), '--workload', 'spike', '--processing-time', '60', '--burst', '99', '--json'];
    expect(refuse(...args).stderr).toContain('p.json: Parameters.Largest: has no default');
    expect(refuse(...args, '--parameter', 'Most=3').stderr).toContain("has no parameter 'Most'");
    expect(refuse(...args, '--parameter', 'Largest').stderr).toContain('must be NAME=VALUE');
    const report = JSON.parse(go(...args, '--parameter', 'Largest=4', '--parameter', 'Unused=a=b')) as object;
    expect(report).toMatchObject({
      maxInstances: 4,
      notes: ['left out: Night: scheduled actions are not modelled', expect.stringMatching(/^Jobs is a FIFO queue/)],
    });
    expect(JSON.parse(go(...args, '--parameter', 'Largest=4', '--message-groups', '2'))).toMatchObject({
      notes: [expect.stringContaining('Night')],
    });
  });

  test('takes the message groups that the fleet declares: no more jobs run at once, and none are expected', () => {
    const declared = { averageProcessingTimeSeconds: 60, acceptableLatencySeconds: 300, messageGroups: 2 };
    const template = stepTemplate({
      queue: { FifoQueue: true },
      group: { MinSize: 4, MaxSize: 10 },
      metadata: { 'cdk-queue-fleet:workload': declared },
    });
    writeFileSync(path('fifo.json'), JSON.stringify(template));
    const args = [path('fifo.json'), '--workload', 'spike', '--rate', '0', '--burst', '10', '--json'];
    interface Report {
      readonly jobs: number;
      readonly drainSeconds: number;
      readonly notes: readonly string[];
    }
    // Ten jobs of a minute, two at a time; four at a time with the groups of the command line.
    expect(JSON.parse(go(...args))).toMatchObject({ jobs: 10, drainSeconds: 300, notes: [] });
    const more = JSON.parse(go(...args, '--message-groups', '50')) as Report;
    expect(more.drainSeconds).toBeLessThan(300);
    const rate = JSON.parse(go(path('fifo.json'), '--workload', 'step', '--json')) as Report;
    const limited = JSON.parse(
      go(path('fifo.json'), '--workload', 'step', '--message-groups', '4', '--json'),
    ) as Report;
    // The default rates follow from what can run at once.
    expect(limited.jobs / rate.jobs).toBeGreaterThan(1.5);
  });

  test.each([
    ['a malformed row', ['t.json', '--workload', 'bad.csv'], /bad.csv:2: the arrival second must be a number/],
    ['an unknown workload', ['t.json', '--workload', 'wavy'], /'wavy' is no file, and none of constant, step/],
    [
      'an unknown policy',
      ['t.json', '--workload', 'step', '--compare', 'magic'],
      /'magic' is not a policy: use queueDepth/,
    ],
    ['a template without a queue', ['none.json', '--workload', 'step'], /none.json: template: has no queue/],
    [
      'a template that does not declare its work',
      ['bare.json', '--workload', 'step'],
      /give --processing-time SECONDS/,
    ],
    ['a picture of another kind', ['t.json', '--workload', 'step', '--chart', 'c.png'], /must end with .svg or .html/],
    ['a picture without a folder', ['t.json', '--workload', 'step', '--chart', 'none/c.svg'], /'none' is not a folder/],
    ['a p99 below the average', ['t.json', '--workload', 'step', '--p99', '5'], /--p99 \(5 seconds\) must not be less/],
    ['more than ten years', ['t.json', '--workload', 'step', '--duration', '1e12'], /must be at most 316224000/],
    ['a number that is none', ['t.json', '--workload', 'step', '--seed', 'x'], /must be a number of at least 0/],
  ])('fails when it is given %s', (_, args, message) => {
    writeFileSync(path('bad.csv'), '1\nsoon\n');
    writeFileSync(path('none.json'), '{"Resources":{}}');
    const result = refuse(...args.map((arg) => (/\.(json|csv)$/.test(arg) ? path(arg) : arg)));
    expect(result.status).not.toBe(0);
    expect(result.stderr).toMatch(message);
  });
});
