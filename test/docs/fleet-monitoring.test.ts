import { Template } from 'aws-cdk-lib/assertions';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeBlocksIn } from '../support/code-blocks';
import { stackOf } from '../support/run-code-block';

/** The page's stack of a fleet with two queues is synthesized: what the text says is watched is. */

const file = 'docs/fleet-monitoring.md';
const blocks = codeBlocksIn(file, readFileSync(join(__dirname, '../..', file), 'utf8'));

/** The alarms of a person's interest, by their construct, with the queues that they read. */
function alarmsOf(block: string) {
  const stack = stackOf(block);
  const alarms = Object.entries(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
  return alarms
    .filter(([id]) => /^(Monitoring|BulkAlarms)/.test(id))
    .map(([id, { Properties }]) => ({
      id: id.replace(/[0-9A-F]{8}$/, ''),
      queues: [
        ...new Set([...JSON.stringify(Properties).matchAll(/(Urgent|Bulk)(Queue|DeadLetterQueue)/g)].map(String)),
      ],
      topics: JSON.stringify(Properties['AlarmActions']),
    }));
}

test('a second queue of a fleet is watched by alarms of its own, which tell the same topic', () => {
  const alarms = alarmsOf(blocks[1]?.code ?? '');
  const of = (queue: string): string[] =>
    alarms.filter(({ queues }) => queues.some((name) => name.startsWith(queue))).map(({ id }) => id);
  expect(of('Urgent')).toEqual([
    'MonitoringOldestMessage',
    'MonitoringDeadLetters',
    'MonitoringAtMaximum',
    'MonitoringNoWorker',
  ]);
  expect(of('Bulk')).toEqual([
    'BulkAlarmsDeadLetters',
    'BulkAlarmsOldestMessage',
    'BulkAlarmsStalled',
    'BulkAlarmsInFlight',
    'BulkAlarmsDrainTime',
  ]);
  expect([...new Set(alarms.map(({ topics }) => topics))]).toEqual([expect.stringContaining('OnCall')]);
});

test('the age that the page gives the second queue is the one of the first', () => {
  const template = Template.fromStack(stackOf(blocks[1]?.code ?? ''));
  const ages = Object.values(template.findResources('AWS::CloudWatch::Alarm'))
    .filter(({ Properties }) => Properties.MetricName === 'ApproximateAgeOfOldestMessage')
    .map(({ Properties }) => Properties.Threshold as number);
  expect(ages).toEqual([630, 630]);
});
