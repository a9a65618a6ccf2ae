import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FleetMonitoring, QueueAlarms, WorkQueue, Workload } from '../../lib';
import { receiveCount, spareCapacity, worstWaitSeconds } from '../../lib/scaling/sizing';
import { checkConsumerOptions, type ConsumerOptions } from '../../messaging/consumer-options';
import { EMF_METRICS } from '../../messaging';
import { ALTERNATIVES } from '../../sim/alternatives';
import { DEFAULT_TIMING } from '../../sim/timing';
import { EXIT_CODES } from '../../worker/main';
import { tableRowsOf } from '../support/doc-pages';
import { plainGroup, VIDEO_WORKLOAD } from '../support/scaled-group';

/** Numbers and names in tables of the documentation that are also somewhere in the code. */

const ROOT = join(__dirname, '../..');
const read = (page: string): string => readFileSync(join(ROOT, 'docs', page), 'utf8');
const rowsOf = (page: string): string[][] => tableRowsOf(read(page));
/** First cell without its code marks, and another cell. */
const cells = (rows: readonly string[][], column: number): Array<[string, string]> =>
  rows.map((row) => [(row[0] ?? '').replaceAll('`', ''), row[column] ?? '']);
const numberIn = (text: string): number => Number(/-?[\d,]*\.?\d+/.exec(text)?.[0].replaceAll(',', ''));

