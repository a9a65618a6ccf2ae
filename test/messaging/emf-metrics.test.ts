import { EMF_METRICS, EmfMetrics, type EmfMetricsOptions } from '../../messaging/emf-metrics';
import { ManualClock, turns } from '../support/manual-clock';

interface EmfRecord extends Record<string, unknown> {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: Array<{
      Namespace: string;
      Dimensions: string[][];
      Metrics: Array<{ Name: string; Unit: string; StorageResolution?: number }>;
    }>;
  };
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
function requireValid(line: string): EmfRecord {
  expect(line).toMatch(/^[^\n]+\n$/);
  expect(Buffer.byteLength(line)).toBeLessThan(1_048_576);
  const record = JSON.parse(line) as EmfRecord;
  expect(Number.isInteger(record._aws.Timestamp)).toBe(true);
  expect(record._aws.CloudWatchMetrics).toHaveLength(1);
  for (const { Namespace, Dimensions, Metrics } of record._aws.CloudWatchMetrics) {
    expect(Namespace).toMatch(/^.{1,1024}$/);
    expect(Dimensions).toHaveLength(1);
    for (const name of Dimensions.flat()) expect(typeof record[name]).toBe('string');
    expect(Dimensions.flat().length).toBeLessThanOrEqual(30);
    expect(Metrics.length).toBeLessThanOrEqual(100);
    expect(new Set(Metrics.map(({ Name }) => Name)).size).toBe(Metrics.length);
    for (const { Name, Unit, StorageResolution } of Metrics) {
      expect(['Count', 'Percent', 'Milliseconds']).toContain(Unit);
      expect([undefined, 1, 60]).toContain(StorageResolution);
      const values = [record[Name]].flat();
      expect(values.length).toBeGreaterThan(0);
      expect(values.length).toBeLessThanOrEqual(100);
      for (const value of values) expect(Number.isFinite(value)).toBe(true);
    }
  }
  return record;
}

const stats = { running: 3, leased: 5, acking: 2 };

function setUp(options: Partial<EmfMetricsOptions> = {}) {
  const clock = new ManualClock();
  const records: EmfRecord[] = [];
  const write = (line: string): void => void records.push(requireValid(line));
  const metrics = new EmfMetrics({
    namespace: 'Jobs',
    dimensions: { QueueName: 'jobs' },
    slots: 4,
    clock,
    write,
    ...options,
  });
  return { clock, records, metrics };
}

describe('EmfMetrics', () => {
  test('writes counts, gauges and samples each interval, and starts again from zero', async () => {
    const { clock, records, metrics } = setUp({ backlog: () => Promise.resolve(100), workers: () => 5 });
    metrics.start({ stats: () => stats });
    metrics.received({ messages: [1, 2, 3] });
    metrics.finished({ outcome: 'succeeded', durationMs: 12.3456 });
    metrics.finished({ outcome: 'failed', durationMs: 5 });
    metrics.finished({ outcome: 'duplicate', durationMs: 0 });
    metrics.renewed({ slackMs: 9_000.4 });
    metrics.duplicate();
    metrics.quarantined();
    metrics.leaseLost();
    metrics.pollFailed();
    metrics.callFailed();
    await clock.advance(60_000);
    expect(records).toEqual([
      {
        _aws: expect.objectContaining({ Timestamp: clock.wallClock() }),
        QueueName: 'jobs',
        Received: 3,
        Succeeded: 1,
        Failed: 1,
        Quarantined: 1,
        DuplicatesSaved: 1,
        LeasesLost: 1,
        LeaseRenewals: 1,
        CallsFailed: 2,
        InFlight: 7,
        BusySlots: 3,
        BusySlotsPercent: 75,
        BacklogPerSlot: 5,
        LeaseSlack: [9_000],
        HandlerDuration: [12.346, 5],
      },
    ]);
    const [directive] = records[0]?._aws.CloudWatchMetrics ?? [];
    expect(directive?.Dimensions).toEqual([['QueueName']]);
    expect(directive?.Metrics.toSorted((a, b) => a.Name.localeCompare(b.Name))).toEqual(
      Object.entries(EMF_METRICS)
        .map(([Name, Unit]) => ({ Name, Unit }))
        .toSorted((a, b) => a.Name.localeCompare(b.Name)),
    );
    await clock.advance(60_000);
    expect(records[1]).toMatchObject({ Received: 0, LeaseRenewals: 0 });
    expect(records[1]).not.toHaveProperty('LeaseSlack');
  });

  test('keeps the smallest and largest of very many values', async () => {
    const { clock, records, metrics } = setUp();
    metrics.start({ stats: () => stats });
    for (let n = 1; n <= 5_000; n++) metrics.renewed({ slackMs: n === 2_500 ? -7 : n });
    await clock.advance(60_000);
    const values = records[0]?.['LeaseSlack'] as number[];
    expect(values).toHaveLength(100);
    expect([Math.min(...values), Math.max(...values)]).toEqual([-7, 5_000]);
  });

  test.each([
    [1, ['BacklogPerSlot', 'BusySlots']],
    [59, ['BacklogPerSlot', 'BusySlots']],
    [60, []],
  ])('an interval of %d seconds has high resolution for %p only', async (intervalSeconds, names) => {
    const { clock, records, metrics } = setUp({ intervalSeconds, backlog: async () => 1 });
    metrics.start({ stats: () => stats });
    await clock.advance(intervalSeconds * 1_000);
    const written = records[0]?._aws.CloudWatchMetrics[0]?.Metrics ?? [];
    expect(
      written
        .filter(({ StorageResolution }) => StorageResolution === 1)
        .map(({ Name }) => Name)
        .sort(),
    ).toEqual(names);
  });

  test('leaves the backlog out when it cannot be known', async () => {
    const { clock, records, metrics } = setUp({ backlog: () => Promise.reject(new Error('denied')) });
    metrics.start({ stats: () => stats });
    await clock.advance(60_000);
    expect(records[0]).not.toHaveProperty('BacklogPerSlot');
  });

  test('writes a last record when it stops, and then no more', async () => {
    const { clock, records, metrics } = setUp();
    metrics.start({ stats: () => stats });
    metrics.duplicate();
    await metrics.stop();
    await metrics.stop();
    await turns();
    expect(records).toEqual([expect.objectContaining({ DuplicatesSaved: 1 })]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('fails when options are not valid, naming all of them', () => {
    expect(() =>
      setUp({ namespace: 'AWS/SQS', dimensions: { Received: 'x' }, slots: 0, intervalSeconds: 0.5 }),
    ).toThrow(/'namespace' \(AWS\/SQS\)[^]*'dimensions' \(Received=x\)[^]*'slots' \(0 m[^]*'intervalSeconds' \(0.5 s/);
  });
});
