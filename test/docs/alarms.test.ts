import { App, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FleetMonitoring, QueueAlarms, ScalingPolicy, WorkQueue } from '../../lib';
import { anchorsOf } from '../support/doc-pages';
import { plainGroup, scaledGroup, VIDEO_WORKLOAD } from '../support/scaled-group';

/** The runbook has a section for each alarm that the constructs can make, and none for others. */

const ROOT = join(__dirname, '../..');
const RUNBOOK = readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8');

/** Sections of the runbook: heading and text. */
const SECTIONS = RUNBOOK.split(/^## /m)
  .slice(1)
  .map((section) => ({ anchor: anchorsOf(`## ${section}`)[0] ?? '', text: section }));

const sectionOf = (anchor: string): string | undefined => SECTIONS.find((section) => section.anchor === anchor)?.text;

function fleetAlarms(): cloudwatch.Alarm[] {
  const { stack, autoScalingGroup, queue } = plainGroup(1, 10);
  return new FleetMonitoring(stack, 'Monitoring', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD }).alarms;
}

function queueAlarms(): cloudwatch.Alarm[] {
  const stack = new Stack(new App(), 'Test');
  return new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs'), maxNoisyGroups: 3 }).alarms;
}

/** Names of the alarms of each policy: of the alarm, or of the policy that it is a part of. */
function scalingAlarms(): string[] {
  const steps = [
    { messages: 0, instances: 1 },
    { messages: 100, instances: 4 },
  ];
  const stacks = [
    scaledGroup({ min: 0, max: 100, policy: ScalingPolicy.latencyGoal() }),
    scaledGroup({ max: 100, policy: ScalingPolicy.highResolution({ metricsNamespace: 'Test' }) }),
    scaledGroup({ policy: ScalingPolicy.queueDepth(steps) }),
  ].map(({ stack }) => stack);
  const alarms = stacks.flatMap((stack) => stack.node.findAll().filter((node) => node instanceof cloudwatch.Alarm));
  const names = alarms.map(({ node }) => (node.id === 'Alarm' ? (node.scope?.node.id ?? '') : node.id));
  return [...new Set(names)];
}

describe('the runbook', () => {
  test.each([
    ['FleetMonitoring', fleetAlarms],
    ['QueueAlarms', queueAlarms],
  ])('has a section for each alarm of %s, to which its description leads', (_, make) => {
    const alarms = make();
    expect(alarms.length).toBeGreaterThan(4);
    for (const alarm of alarms) {
      const { alarmDescription } = alarm.node.defaultChild as cloudwatch.CfnAlarm;
      const [, file, anchor = ''] = /blob\/main\/(docs\/\S+)#(\S+)$/.exec(alarmDescription ?? '') ?? [];
      expect(file).toBe('docs/runbook.md');
      expect(sectionOf(anchor)).toContain(`\`${alarm.node.id}\``);
    }
  });

  test('names the alarms that scale, and says that they need nobody', () => {
    const names = scalingAlarms();
    expect(names).toEqual(expect.arrayContaining(['Out', 'Out1', 'Out5Upper', 'Out10s', 'In', 'Wake', 'Idle']));
    const section = sectionOf('alarms-that-scale') ?? '';
    const missing = names.filter((name) => !section.includes(`\`${name.replace(/Upper$/, '')}\``));
    expect(missing).toEqual([]);
  });

  test('has no section without an alarm, but for what is no alarm', () => {
    const ids = [...fleetAlarms(), ...queueAlarms()].map(({ node }) => `\`${node.id}\``);
    const others = SECTIONS.filter(({ text }) => !ids.some((id) => text.includes(id))).map(({ anchor }) => anchor);
    expect(others).toEqual(['over-without-a-reason', 'alarms-that-scale', 'removing-a-fleet']);
  });

  test('knows all places where alarms are made', () => {
    const sources = globSync('lib/**/*.ts', { cwd: ROOT }).filter((file) =>
      /new cloudwatch\.(Cfn)?Alarm\(|createAlarm\(/.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(sources.sort()).toEqual([
      'lib/monitoring/fleet-monitoring.ts',
      'lib/private/scaling/step-alarm.ts',
      'lib/queue/queue-alarms.ts',
    ]);
  });
});