describe('docs/simulator.md', () => {
  test('has every delay with its default', () => {
    const shown = Object.fromEntries(cells(rowsOf('simulator.md'), 1).filter(([name]) => name in DEFAULT_TIMING));
    const defaults = Object.entries(DEFAULT_TIMING).map(
      ([name, value]: [string, number | { min: number; max: number }]) => [
        name,
        typeof value === 'number' ? String(value) : `${value.min} to ${value.max}`,
      ],
    );
    expect(shown).toEqual(Object.fromEntries(defaults));
  });

  test('names every policy that can be compared', () => {
    const page = read('simulator.md');
    expect(Object.keys(ALTERNATIVES).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('docs/workload.md', () => {
  test('works out what follows from the workload at its top', () => {
    const sizing = new Workload({
      averageProcessingTime: Duration.minutes(3),
      p99ProcessingTime: Duration.minutes(12),
      acceptableLatency: Duration.minutes(10),
      concurrency: 1,
      peakRatePerSecond: 0.1,
      burst: 20,
    })._sizing();
    const expected: Record<string, number> = {
      'reaction time D': sizing.reactionSeconds,
      'drain target Ld': sizing.drainTargetSeconds,
      'planned utilization u': sizing.plannedUtilization,
      'heartbeat interval': sizing.heartbeatSeconds,
      'visibility timeout': sizing.visibilitySeconds,
      '… for who never renews': sizing.visibilityWithoutHeartbeatSeconds,
      'receives before the DLQ': sizing.maxReceiveCount,
      retention: sizing.retentionSeconds / 86_400,
      'drain timeout': sizing.drainSeconds,
      'terminate hook': sizing.terminateHookSeconds,
      'launch hook': sizing.launchHookSeconds,
      'spare instances for a jump': spareCapacity(sizing, 6),
    };
    const rows = cells(rowsOf('workload.md'), 2);
    const shown = rows.flatMap(([setting, example]) => (setting in expected ? [[setting, numberIn(example)]] : []));
    expect(Object.fromEntries(shown)).toEqual(expected);

    const example = Object.fromEntries(rows);
    expect(example['receives before the DLQ']).toContain(`Spot: ${receiveCount(0.06)}`);
    expect(example['largest group, at least']).toMatch(new RegExp(`= ${sizing.minimumMaxCapacity}$`));
    expect(example['worst wait after a jump']).toBe(`6, 2 spare: ${Math.round(worstWaitSeconds(sizing, 6, 2))} s`);
  });
});

describe('docs/work-queue.md', () => {
  test('has the defaults of the template', () => {
    const stack = new Stack(new App(), 'Test');
    const { queue } = new WorkQueue(stack, 'Jobs');
    const queues = Template.fromStack(stack).findResources('AWS::SQS::Queue');
    const logicalId = stack.getLogicalId(queue.node.defaultChild as never);
    const { Properties: jobs } = queues[logicalId] as { Properties: Record<string, unknown> };
    const [dead] = Object.entries(queues).flatMap(([id, { Properties }]) => (id === logicalId ? [] : [Properties]));
    const shown = Object.fromEntries(
      rowsOf('work-queue.md').flatMap(([, setting = '', property = '']) =>
        property.startsWith('`') ? [[property.split('`')[1] ?? '', numberIn(setting)]] : [],
      ),
    );
    expect(shown).toMatchObject({
      visibilityTimeout: jobs['VisibilityTimeout'],
      retentionPeriod: Number(jobs['MessageRetentionPeriod']) / 86_400,
      receiveMessageWaitTime: jobs['ReceiveMessageWaitTimeSeconds'],
      maxReceiveCount: (jobs['RedrivePolicy'] as { maxReceiveCount: number }).maxReceiveCount,
      deadLetterRetentionPeriod: Number(dead.MessageRetentionPeriod) / 86_400,
    });
  });
});

/** Minutes for which an alarm has to be beyond its threshold. */
const minutesOf = (alarm: cloudwatch.Alarm): number => {
  const { evaluationPeriods = 0 } = alarm.node.defaultChild as cloudwatch.CfnAlarm;
  const { period } = alarm.metric as cloudwatch.Metric | cloudwatch.MathExpression;
  return evaluationPeriods * period.toMinutes();
};

describe.each([
  [
    'queue-alarms.md',
    (): cloudwatch.Alarm[] => {
      const stack = new Stack(new App(), 'Test');
      return new QueueAlarms(stack, 'Alarms', { queue: new WorkQueue(stack, 'Jobs'), maxNoisyGroups: 1 }).alarms;
    },
  ],
  [
    'fleet-monitoring.md',
    (): cloudwatch.Alarm[] => {
      const { stack, autoScalingGroup, queue } = plainGroup(1, 10);
      return new FleetMonitoring(stack, 'Monitoring', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD }).alarms;
    },
  ],
])('docs/%s', (page, make) => {
  test('says for how long each alarm waits', () => {
    const shown = cells(rowsOf(page), 2).map(([id, after]) => [id, Number(/(\d+) minute/.exec(after)?.[1])]);
    expect(shown).toEqual(make().map((alarm) => [alarm.node.id, minutesOf(alarm)]));
  });
});

describe('docs/consumer.md', () => {
  const ranges = rowsOf('consumer.md').flatMap(([name = '', range = '']) => {
    const [, , min, max] = /^(.+), (?:above )?([\d.]+) to ([\d,]+)/.exec(range) ?? [];
    return max === undefined ? [] : [[name.replaceAll('`', ''), Number(min), Number(max.replaceAll(',', ''))] as const];
  });
  const problems = (name: string, value: number): string => {
    const [outer = '', inner] = name.split('.');
    const options = {
      sqs: {},
      queueUrl: 'https://sqs.eu-west-1.amazonaws.com/111122223333/jobs.fifo',
      handler: async () => {},
      [outer]: inner === undefined ? value : { [inner]: value },
    };
    try {
      checkConsumerOptions(options as unknown as ConsumerOptions);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  test('has the ranges that the constructor checks', () => {
    expect(ranges.length).toBeGreaterThan(10);
    for (const [name, min, max] of ranges) {
      const about = (value: number) => [value, problems(name, value).includes(`'${name}'`)];
      expect([name, about(max), about(max + 1), about(min - 1)]).toEqual([
        name,
        [max, false],
        [max + 1, true],
        [min - 1, true],
      ]);
    }
  });
});

describe('docs/observability.md', () => {
  test('has every metric with its unit', () => {
    const shown = rowsOf('observability.md').flatMap(([names = '', units = '']) => {
      const unit = units.split(', ');
      return names.split(', ').map((name, index) => [name.replaceAll('`', ''), unit[index] ?? unit[0]]);
    });
    expect(Object.fromEntries(shown)).toMatchObject(EMF_METRICS);
  });
});

describe('docs/worker-fleet.md', () => {
  test('has every exit code of the worker', () => {
    const codes = rowsOf('worker-fleet.md').flatMap(([code = '']) => (/^\d+$/.test(code) ? [Number(code)] : []));
    expect(codes).toEqual(Object.values(EXIT_CODES));
  });
});

describe('docs/local-run.md', () => {
  test('has every option', () => {
    const printed = execFileSync(process.execPath, [require.resolve('tsx/cli'), 'test/support/list-commands.ts'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const { local = [] } = JSON.parse(printed) as Record<string, string[]>;
    const rows = cells(rowsOf('local-run.md'), 2);
    const shown = rows.flatMap(([option]) => [...option.matchAll(/--[a-z-]+/g)].map(([flag]) => flag));
    expect(shown.sort()).toEqual(local.filter((flag) => flag.startsWith('--')).sort());
  });
});

describe('docs/scaling.md', () => {
  test('says in words what its table of goals measured', () => {
    const rows = rowsOf('scaling.md').filter(([goal = '']) => goal.startsWith('instance-hours at most'));
    const measured = rows.map(([, value]) => Number(value).toFixed(2));
    expect(measured).toHaveLength(3);
    const [aws, service, keda] = measured;
    const text = read('scaling.md').replace(/\s+/g, ' ');
    expect(text).toContain(`it runs ${aws}, ${service} and ${keda} of them`);
    const bounds = rowsOf('scaling.md').filter(([goal = '']) => goal.endsWith('in units of the lower bound'));
    const [ours, ...goals] = bounds.map(([, value]) => Number(value).toFixed(2));
    expect(text).toContain(`together they are ${goals[0]}, ${goals[1]} and ${goals[2]} of what`);
    expect(text).toContain(`which does not know it, takes ${ours}.`);
  });

  test('says of short waits what was measured', () => {
    const row = rowsOf('scaling.md').find(([wait]) => wait === '135 s');
    const [ours, warm, , , target] = (row ?? []).slice(1).map((cell) => cell.split(', '));
    const text = read('scaling.md').replace(/\s+/g, ' ');
    expect(text).toContain(`${ours?.[0]?.split('/')[0]} of the nine cells are in time by the alarms alone`);
    expect(text).toContain(`and ${warm?.[0]?.split('/')[0]} with a warm pool`);
    expect(text).toContain(`more instances than this policy (${target?.[2]})`);
  });
});

describe('docs/release.md', () => {
  test('has every check of the package', () => {
    const source = readFileSync(join(ROOT, 'scripts/check-package.ts'), 'utf8');
    const [, checks = ''] = /const CHECKS\b[^=]*= \[([^\]]*)\]/.exec(source) ?? [];
    const shown = cells(rowsOf('release.md'), 1).map(([name]) => name);
    expect(shown).toEqual(expect.arrayContaining(checks.split(',').flatMap((name) => name.trim() || [])));
  });
});

describe('docs/comparison.md', () => {
  test('has a source in every row about a platform or a consumer', () => {
    const [, platforms = '', consumers = ''] = read('comparison.md').split(/^## (?:Platforms|Consumers)$/m);
    const rows = [...tableRowsOf(platforms), ...tableRowsOf(consumers.split(/^## /m)[0] ?? '')];
    expect(rows.length).toBeGreaterThan(10);
    const source = /\]\((?:https:\/\/|\.\.\/test\/)/;
    expect(rows.filter((row) => !source.test(row.join(' ')))).toEqual([]);
  });
});
