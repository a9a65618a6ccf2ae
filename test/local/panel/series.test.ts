import type { ChartSample, LocalState } from '../../../local/panel-api';
import { sampleOf } from '../../../local/chart-sample';
import { Series } from '../../../local/panel/series';

const state = (
  elapsedSeconds: number,
  alarm: 'OK' | 'ALARM' = 'OK',
  comparison = 'GreaterThanThreshold',
): ChartSample =>
  sampleOf({
    clock: { elapsedSeconds },
    queues: [
      { visible: 3, delayed: 1, inFlight: 2, oldestAgeSeconds: 9 },
      { visible: 7, delayed: 0, inFlight: 0, oldestAgeSeconds: 99, deadLetterOf: 'jobs' },
    ],
    group: { inService: 2, desired: 4 },
    alarms: [
      { state: alarm, scaling: true, comparison },
      { state: 'ALARM', scaling: false, comparison },
    ],
  } as unknown as LocalState);

describe('Series', () => {
  test('adds up the work, without the dead letters', () => {
    const series = new Series();
    series.add(state(1));
    expect([series.visible, series.inFlight, series.oldestSeconds]).toEqual([[4], [2], [9]]);
    expect([series.inService, series.desired]).toEqual([[2], [4]]);
  });

  test('keeps times ascending when a connection repeats them', () => {
    const series = new Series();
    for (const seconds of [1, 2, 2, 1, 3]) series.add(state(seconds));
    expect(series.seconds).toEqual([1, 2, 3]);
  });

  test('marks the time in which a scaling alarm fires', () => {
    const series = new Series();
    const states = ['OK', 'ALARM', 'ALARM', 'OK', 'ALARM'] as const;
    states.forEach((alarm, i) => series.add(state(i, alarm)));
    expect(series.bands).toEqual([
      { direction: 'out', fromSeconds: 1, toSeconds: 3 },
      { direction: 'out', fromSeconds: 4, toSeconds: undefined },
    ]);
  });

  test('tells alarms for more instances from those for fewer', () => {
    const series = new Series();
    series.add(state(1, 'ALARM', 'LessThanThreshold'));
    series.add(state(2, 'ALARM'));
    expect(series.bands).toEqual([
      { direction: 'in', fromSeconds: 1, toSeconds: 2 },
      { direction: 'out', fromSeconds: 2, toSeconds: undefined },
    ]);
  });

  test('forgets the oldest', () => {
    const series = new Series();
    for (let i = 0; i < 1_300; i++) series.add(state(i));
    expect(series.seconds).toHaveLength(1_200);
    expect(series.visible).toHaveLength(1_200);
    expect(series.seconds[0]).toBe(100);
  });
});
