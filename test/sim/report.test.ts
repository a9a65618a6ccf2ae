import { percent, reportTable } from '../../sim/report';
import { report } from './fixtures/report';

describe('reportTable', () => {
  test('has one line for each report', () => {
    const lines = reportTable([report('template'), report('keda')]).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(
      /^policy +in time +p50 +p95 +p99 +drain +instance-h +x bound +max +actions +killed +dead +left$/,
    );
    expect(lines[2]).toMatch(/^template +99.9 % +10 s +3 min +2.5 h +60 s +12.3 +1.23 +1234 +56 +7 +0 +1$/);
  });

  test('shows no wait where no job was done, and no cost against a bound of nothing', () => {
    const none = { mean: NaN, p50: NaN, p95: NaN, p99: NaN };
    const idle = { ...report('template'), done: 0, attainment: 0, waitSeconds: none, clairvoyantInstanceHours: 0 };
    const [, , row] = reportTable([idle]).split('\n');
    expect(row).toMatch(/^template +0.0 % +- +- +- +60 s +12.3 +- +1234 /);
  });

  test('is two tables on a terminal that is narrower, each within 80 columns', () => {
    const runs = [report('template'), report('queueProcessingOnInstances')];
    const width = reportTable(runs).indexOf('\n');
    expect(reportTable(runs, width)).toBe(reportTable(runs));
    const lines = reportTable(runs, width - 1).split('\n');
    expect(lines).toHaveLength(9);
    expect(lines[0]).toMatch(/^policy .* drain +dead +left$/);
    expect(lines[5]).toMatch(/^policy +instance-h .* killed$/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('percent', () => {
  test.each([
    [1, '100.0 %'],
    [0.99999, '99.9 %'],
    [0.95, '95.0 %'],
    [0.9499, '94.9 %'],
    [0.29, '29.0 %'],
    [0, '0.0 %'],
  ])('rounds %d down', (share, text) => {
    expect(percent(share)).toBe(text);
  });
});
