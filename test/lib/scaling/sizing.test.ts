import {
  receiveCount,
  sizeWorkload,
  spareCapacity,
  terminateHookSeconds,
  worstWaitSeconds,
} from '../../../lib/scaling/sizing';
import fc, { runs } from '../../support/properties';

const VIDEO = { averageProcessingSeconds: 180, p99ProcessingSeconds: 720, acceptableLatencySeconds: 600 };

const declaredWorkload = fc
  .record({
    averageProcessingSeconds: fc.double({ min: 0.001, max: 10_000, noNaN: true }),
    tail: fc.double({ min: 1, max: 4, noNaN: true }),
    acceptableLatencySeconds: fc.double({ min: 0.1, max: 604_800, noNaN: true }),
    concurrency: fc.integer({ min: 1, max: 1000 }),
    peakRatePerSecond: fc.double({ min: 0.001, max: 1000, noNaN: true }),
    burst: fc.nat(100_000),
    bootSeconds: fc.integer({ min: 1, max: 2400 }),
    spot: fc.boolean(),
  })
  .map(({ tail, ...rest }) => ({ ...rest, p99ProcessingSeconds: rest.averageProcessingSeconds * tail }));

test.each([
  [0, 120],
  [60, 120],
  [60.5, 121],
  [7_140, 7_200],
  [100_000, 7_200],
])('the terminate hook for %d seconds of work beats every %d', (work, hook) => {
  expect(terminateHookSeconds(work)).toBe(hook);
});

