import { fleetTemplate, type FleetDeclaration } from '../../bench/scaling/fleet-template';
import { readScalingModel } from '../../sim/read-scaling-model';
import { run } from '../../sim/run';
import type { Run } from '../../sim/run-options';
import { lognormalServiceTime } from '../../sim/service-time';

const JUMP_SECONDS = 3_600;

/** Work of 30 s that may wait two minutes, when the load jumps from 1.5 to 18 busy instances. */
function jump(variant: Pick<FleetDeclaration, 'warmPool' | 'highResolution'>): Run {
  const template = fleetTemplate({
    averageProcessingTimeSeconds: 30,
    p99ProcessingTimeSeconds: 120,
    acceptableLatencySeconds: 120,
    concurrency: 1,
    minInstances: 2,
    maxInstances: 60,
    ...variant,
  });
  return run({
    model: readScalingModel(template, { file: 'Fleet' }),
    workload: {
      name: 'jump',
      durationSeconds: 2 * JUMP_SECONDS,
      rates: [
        { untilSeconds: JUMP_SECONDS, perSecond: 0.05 },
        { untilSeconds: 2 * JUMP_SECONDS, perSecond: 0.6 },
      ],
      bursts: [],
    },
    service: lognormalServiceTime(30, 120),
    concurrency: 1,
    acceptableLatencySeconds: 120,
    seed: 2,
  });
}

/** Seconds from the jump to the first decision after it, and whose alarm made it. */
function firstDecision({ events }: Run) {
  const event = events.find(({ kind, atSeconds }) => kind === 'capacity' && atSeconds > JUMP_SECONDS);
  if (event === undefined) throw new Error('nothing was decided');
  return { alarm: event.alarmLogicalId, afterSeconds: event.atSeconds - JUMP_SECONDS };
}

describe('ScalingPolicy.highResolution, simulated from its template', () => {
  const [plain, fast, fastAndWarm] = [{}, { highResolution: true }, { highResolution: true, warmPool: true }].map(jump);
  if (!plain || !fast || !fastAndWarm) throw new Error('three runs');

  test("decides on the workers' own numbers, long before SQS's are published", () => {
    expect(firstDecision(plain).alarm).toMatch(/Out[15]Alarm/);
    expect(firstDecision(fast).alarm).toMatch(/Out10sAlarm/);
    expect(firstDecision(fast).afterSeconds).toBeLessThan(60);
    expect(firstDecision(plain).afterSeconds - firstDecision(fast).afterSeconds).toBeGreaterThan(60);
  });

  // The numbers of docs/scaling-policy.md.
  test('shortens the waits of a jump, most of all with a warm pool', () => {
    expect([plain, fast, fastAndWarm].map(({ report }) => Math.round(report.waitSeconds.p99))).toEqual([252, 190, 85]);
    expect([plain, fast, fastAndWarm].map(({ report }) => Math.round(report.attainment * 100))).toEqual([93, 95, 100]);
  });

  test('costs no more instance-hours', () => {
    expect(fast.report.instanceHours).toBeLessThan(plain.report.instanceHours);
  });
});
