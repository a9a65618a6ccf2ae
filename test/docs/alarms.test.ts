import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FleetMonitoring, QueueAlarms, WorkQueue } from '../../lib';
import { anchorsOf } from '../support/doc-pages';
import { plainGroup, VIDEO_WORKLOAD } from '../support/scaled-group';

const ROOT = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Construct ids and descriptions of the alarms of a stack. */
function alarmsOf(stack: Stack): Array<{ description: string }> {
  return Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => ({
    description: String(Properties.AlarmDescription),
  }));
}

function fleet(): { stack: Stack; ids: string[] } {
  const { stack, autoScalingGroup, queue } = plainGroup(1, 10);
  const { alarms } = new FleetMonitoring(stack, 'Monitoring', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD });
  return { stack, ids: alarms.map(({ node }) => node.id) };
}

function queue(): { stack: Stack; ids: string[] } {
  const stack = new Stack(new App(), 'Test');
  const { alarms } = new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs'), maxNoisyGroups: 3 });
  return { stack, ids: alarms.map(({ node }) => node.id) };
}

describe('the runbook', () => {
  test.each([
    ['FleetMonitoring', fleet],
    ['QueueAlarms', queue],
  ])('every alarm of %s links to a section that exists', (_, make) => {
    const alarms = alarmsOf(make().stack);
    expect(alarms.length).toBeGreaterThan(3);
    for (const { description } of alarms) {
      const [, file = '', anchor = ''] = /blob\/main\/(docs\/\S+)#(\S+)$/.exec(description) ?? [];
      expect(existsSync(join(ROOT, file))).toBe(true);
      expect(anchorsOf(read(file))).toContain(anchor);
    }
  });

  test('names every alarm of a fleet, and has a section for every alarm of a queue', () => {
    const runbook = read('docs/runbook.md');
    for (const id of fleet().ids) expect(runbook).toContain(`\`${id}\``);
    const sections = anchorsOf(runbook);
    for (const id of queue().ids) expect(sections).toContain(id.replace(/\B[A-Z]/g, '-$&').toLowerCase());
  });
});
