import { Duration, Lazy } from 'aws-cdk-lib';
import { Workload } from '../../../lib';
import type { WorkloadProps } from '../../../lib';

const BASE: WorkloadProps = { averageProcessingTime: Duration.minutes(3), acceptableLatency: Duration.minutes(10) };

const codeOf = (props: Partial<WorkloadProps>): unknown => {
  try {
    new Workload({ ...BASE, ...props });
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};

describe('Workload', () => {
  test('derives one consistent set', () => {
    const workload = new Workload({
      ...BASE,
      p99ProcessingTime: Duration.minutes(12),
      peakRatePerSecond: 0.1,
      burst: 20,
    });
    expect(workload.concurrency).toBe(1);
    expect(workload.peakRatePerSecond).toBe(0.1);
    expect(workload.burst).toBe(20);
    expect(workload.warmPool).toBe(false);
    expect(workload.spot).toBe(false);
    expect(workload.plannedUtilization).toBe(1);
    expect(workload.maxReceiveCount).toBe(3);
    expect(workload.minimumMaxCapacity).toBe(30);
    expect(workload.spareCapacityForJump(6)).toBe(0);
    expect({
      average: workload.averageProcessingTime.toSeconds(),
      p99: workload.p99ProcessingTime.toSeconds(),
      latency: workload.acceptableLatency.toSeconds(),
      boot: workload.bootTime.toSeconds(),
      reaction: workload.reactionTime.toSeconds(),
      drain: workload.drainTarget.toSeconds(),
      visibility: workload.visibilityTimeout.toSeconds(),
      visibilityWithoutHeartbeat: workload.visibilityTimeoutWithoutHeartbeat.toSeconds(),
      heartbeat: workload.heartbeatInterval.toSeconds(),
      drainTimeout: workload.drainTimeout.toSeconds(),
      terminateHook: workload.terminateHookTimeout.toSeconds(),
      launchHook: workload.launchHookTimeout.toSeconds(),
      retention: workload.retentionPeriod.toDays(),
      worstWait: workload.worstWaitAfterJump(6, 2).toSeconds(),
    }).toEqual({
      average: 180,
      p99: 720,
      latency: 600,
      boot: 150,
      reaction: 270,
      drain: 300,
      visibility: 300,
      visibilityWithoutHeartbeat: 10_830,
      heartbeat: 100,
      drainTimeout: 2160,
      terminateHook: 780,
      launchHook: 450,
      retention: 4,
      worstWait: 180,
    });
  });

  test('takes fractions of a second', () => {
    const workload = new Workload({ ...BASE, averageProcessingTime: Duration.millis(250) });
    expect(workload.averageProcessingTime.toMilliseconds()).toBe(250);
    expect(workload.p99ProcessingTime.toMilliseconds()).toBe(1000);
  });

  test.each<[string, Partial<WorkloadProps>, string | undefined]>([
    ['no work', { averageProcessingTime: Duration.seconds(0) }, 'AverageProcessingTimeOutOfRange'],
    ['work of 12 hours', { averageProcessingTime: Duration.hours(12) }, undefined],
    ['longer work', { averageProcessingTime: Duration.seconds(43_201) }, 'AverageProcessingTimeOutOfRange'],
    ['a p99 equal to the average', { p99ProcessingTime: Duration.minutes(3) }, undefined],
    ['a p99 below the average', { p99ProcessingTime: Duration.seconds(179) }, 'P99BelowAverage'],
    ['a p99 of 12 hours', { p99ProcessingTime: Duration.hours(12) }, undefined],
    ['a longer p99', { p99ProcessingTime: Duration.seconds(43_201) }, 'P99BeyondVisibilityLimit'],
    ['no latency', { acceptableLatency: Duration.seconds(0) }, 'AcceptableLatencyOutOfRange'],
    ['a latency of 7 days', { acceptableLatency: Duration.days(7) }, undefined],
    ['a longer latency', { acceptableLatency: Duration.seconds(604_801) }, 'AcceptableLatencyOutOfRange'],
    ['concurrency 0', { concurrency: 0 }, 'ConcurrencyOutOfRange'],
    ['concurrency 1', { concurrency: 1 }, undefined],
    ['concurrency 1.5', { concurrency: 1.5 }, 'ConcurrencyOutOfRange'],
    ['concurrency 10000', { concurrency: 10_000 }, undefined],
    ['concurrency 10001', { concurrency: 10_001 }, 'ConcurrencyOutOfRange'],
    ['a peak of 0', { peakRatePerSecond: 0 }, 'PeakRateOutOfRange'],
    ['an endless peak', { peakRatePerSecond: Infinity }, 'PeakRateOutOfRange'],
    ['a burst of -1', { burst: -1 }, 'BurstOutOfRange'],
    ['a burst of 0', { burst: 0 }, undefined],
    ['a boot of 9 s', { bootTime: Duration.seconds(9) }, 'BootTimeOutOfRange'],
    ['a boot of 10 s', { bootTime: Duration.seconds(10) }, undefined],
    ['a boot of 40 minutes', { bootTime: Duration.minutes(40) }, undefined],
    ['a longer boot', { bootTime: Duration.seconds(2401) }, 'BootTimeOutOfRange'],
    ['a warm pool', { warmPool: true }, undefined],
    ['a warm pool of Spot instances', { warmPool: true, spot: true }, 'WarmPoolWithSpot'],
    ['a token', { acceptableLatency: Duration.seconds(Lazy.number({ produce: () => 5 })) }, 'WorkloadNotConcrete'],
  ])('checks %s', (_, props, code) => {
    expect(codeOf(props)).toBe(code);
  });

  test('fails with every violation at once', () => {
    const props = { ...BASE, averageProcessingTime: Duration.hours(13), concurrency: 0, burst: 0.5 };
    expect(() => new Workload(props)).toThrow(
      "3 settings are not valid:\n  - AverageProcessingTimeOutOfRange: 'averageProcessingTime' (46800 seconds) must be more than 0 and at most 43200 seconds",
    );
  });

  test('says what to do about swapped times', () => {
    expect(() => new Workload({ ...BASE, p99ProcessingTime: Duration.minutes(1) })).toThrow(
      "P99BelowAverage: 'p99ProcessingTime' (60 seconds) must not be less than 'averageProcessingTime' (180 seconds): check that the two are not swapped",
    );
  });
});