describe('sizeWorkload', () => {
  test('works the documented example', () => {
    expect(sizeWorkload(VIDEO)).toEqual({
      ...VIDEO,
      concurrency: 1,
      bootSeconds: 150,
      warmPool: false,
      spot: false,
      startSeconds: 150,
      reactionSeconds: 270,
      drainTargetSeconds: 300,
      plannedUtilization: 1,
      heartbeatSeconds: 100,
      visibilitySeconds: 300,
      visibilityWithoutHeartbeatSeconds: 10 * 720 * 1.5 + 30,
      maxReceiveCount: 3,
      drainSeconds: 2160,
      terminateHookSeconds: 780,
      launchHookSeconds: 450,
      retentionSeconds: 345_600,
    });
  });

  test('assumes a p99 of four times the average', () => {
    expect(sizeWorkload({ averageProcessingSeconds: 10, acceptableLatencySeconds: 60 }).p99ProcessingSeconds).toBe(40);
  });

  test.each([
    [539, 0.85],
    [540, 1],
  ])('plans %d s of latency with a utilization of %d', (acceptableLatencySeconds, expected) => {
    expect(sizeWorkload({ ...VIDEO, acceptableLatencySeconds }).plannedUtilization).toBe(expected);
  });

  test('gives a latency below the reaction time half the reaction time to drain', () => {
    expect(sizeWorkload({ ...VIDEO, acceptableLatencySeconds: 30 }).drainTargetSeconds).toBe(135);
  });

  test('reacts in 160 s from a warm pool', () => {
    const warm = sizeWorkload({ ...VIDEO, warmPool: true });
    expect(warm.reactionSeconds).toBe(160);
    // Entering the pool is a whole boot, under the same hook.
    expect(warm.launchHookSeconds).toBe(450);
    expect(sizeWorkload({ ...VIDEO, warmPool: true, bootSeconds: 20 }).reactionSeconds).toBe(140);
  });

  test.each([
    [1, 20, 60],
    [60, 20, 60],
    [150, 50, 150],
    [300, 100, 300],
    [7200, 100, 300],
  ])('p99 of %d s: heartbeat %d s, visibility %d s', (p99ProcessingSeconds, heartbeat, visibility) => {
    const sizing = sizeWorkload({ ...VIDEO, averageProcessingSeconds: 1, p99ProcessingSeconds });
    expect([sizing.heartbeatSeconds, sizing.visibilitySeconds]).toEqual([heartbeat, visibility]);
  });

  test.each([
    [59, 120],
    [60, 120],
    [61, 121],
    [7140, 7200],
    [7141, 7200],
  ])('p99 of %d s: terminate hook %d s', (p99ProcessingSeconds, hook) => {
    const sizing = sizeWorkload({ ...VIDEO, averageProcessingSeconds: 1, p99ProcessingSeconds });
    expect(sizing.terminateHookSeconds).toBe(hook);
  });

  test('needs max instances for peak and burst', () => {
    // 0.1/s x 180 s = 18 busy instances, 20 x 180 / 300 = 12 more for the burst.
    expect(sizeWorkload({ ...VIDEO, peakRatePerSecond: 0.1, burst: 20 }).minimumMaxCapacity).toBe(30);
    expect(sizeWorkload(VIDEO).minimumMaxCapacity).toBeUndefined();
  });

  test('is consistent for every workload', () => {
    fc.assert(
      fc.property(declaredWorkload, (declared) => {
        const s = sizeWorkload(declared);
        expect(s.heartbeatSeconds * 3).toBeLessThanOrEqual(s.visibilitySeconds);
        expect(s.visibilitySeconds).toBeLessThanOrEqual(s.retentionSeconds);
        expect(s.acceptableLatencySeconds).toBeLessThanOrEqual(s.retentionSeconds);
        expect(s.visibilityWithoutHeartbeatSeconds).toBeGreaterThanOrEqual(30);
        expect(s.visibilityWithoutHeartbeatSeconds).toBeLessThanOrEqual(43_200);
        if (s.p99ProcessingSeconds > 10) expect(s.visibilityWithoutHeartbeatSeconds).toBeGreaterThan(30);
        for (const hook of [s.terminateHookSeconds, s.launchHookSeconds]) {
          expect(Number.isInteger(hook) && hook >= 30 && hook <= 7200).toBe(true);
        }
        expect(s.launchHookSeconds).toBeGreaterThan(s.bootSeconds);
        if (s.p99ProcessingSeconds <= 7140)
          expect(s.terminateHookSeconds).toBeGreaterThanOrEqual(s.p99ProcessingSeconds + 60);
        expect(s.maxReceiveCount).toBe(declared.spot ? 5 : 3);
        expect(s.minimumMaxCapacity).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: runs(300) },
    );
  });

  test('never needs fewer instances for more load', () => {
    fc.assert(
      fc.property(
        declaredWorkload,
        fc.double({ min: 1, max: 5, noNaN: true }),
        fc.nat(100),
        (declared, factor, more) => {
          const max = (peakRatePerSecond: number, burst: number) =>
            sizeWorkload({ ...declared, peakRatePerSecond, burst }).minimumMaxCapacity ?? 0;
          const { peakRatePerSecond, burst } = declared;
          expect(max(peakRatePerSecond * factor, burst + more)).toBeGreaterThanOrEqual(max(peakRatePerSecond, burst));
        },
      ),
    );
  });
});

describe('receiveCount', () => {
  test.each([
    [0.001, 3],
    [0.01, 3],
    [0.06, 5],
    [0.1, 6],
    [0.5, 20],
  ])('a share of %d lost attempts: %d receives', (share, expected) => {
    expect(receiveCount(share)).toBe(expected);
  });
});

describe('worstWaitSeconds', () => {
  const sizing = sizeWorkload(VIDEO);

  test('is the reaction time without spare capacity', () => {
    expect(worstWaitSeconds(sizing, 6, 0)).toBe(270);
  });

  test('shrinks with spare capacity', () => {
    expect(worstWaitSeconds(sizing, 6, 2)).toBeCloseTo(180);
    expect(worstWaitSeconds(sizing, 6, 6)).toBe(0);
    expect(worstWaitSeconds(sizing, 6, 9)).toBe(0);
    expect(worstWaitSeconds(sizing, 0, 0)).toBe(0);
  });

  test('stays within the acceptable latency with the advised spare capacity', () => {
    fc.assert(
      fc.property(declaredWorkload, fc.integer({ min: 1, max: 1000 }), (declared, jump) => {
        const s = sizeWorkload(declared);
        const spare = spareCapacity(s, jump);
        expect(worstWaitSeconds(s, jump, spare)).toBeLessThanOrEqual(
          s.acceptableLatencySeconds + 1e-6 * s.reactionSeconds,
        );
        if (s.acceptableLatencySeconds >= s.reactionSeconds) expect(spare).toBe(0);
      }),
    );
  });
});
