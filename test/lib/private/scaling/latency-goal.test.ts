/**
 * An independent check: the metric math in the synthesized template, evaluated by the simulator's CloudWatch, against
 * the pure policy in lib/scaling/need.ts.
 */
import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { BacklogScaling, WorkQueue, Workload } from '../../../../lib';
import { OUT1, OUT5 } from '../../../../lib/private/scaling/latency-goal';
import { capacityRanges, needFormula, NO_SCALE_IN, scaleInValue, scaleOutValue } from '../../../../lib/scaling/need';
import { nextAlarmState } from '../../../../sim/alarm-state';
import { evaluateMetricMath } from '../../../../sim/metric-math';
import { readScalingModel } from '../../../../sim/read-scaling-model';
import type { AlarmModel } from '../../../../sim/scaling-model';
import fc, { runs } from '../../../support/properties';
import { plainGroup, scaledGroup, VIDEO_WORKLOAD } from '../../../support/scaled-group';

/** Missing points are NaN. */
interface Reading {
  readonly visible: number;
  readonly inFlight: number;
  readonly sent: number;
  readonly desired: number;
}

/** Value of an alarm's expression for one period; NaN when there is no point. */
function valueOf(
  alarm: AlarmModel,
  reading: Reading,
  ofMetric: (id: string) => Reading | undefined = () => reading,
): number {
  const metrics = new Map(
    alarm.metrics.map(({ id, source }) => {
      if (source.kind === 'custom') throw new Error('no custom metric here');
      const { visible, inFlight, sent, desired } = ofMetric(id) ?? reading;
      const value = {
        ApproximateNumberOfMessagesVisible: visible,
        ApproximateNumberOfMessagesNotVisible: inFlight,
        NumberOfMessagesSent: sent,
        GroupDesiredCapacity: desired,
      }[source.metricName];
      if (value === undefined) throw new Error(source.metricName);
      return [id, [value]] as const;
    }),
  );
  const expressions = new Map([...alarm.expressions].map(([id, { node }]) => [id, node]));
  const node = expressions.get(alarm.returnId);
  if (node === undefined) throw new Error('an alarm on a plain metric');
  const value = evaluateMetricMath(node, {
    metrics,
    expressions,
    length: 1,
    periodSeconds: alarm.periodSeconds,
    newestSeconds: 0,
  });
  const [point = NaN] = Array.isArray(value) ? (value as readonly number[]) : [NaN];
  return point;
}

function alarmsOf(options: Parameters<typeof scaledGroup>[0]) {
  const { template } = scaledGroup(options);
  const { alarms } = readScalingModel(template.toJSON(), { file: 'template.json' });
  return (id: string) => {
    const found = alarms.find(({ logicalId }) => new RegExp(`^Scaling${id}(Alarm)?[0-9A-F]{8}$`).test(logicalId));
    if (!found) throw new Error(`no alarm ${id}`);
    return found;
  };
}

/** Some declared workloads and groups: each costs a synthesis, so they are a table, and the readings are random. */
const CASES = [
  { seconds: [180, 600], concurrency: 1, min: 1, max: 10 },
  { seconds: [3.7, 45], concurrency: 4, min: 0, max: 20 },
  { seconds: [0.25, 30], concurrency: 16, min: 2, max: 90 },
  { seconds: [1800, 3600], concurrency: 2, min: 0, max: 2000 },
  { seconds: [180, 100], concurrency: 3, min: 5, max: 7, messageGroups: 16 },
] as const;

const count = fc.oneof(fc.nat(40), fc.nat(5000));
const reading = fc.record({
  visible: count,
  inFlight: count,
  sent: count,
  desired: fc.oneof(fc.nat(25), fc.nat(2000)),
});

