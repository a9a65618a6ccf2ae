/** The synthesized template of the default policy, run by the simulator. */
import { Duration } from 'aws-cdk-lib';
import { Workload } from '../../../lib';
import { readScalingModel } from '../../../sim/read-scaling-model';
import { run } from '../../../sim/run';
import { lognormalServiceTime } from '../../../sim/service-time';
import { parseTrace } from '../../../sim/trace';
import { namedWorkload } from '../../../sim/workload';
import { scaledGroup } from '../../support/scaled-group';

const TRUE_SECONDS = 180;
const LATENCY_SECONDS = 600;

/** Four hours, from the load of 4 instances to that of 20 at once, with a declared average that may be wrong. */
function attainment(declaredSeconds: number, min: number): number {
  const workload = new Workload({
    averageProcessingTime: Duration.seconds(declaredSeconds),
    acceptableLatency: Duration.seconds(LATENCY_SECONDS),
  });
  const { template } = scaledGroup({ workload, min, max: 80 });
  const shape = {
    ratePerSecond: min === 0 ? 0.001 : 4 / TRUE_SECONDS,
    peakRatePerSecond: 20 / TRUE_SECONDS,
    burst: 0,
    durationSeconds: 14_400,
  };
  const { report } = run({
    model: readScalingModel(template.toJSON(), { file: 'template.json' }),
    workload: namedWorkload('step', shape, 1),
    service: lognormalServiceTime(TRUE_SECONDS, 4 * TRUE_SECONDS),
    concurrency: 1,
    acceptableLatencySeconds: LATENCY_SECONDS,
    seed: 2,
  });
  expect(report.unfinished).toBe(0);
  return report.attainment;
}

describe('the latency goal in the simulator', () => {
  test.each([
    ['the right average', 180, 1],
    ['half of it', 90, 1],
    ['twice of it', 360, 1],
    ['the right average, from zero instances', 180, 0],
  ])('is met with %s', (_, declaredSeconds, min) => {
    expect(attainment(declaredSeconds, min)).toBeGreaterThanOrEqual(0.95);
  });

  test('stops the last instance after 15 minutes without work, and starts it again', () => {
    const workload = new Workload({
      averageProcessingTime: Duration.seconds(TRUE_SECONDS),
      acceptableLatency: Duration.seconds(LATENCY_SECONDS),
    });
    const { template } = scaledGroup({ workload, min: 0, max: 80 });
    const { report, recording } = run({
      model: readScalingModel(template.toJSON(), { file: 'template.json' }),
      workload: parseTrace('0\n10\n14400\n', 'trace.csv'),
      service: lognormalServiceTime(TRUE_SECONDS, 4 * TRUE_SECONDS),
      concurrency: 1,
      acceptableLatencySeconds: LATENCY_SECONDS,
      seed: 2,
    });
    expect(report).toMatchObject({ done: 3, attainment: 1, killed: 0 });
    const desired = recording.points.map((point) => point.desired);
    // Off, on for the first two, off, on for the third.
    expect(desired.filter((count, i) => (count === 0) !== (desired[i - 1] === 0)).map((count) => count > 0)).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(report.instanceHours).toBeLessThan(2);
  });
});
