import { nextAlarmState, type AlarmRule } from '../../sim/alarm-state';

const STATES = { O: 'OK', A: 'ALARM', I: 'INSUFFICIENT_DATA', R: 'OK' } as const;
const points = (text: string) => [...text].map((c) => (c === '-' ? NaN : c === 'X' ? 9 : 0));

/** Expected letters in the order missing, ignore, breaching, notBreaching; R retains the current state (OK here). */
const TREATMENTS = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;

describe('nextAlarmState', () => {
  // Both tables of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
  test.each([
    [3, '0-X-X', 'OOOO'],
    [3, '0----', 'OOOO'],
    [3, '-----', 'IRAO'],
    [3, '0XX-X', 'AAAA'],
    [3, '----X', 'IRAO'],
    [3, 'X----', 'ARAO'],
    [2, '0-X-X', 'AAAA'],
    [2, '00X0X', 'AAAA'],
    [2, '0-X--', 'OOAO'],
    [2, '----0', 'OOAO'],
    [2, '----X', 'IRAO'],
  ])('gives the documented state for %i of 3 and %s', (datapointsToAlarm, text, expected) => {
    TREATMENTS.forEach((treatMissingData, i) => {
      const rule: AlarmRule = {
        comparison: 'GreaterThanThreshold',
        threshold: 5,
        evaluationPeriods: 3,
        datapointsToAlarm,
        treatMissingData,
      };
      const state = nextAlarmState(rule, points(text), 'OK');
      expect([treatMissingData, state]).toEqual([treatMissingData, STATES[expected[i] as keyof typeof STATES]]);
    });
  });

  test.each([
    ['GreaterThanThreshold', 5, 'OK'],
    ['GreaterThanOrEqualToThreshold', 5, 'ALARM'],
    ['LessThanThreshold', 5, 'OK'],
    ['LessThanOrEqualToThreshold', 5, 'ALARM'],
    ['LessThanThreshold', 4, 'ALARM'],
  ] as const)('compares by %s: %d', (comparison, value, state) => {
    const rule: AlarmRule = {
      comparison,
      threshold: 5,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      treatMissingData: 'missing',
    };
    expect(nextAlarmState(rule, [value], 'OK')).toBe(state);
  });

  test('keeps an alarm on with ignore while no data comes', () => {
    const rule: AlarmRule = {
      comparison: 'GreaterThanThreshold',
      threshold: 5,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      treatMissingData: 'ignore',
    };
    expect(nextAlarmState(rule, [NaN, NaN, NaN], 'ALARM')).toBe('ALARM');
  });
});
