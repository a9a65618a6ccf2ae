import { spawnSync } from 'node:child_process';

const plan = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'bin/queue-fleet.ts', 'plan', ...args], { encoding: 'utf8' });

describe('queue-fleet plan', () => {
  test('prints JSON', () => {
    const { status, stdout } = plan('--processing-time', '180', '--p99', '720', '--latency', '600', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ sizing: { visibilitySeconds: 300 }, maxCapacity: 10, warnings: [] });
  }, 30_000);

  test('fails when the workload is refused', () => {
    const { status, stdout, stderr } = plan('--processing-time', '180', '--p99', '7', '--latency', '600');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^P99BelowAverage: 'p99ProcessingTime' \(7 seconds\) must not be less/);
  }, 30_000);
});
