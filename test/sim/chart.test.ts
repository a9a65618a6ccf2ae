import type { AlarmState } from '../../sim/alarm-state';
import { chartOption } from '../../sim/chart';
import { Recorder } from '../../sim/recorder';
import type { Run } from '../../sim/run-options';
import { report } from './fixtures/report';

const band = (logicalId: string, state: AlarmState, sinceSeconds: number) => ({
  logicalId,
  state,
  sinceSeconds,
  value: 0,
  threshold: 0,
  scales: true,
});

/** An alarm that comes and goes between two points. */
function aRun(policy: string): Run {
  const recorder = new Recorder(6_000, 10);
  const moment = { visible: 1, inFlight: 1, desired: 1, inService: 1, total: 1 };
  recorder.record(0, { ...moment, alarms: [band('Out', 'OK', 0), band('In', 'OK', 0)] });
  recorder.wait(30);
  recorder.alarms([band('Out', 'ALARM', 60), band('In', 'OK', 0)]);
  recorder.alarms([band('Out', 'OK', 120), band('In', 'OK', 0)]);
  recorder.record(600, { ...moment, alarms: [band('Out', 'OK', 120), band('In', 'OK', 0)] });
  return { report: report(policy), recording: recorder.finish(6_000), events: [] };
}

type Option = ReturnType<typeof chartOption>['option'];
const legends = (option: Option) => (option.legend as { top: number; data: string[] }[]).map(({ data }) => data);
const titles = (option: Option) => (option.title as { text: string }[]).map(({ text }) => text);

describe('chartOption', () => {
  const runs = [aRun('template'), aRun('keda'), aRun('copilot')];
  const { option, height } = chartOption({ runs, acceptableLatencySeconds: 600, format: 'svg' });

  test('names the other policies once, above the panels', () => {
    expect(legends(option)).toEqual([
      ['keda', 'copilot'],
      ['waiting', 'in flight'],
      ['in service', 'paid, with boot and drain', 'desired'],
      ['wait p50', 'wait p95'],
    ]);
    const alone = chartOption({ runs: runs.slice(0, 1), acceptableLatencySeconds: 600, format: 'svg' });
    expect(alone.height).toBeLessThan(height);
    expect(legends(alone.option)[0]).toEqual([]);
  });

  test('has a title of its own in a file of its own, and the acceptable wait in that of the waits', () => {
    expect(titles(option)[0]).toMatch(/^step: 100 jobs/);
    expect(titles(option).at(-1)).toBe('Wait of jobs that finished (acceptable: 10 min)');
    const page = chartOption({ runs, acceptableLatencySeconds: 600, format: 'html' });
    expect(titles(page.option)[0]).toMatch(/^Other policies/);
  });

  test('draws an alarm that fired between two points, last so that it is not covered', () => {
    const alarms = (option.series as { name: string; data: unknown[] }[]).find(({ name }) => name === 'alarms');
    expect(alarms?.data).toHaveLength(4);
    expect(alarms?.data.at(-1)).toEqual([1, 60 / 3_600, 120 / 3_600, 'ALARM']);
  });
});