describe.each(CASES)('latency goal for $seconds, $concurrency at once, $min to $max instances', (example) => {
  const { seconds, concurrency, min, max } = example;
  const messageGroups = 'messageGroups' in example ? example.messageGroups : undefined;
  const workload = new Workload({
    averageProcessingTime: Duration.millis(seconds[0] * 1000),
    acceptableLatency: Duration.seconds(seconds[1]),
    concurrency,
  });
  const alarm = alarmsOf({ workload, min, max, messageGroups });
  const formula = (period: typeof OUT1 | typeof OUT5) => needFormula(workload._sizing(), period, messageGroups);
  const ranges = capacityRanges(min, max).map((range) => ({ range, suffix: range.after === 0 ? '' : 'Upper' }));

  test('the template computes what the policy computes', () => {
    fc.assert(
      fc.property(reading, (r) => {
        for (const { range, suffix } of ranges) {
          for (const [id, period] of [
            ['Out1', OUT1],
            ['Out5', OUT5],
          ] as const) {
            expect(valueOf(alarm(id + suffix), r)).toBe(scaleOutValue(formula(period), range, r, r.desired));
          }
          expect(valueOf(alarm(`In${suffix}`), r)).toBe(
            scaleInValue(formula(OUT5), range, r, r.desired, Math.max(1, min)),
          );
        }
      }),
      { numRuns: runs(150) },
    );
  });

  test('missing points: none in flight and none sent count as zero, a missing gauge or capacity decides nothing', () => {
    fc.assert(
      fc.property(reading, fc.boolean(), fc.boolean(), (r, noneInFlight, noneSent) => {
        const partial = { ...r, ...(noneInFlight && { inFlight: NaN }), ...(noneSent && { sent: NaN }) };
        const whole = { ...r, ...(noneInFlight && { inFlight: 0 }), ...(noneSent && { sent: 0 }) };
        for (const { suffix } of ranges) {
          for (const id of ['Out1', 'Out5', 'In']) {
            const one = alarm(id + suffix);
            expect(valueOf(one, partial)).toBe(valueOf(one, whole));
            for (const late of [
              { ...r, visible: NaN },
              { ...r, desired: NaN },
              { ...r, visible: NaN, desired: NaN },
            ]) {
              expect([NaN, id === 'In' ? NO_SCALE_IN : 0]).toContainEqual(valueOf(one, late));
            }
          }
        }
      }),
      { numRuns: runs(60) },
    );
  });

  if (min === 0) {
    test('wakes exactly as it would scale out, also while the group publishes nothing, and only from zero', () => {
      fc.assert(
        fc.property(reading, (r) => {
          for (const { range, suffix } of ranges) {
            const wake = alarm(`Wake${suffix}`);
            const idle = { ...r, inFlight: 0 };
            const expected = scaleOutValue(formula(OUT1), range, idle, 0);
            for (const inFlight of [0, NaN]) {
              expect(valueOf(wake, { ...r, inFlight, desired: 0 })).toBe(expected);
              expect(valueOf(wake, { ...r, inFlight, desired: NaN })).toBe(expected);
              expect(valueOf(wake, { ...r, inFlight, desired: r.desired + 1 })).toBeLessThan(0);
            }
            expect(valueOf(wake, { ...r, inFlight: r.inFlight + 1, desired: NaN })).toBe(0);
            expect(valueOf(wake, { ...r, visible: NaN })).toBeNaN();
          }
        }),
        { numRuns: runs(60) },
      );
    });

    test('a desired capacity that is late for a minute never wakes a running group', () => {
      const wake = alarm('Wake');
      const waiting = { visible: 1, inFlight: 0, sent: 1 };
      const running = valueOf(wake, { ...waiting, desired: 5 });
      const unknown = valueOf(wake, { ...waiting, desired: NaN });
      expect(unknown).toBeGreaterThan(wake.threshold);
      expect(nextAlarmState(wake, [running, running, unknown], 'OK')).toBe('OK');
      expect(nextAlarmState(wake, [running, unknown, unknown], 'OK')).toBe('ALARM');
      expect(nextAlarmState(wake, [unknown, unknown, running], 'ALARM')).toBe('OK');
    });

    test('stops only when nothing waited, was in flight or was sent', () => {
      const idle = alarm('Idle');
      const nothing = { visible: 0, inFlight: NaN, sent: NaN, desired: 1 };
      expect(valueOf(idle, nothing)).toBe(0);
      expect(valueOf(idle, { ...nothing, inFlight: 1 })).toBe(1);
      expect(valueOf(idle, { ...nothing, sent: 1 })).toBe(1);
      expect(valueOf(idle, { ...nothing, visible: 1 })).toBe(1);
      expect(valueOf(idle, { ...nothing, visible: NaN })).toBeNaN();
      expect(valueOf(idle, { ...nothing, desired: 0 })).toBe(1);
    });
  }
});

describe('latency goal for three queues', () => {
  const { stack, autoScalingGroup, queue } = plainGroup(1, 30);
  const additionalQueues = [new WorkQueue(stack, 'Second'), new WorkQueue(stack, 'Third')];
  new BacklogScaling(stack, 'Scaling', { queue, additionalQueues, autoScalingGroup, workload: VIDEO_WORKLOAD });
  const { alarms } = readScalingModel(Template.fromStack(stack).toJSON(), { file: 'template.json' });
  const formula = needFormula(VIDEO_WORKLOAD._sizing(), OUT1);
  const [range] = capacityRanges(1, 30);
  const out = alarms.find(({ logicalId }) => logicalId.startsWith('ScalingOut1Alarm'));
  const three = fc.tuple(reading, reading, reading);

  const add = (rs: readonly Reading[], pick: (r: Reading) => number) =>
    rs.reduce((sum, r) => sum + (Number.isNaN(pick(r)) ? 0 : pick(r)), 0);
  const valueOfThree = (rs: readonly Reading[]) => {
    if (!out) throw new Error('no alarm');
    const byQueue = new Map(rs.map((r, i) => [String(i + 1), r]));
    return valueOf(out, rs[0] ?? { visible: 0, inFlight: 0, sent: 0, desired: 0 }, (id) => byQueue.get(id.slice(1)));
  };

  test('adds them up, and an idle queue that publishes nothing does not stop the others', () => {
    fc.assert(
      fc.property(three, fc.boolean(), ([a, b, c], thirdIsIdle) => {
        const third = thirdIsIdle ? { visible: NaN, inFlight: NaN, sent: NaN, desired: NaN } : c;
        const all = [a, b, third];
        const sum = {
          visible: add(all, (r) => r.visible),
          inFlight: add(all, (r) => r.inFlight),
          sent: add(all, (r) => r.sent),
        };
        if (!range) throw new Error('no range');
        expect(valueOfThree(all)).toBe(scaleOutValue(formula, range, sum, a.desired));
      }),
      { numRuns: runs(100) },
    );
  });
});
