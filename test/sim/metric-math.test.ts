import { evaluateMetricMath, type Series } from '../../sim/metric-math';
import { MetricMathError, metricMathIds, parseMetricMath } from '../../sim/metric-math-parser';
import fc, { runs } from '../support/properties';

const _ = NaN;
const evaluate = (expression: string, metrics: Record<string, Series> = {}, expressions: Record<string, string> = {}) =>
  evaluateMetricMath(parseMetricMath(expression), {
    metrics: new Map(Object.entries(metrics)),
    expressions: new Map(Object.entries(expressions).map(([id, text]) => [id, parseMetricMath(text)])),
    length: Object.values(metrics)[0]?.length ?? 3,
    periodSeconds: 60,
    newestSeconds: Date.UTC(2026, 10, 22, 16, 5) / 1000,
  });

describe('metric math', () => {
  test.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['2 ^ 3 ^ 2', 512],
    ['-2 ^ 2', -4],
    ['8 / 2 / 2', 2],
    ['1 - 2 - 3', -4],
    ['1.5e2 + .5', 150.5],
    ['1 < 2 AND 3 >= 3', 1],
    ['0 && 1 || 1', 1],
    ['1 == 1', 1],
    ['1 != 1', 0],
    ['IF(1 > 2, 10, 20)', 20],
    ['1 / 0', _],
    ['CEIL(1.2) + FLOOR(1.8) + ABS(-2)', 5],
  ])('computes %s', (expression, value) => {
    expect(evaluate(expression)).toEqual(value);
  });

  // The tables of CloudWatch's own documentation.
  test.each<[string, Series]>([
    ['a < b', [0, 0, 1, 0]],
    ['a >= 30', [1, 0, 0, 0]],
    ['a > 15 AND b > 15', [1, 0, 0, 0]],
  ])('compares as documented: %s', (expression, values) => {
    expect(evaluate(expression, { a: [30, 20, 0, 0], b: [20, _, 20, _] })).toEqual(values);
  });

  test.each<[string, Series]>([
    ['IF(a, b, c)', [30, 0, 20, _, _]],
    ['IF(a, 5, c)', [5, 5, 20, _, _]],
    ['IF(a, b, 5)', [30, 0, 5, 5, _]],
    ['IF(a, b)', [30, 0, _, _, _]],
    ['IF(1, b)', [30, _, 0, 0, 30]],
    ['IF(0, b)', [_, _, _, _, _]],
    ['IF(0, 1, c)', [0, 0, 20, _, 20]],
  ])('chooses as documented: %s', (expression, values) => {
    expect(evaluate(expression, { a: [1, 1, 0, 0, _], b: [30, _, 0, 0, 30], c: [0, 0, 20, _, 20] })).toEqual(values);
  });

  test.each<[string, Series]>([
    ['a + b', [11, 2, 30, _]],
    ['a - b', [-9, 2, -30, _]],
    ['a / b', [0.1, _, 0, _]],
    ['b / a', [10, 0, _, _]],
    ['a + 1', [2, 3, _, _]],
    ['-a', [-1, -2, _, _]],
    ['IF(a >= 0, a + b)', [11, 2, _, _]],
    ['IF((a >= 0) AND (b >= 0), a + b)', [11, _, _, _]],
    ['IF(a >= 0, IF(b >= 0, a + b))', [11, 0, _, _]],
    ['MAX([a, b])', [10, 2, 30, _]],
    ['MIN(METRICS())', [1, 2, 30, _]],
    ['SUM(METRICS("a"))', [1, 2, _, _]],
    ['AVG([a, b])', [5.5, 1, 15, _]],
    ['SUM(100 / [a, b])', [110, 50, 100 / 30, _]],
    ['FILL(a, 0)', [1, 2, 0, 0]],
    ['FILL(a, REPEAT)', [1, 2, 2, 2]],
    ['FILL(b, LINEAR)', [10, 20, 30, _]],
    ['FILL(a, b)', [1, 2, 30, _]],
    ['FILL(a, MAX(b))', [1, 2, 30, 30]],
    ['RUNNING_SUM(b)', [10, _, 40, _]],
    ['DIFF(b)', [_, _, 20, _]],
    ['DIFF_TIME(b)', [_, _, 120, _]],
    ['RATE(b)', [_, _, 20 / 120, _]],
    ['a * PERIOD(a)', [60, 120, _, _]],
    ['TIME_SERIES(MAX(a))', [2, 2, 2, 2]],
    ['a / METRIC_COUNT(METRICS())', [0.5, 1, _, _]],
    ['a * DATAPOINT_COUNT(a)', [2, 4, _, _]],
    ['a * STDDEV(a)', [0.5, 1, _, _]],
    ['FIRST(SORT(METRICS(), SUM, DESC))', [10, _, 30, _]],
    ['LAST(SORT(METRICS(), SUM, DESC, 1))', [10, _, 30, _]],
    ['FIRST(SLICE(METRICS(), 1))', [10, _, 30, _]],
    ['FIRST(SLICE(METRICS(), 0, 1))', [1, 2, _, _]],
    ['LAST(REMOVE_EMPTY([a, b, IF(0, a)]))', [10, _, 30, _]],
    ['MINUTE(a)', [2, 3, 4, 5]],
    ['HOUR(a) + DAY(a) * 100', [716, 716, 716, 716]],
    ['DATE(a) + MONTH(a) * 100 + YEAR(a) * 10000', [20261122, 20261122, 20261122, 20261122]],
    ['DIFF(EPOCH(a))', [_, 60, 60, 60]],
    ['LOG(a) + LOG10(a)', [0, Math.log(2) + Math.log10(2), _, _]],
  ])('evaluates %s with missing points', (expression, values) => {
    expect(evaluate(expression, { a: [1, 2, _, _], b: [10, _, 30, _] })).toEqual(values);
  });

  test('reads other expressions by id', () => {
    expect(evaluate('need * 2', { a: [1, 2] }, { need: 'half + 1', half: 'a / 2' })).toEqual([3, 4]);
  });

  test.each([
    ['SQRT(a)', "uses 'SQRT', which is not a metric math function"],
    ['SEARCH("x", "Sum")', 'uses SEARCH, which cannot be evaluated without AWS'],
    ['IF(a)', 'gives IF 1 arguments: it takes 2 to 3'],
    ['MAX(a, a)', 'gives MAX 2 arguments: it takes 1'],
    ['a +', 'has an unexpected the end at 3'],
    ['a b', 'has an unexpected b at 3'],
    ['(a', "needs ')' before the end at 2"],
    ['a # b', "has an unexpected '#' at 2"],
    ['Max + 1', "uses 'Max': ids start with a lowercase letter, functions need parentheses"],
    ['gone + 1', "uses 'gone', which is not an id of this alarm"],
    ['TIME_SERIES(a)', 'gives TIME_SERIES a series where it takes a number'],
    ['SORT([a], a, ASC)', 'gives SORT other arguments than an array, AVG, MIN, MAX or SUM, and ASC or DESC'],
    ['[a] + [a, a]', 'combines two arrays of different length'],
    ['IF([a], 1)', 'gives IF an array of series'],
    ['"text" + 1', 'has {"kind":"text","value":"text"} where a value is needed'],
  ])('fails when it is given %s', (expression, message) => {
    expect(() => evaluate(expression, { a: [1] })).toThrow(new MetricMathError(message));
  });

  test('fails when an expression refers to itself', () => {
    expect(() => evaluate('x', {}, { x: 'y + 1', y: 'x' })).toThrow('refers to itself: x > y > x');
  });

  test('lists the ids that an expression reads', () => {
    expect(metricMathIds(parseMetricMath('IF(v >= 0, -[v, f] + MAX([g]))'))).toEqual(['v', 'f', 'g']);
  });

  test('has a point for a + b exactly where a or b has one, and it is their sum', () => {
    const point = fc.option(fc.integer({ min: -1000, max: 1000 }), { nil: _ });
    fc.assert(
      fc.property(fc.array(fc.tuple(point, point), { minLength: 1, maxLength: 8 }), (points) => {
        const sum = evaluate('a + b', { a: points.map(([a]) => a), b: points.map(([, b]) => b) }) as Series;
        points.forEach(([a, b], i) => {
          expect(sum[i]).toBe(Number.isNaN(a) && Number.isNaN(b) ? NaN : (a || 0) + (b || 0));
        });
      }),
      { numRuns: runs(100) },
    );
  });
});
