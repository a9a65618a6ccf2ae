import { parseTrace } from '../../sim/trace';

describe('parseTrace', () => {
  test('reads arrivals and service times in any order, with header, comments and empty lines', () => {
    const { trace, durationSeconds } = parseTrace('second,service\n# morning\n5,2.5\n\n1.5\r\n3,\n', 'a.csv');
    expect([...(trace?.arrivals ?? [])]).toEqual([1.5, 3, 5]);
    expect([...(trace?.serviceSeconds ?? [])].map((value) => (Number.isNaN(value) ? null : value))).toEqual([
      null,
      null,
      2.5,
    ]);
    expect(durationSeconds).toBe(6);
  });

  test('takes the first row for the header, not the first line', () => {
    expect(parseTrace('# note\r\n\r\nsecond,service\r\n 7 , 2 \r\n', 'a.csv').trace).toEqual({
      arrivals: Float64Array.of(7),
      serviceSeconds: Float64Array.of(2),
    });
  });

  test.each([
    ['Unix seconds', '1764000060,5\n1764000000.5\n'],
    ['dates', 'at,service\n2025-11-24T16:01:00Z,5\n2025-11-24T16:00:00.500Z\n'],
    ['dates without a zone', '2025-11-24 16:01:00,5\n2025-11-24 16:00:00.5\n'],
    ['dates of two zones', '2025-11-24T17:01+01:00,5\n2025-11-24T16:00:00.5+00:00\n'],
  ])('begins with the first arrival when they are %s', (_, text) => {
    const { trace, durationSeconds } = parseTrace(text, 'a.csv');
    expect(trace).toEqual({ arrivals: Float64Array.of(0, 59.5), serviceSeconds: Float64Array.of(NaN, 5) });
    expect(durationSeconds).toBe(61);
  });

  test('takes quoted cells, a byte order mark and an idle time before the first arrival', () => {
    expect(parseTrace('\ufeff"second","service"\r\n"90","2.5"\r\n', 'a.csv').trace).toEqual({
      arrivals: Float64Array.of(90),
      serviceSeconds: Float64Array.of(2.5),
    });
  });

  test.each([
    ['1\nx\n', "a.csv:2: the arrival second must be a number of at least 0, or a date with a time: 'x'"],
    ['1\n\n-2\n', "a.csv:3: the arrival second must be a number of at least 0, or a date with a time: '-2'"],
    ['1,2\n2,long\n', "a.csv:2: the service seconds must be a number of at least 0: '2,long'"],
    ['1,2,3\n', "a.csv:1: has 3 columns instead of 'arrival second' and 'service seconds': '1,2,3'"],
    ['second\nsecond\n', "a.csv:2: the arrival second must be a number of at least 0, or a date with a time: 'second'"],
    ['0\n1764000000\n1\n', /^a.csv:2: arrives 20417 days after the start, .* arrivals are in seconds$/],
    ['2026-13-45T00:00:00Z\n', /^a.csv:1: the arrival second must be/],
    ['# nothing\n', 'a.csv: has no arrivals'],
  ])('fails when it is given %j', (text, message) => {
    expect(() => parseTrace(text, 'a.csv')).toThrow(typeof message === 'string' ? new Error(message) : message);
  });
});
