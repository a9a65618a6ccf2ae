/**
 * CloudWatch metric math, evaluated as its documentation states.
 *
 * The rules that alarms depend on:
 * - between two series a missing value counts as 0 where the other one has a value, in arithmetic and in comparisons;
 *   where both are missing there is no point; a series against a number has no point where the series has none;
 * - a division by zero drops the point;
 * - `IF(condition, a, b)` drops the point where the condition is missing, has 0 where the condition is true and the
 *   series `a` is missing, and drops the point where it is false and `b` is missing or left out.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (read November 2026)
 */
import { MetricMathError, type BinaryOperator, type MetricMathNode } from './metric-math-parser';

/** Values of one metric or expression, oldest first; NaN is a missing point. */
export type Series = readonly number[];

/** A number, a series, or an array of series. */
export type MetricMathValue = number | Series | { readonly list: readonly Series[] };

/** What an expression is evaluated on. */
export interface MetricMathInput {
  /** Points of each metric, by id, oldest first; all of `length`. */
  readonly metrics: ReadonlyMap<string, Series>;
  /** Other expressions, by id. */
  readonly expressions: ReadonlyMap<string, MetricMathNode>;
  /** Points of every series. */
  readonly length: number;
  /** Seconds between two points. */
  readonly periodSeconds: number;
  /** Start of the newest point, seconds since 1970. */
  readonly newestSeconds: number;
}

const isSeries = (value: MetricMathValue): value is Series => Array.isArray(value);
const isList = (value: MetricMathValue): value is { readonly list: readonly Series[] } =>
  typeof value === 'object' && !Array.isArray(value);
const present = (series: Series) => series.filter((value) => !Number.isNaN(value));

/**
 * Evaluates a parsed expression.
 *
 * @throws MetricMathError for an unknown id, an id that refers to itself, or an operand of the wrong type
 */
export function evaluateMetricMath(node: MetricMathNode, input: MetricMathInput): MetricMathValue {
  return evaluate(node, input, []);
}

function evaluate(node: MetricMathNode, input: MetricMathInput, path: readonly string[]): MetricMathValue {
  switch (node.kind) {
    case 'number':
      return node.value;
    case 'id': {
      const series = input.metrics.get(node.id);
      if (series !== undefined) return series;
      const expression = input.expressions.get(node.id);
      if (expression === undefined) throw new MetricMathError(`uses '${node.id}', which is not an id of this alarm`);
      if (path.includes(node.id)) throw new MetricMathError(`refers to itself: ${[...path, node.id].join(' > ')}`);
      return evaluate(expression, input, [...path, node.id]);
    }
    case 'array':
      return { list: node.items.flatMap((item) => seriesOf(evaluate(item, input, path), input)) };
    case 'negate':
      return combine('-', 0, evaluate(node.operand, input, path));
    case 'binary':
      return combine(node.operator, evaluate(node.left, input, path), evaluate(node.right, input, path));
    case 'call':
      return call(node.name, node.args, input, path);
    default:
      throw new MetricMathError(`has ${JSON.stringify(node)} where a value is needed`);
  }
}

function scalar(operator: BinaryOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? NaN : a / b;
    case '^':
      return a ** b;
    case '==':
      return Number(a === b);
    case '!=':
      return Number(a !== b);
    case '<=':
      return Number(a <= b);
    case '>=':
      return Number(a >= b);
    case '<':
      return Number(a < b);
    case '>':
      return Number(a > b);
    case 'AND':
      return Number(a !== 0 && b !== 0);
    case 'OR':
      return Number(a !== 0 || b !== 0);
  }
}

function combine(operator: BinaryOperator, left: MetricMathValue, right: MetricMathValue): MetricMathValue {
  if (typeof left === 'number' && typeof right === 'number') return scalar(operator, left, right);
  if (isList(left) && isList(right)) {
    if (left.list.length !== right.list.length) throw new MetricMathError('combines two arrays of different length');
    return { list: left.list.map((series, i) => combineSeries(operator, series, right.list[i] ?? [])) };
  }
  if (isList(left)) return { list: left.list.map((series) => combine(operator, series, right) as Series) };
  if (isList(right)) return { list: right.list.map((series) => combine(operator, left, series) as Series) };
  return combineSeries(operator, left, right);
}

function combineSeries(operator: BinaryOperator, left: number | Series, right: number | Series): Series {
  if (typeof left === 'number') {
    return (right as Series).map((b) => (Number.isNaN(b) ? NaN : scalar(operator, left, b)));
  }
  if (typeof right === 'number') return left.map((a) => (Number.isNaN(a) ? NaN : scalar(operator, a, right)));
  return left.map((a, i) => {
    const b = right[i] ?? NaN;
    if (Number.isNaN(a) && Number.isNaN(b)) return NaN;
    return scalar(operator, Number.isNaN(a) ? 0 : a, Number.isNaN(b) ? 0 : b);
  });
}

function condition(test: MetricMathValue, yes: MetricMathValue, no: MetricMathValue | undefined): MetricMathValue {
  if (isList(test) || isList(yes) || (no !== undefined && isList(no))) {
    throw new MetricMathError('gives IF an array of series');
  }
  const at = (value: number | Series, i: number) => (typeof value === 'number' ? value : (value[i] ?? NaN));
  if (typeof test === 'number') {
    if (typeof yes === 'number' && (no === undefined || typeof no === 'number')) return test !== 0 ? yes : (no ?? NaN);
    const length = isSeries(yes) ? yes.length : (no as Series).length;
    return Array.from({ length }, (_, i) => (test !== 0 ? at(yes, i) : no === undefined ? NaN : at(no, i)));
  }
  return test.map((value, i) => {
    if (Number.isNaN(value)) return NaN;
    if (value === 0) return no === undefined ? NaN : at(no, i);
    const chosen = at(yes, i);
    return Number.isNaN(chosen) ? 0 : chosen;
  });
}

/** Functions of each point. */
const POINTWISE: Readonly<Record<string, (value: number) => number>> = {
  ABS: Math.abs,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
  LOG: Math.log,
  LOG10: Math.log10,
};

/** Functions that make a number of one series, or one series of several. */
const AGGREGATES: Readonly<Record<string, (values: Series) => number>> = {
  AVG: (values) => (values.length === 0 ? NaN : AGGREGATES['SUM']!(values) / values.length),
  DATAPOINT_COUNT: (values) => values.length,
  MAX: (values) => (values.length === 0 ? NaN : Math.max(...values)),
  MIN: (values) => (values.length === 0 ? NaN : Math.min(...values)),
  STDDEV: (values) => {
    const mean = AGGREGATES['AVG']!(values);
    return Math.sqrt(AGGREGATES['AVG']!(values.map((value) => (value - mean) ** 2)));
  },
  SUM: (values) => (values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0)),
};

/** Functions of the time of each point. */
const CALENDAR: Readonly<Record<string, (time: Date) => number>> = {
  DATE: (time) => time.getUTCDate(),
  DAY: (time) => time.getUTCDay() || 7,
  EPOCH: (time) => time.getTime() / 1000,
  HOUR: (time) => time.getUTCHours(),
  MINUTE: (time) => time.getUTCMinutes(),
  MONTH: (time) => time.getUTCMonth() + 1,
  YEAR: (time) => time.getUTCFullYear(),
};

/** Functions of a whole series, which keep its length. */
const SERIESWISE: Readonly<Record<string, (series: Series, periodSeconds: number) => Series>> = {
  DIFF: (series) => differences(series, (value, previous) => value - previous),
  DIFF_TIME: (series, period) => differences(series, (_, __, steps) => steps * period),
  RATE: (series, period) => differences(series, (value, previous, steps) => (value - previous) / (steps * period)),
  RUNNING_SUM: (series) => {
    let sum = 0;
    return series.map((value) => (Number.isNaN(value) ? NaN : (sum += value)));
  },
};

function differences(series: Series, of: (value: number, previous: number, steps: number) => number): Series {
  let previous = -1;
  return series.map((value, i) => {
    if (Number.isNaN(value)) return NaN;
    const last = previous;
    previous = i;
    return last < 0 ? NaN : of(value, series[last] ?? NaN, i - last);
  });
}

function call(
  name: string,
  args: readonly MetricMathNode[],
  input: MetricMathInput,
  path: readonly string[],
): MetricMathValue {
  const arg = (i: number): MetricMathValue => evaluate(args[i] as MetricMathNode, input, path);
  const pointwise = POINTWISE[name];
  if (pointwise !== undefined) return map(arg(0), (series) => series.map(pointwise), pointwise);
  const aggregate = AGGREGATES[name];
  if (aggregate !== undefined) return reduce(aggregate, arg(0), input.length);
  const calendar = CALENDAR[name];
  if (calendar !== undefined) {
    return Array.from({ length: input.length }, (_, i) =>
      calendar(new Date((input.newestSeconds - (input.length - 1 - i) * input.periodSeconds) * 1000)),
    );
  }
  const serieswise = SERIESWISE[name];
  if (serieswise !== undefined) return map(arg(0), (series) => serieswise(series, input.periodSeconds));
  switch (name) {
    case 'IF':
      return condition(arg(0), arg(1), args.length > 2 ? arg(2) : undefined);
    case 'FILL':
      return fill(arg(0), args[1] as MetricMathNode, input, path);
    case 'METRICS': {
      const filter = args[0]?.kind === 'text' ? args[0].value : '';
      return { list: [...input.metrics].filter(([id]) => id.includes(filter)).map(([, series]) => series) };
    }
    case 'METRIC_COUNT':
      return seriesOf(arg(0), input).length;
    case 'PERIOD':
      return input.periodSeconds;
    case 'TIME_SERIES':
      return new Array<number>(input.length).fill(number(arg(0), name));
    case 'FIRST':
      return seriesOf(arg(0), input).at(0) ?? [];
    case 'LAST':
      return seriesOf(arg(0), input).at(-1) ?? [];
    case 'REMOVE_EMPTY':
      return { list: seriesOf(arg(0), input).filter((series) => present(series).length > 0) };
    case 'SLICE':
      return {
        list: seriesOf(arg(0), input).slice(number(arg(1), name), args.length > 2 ? number(arg(2), name) : undefined),
      };
    case 'SORT': {
      const [, by, order, limit] = args;
      const statistic = by?.kind === 'keyword' ? AGGREGATES[by.name] : undefined;
      if (statistic === undefined || order?.kind !== 'keyword' || !['ASC', 'DESC'].includes(order.name)) {
        throw new MetricMathError('gives SORT other arguments than an array, AVG, MIN, MAX or SUM, and ASC or DESC');
      }
      const sign = order.name === 'ASC' ? 1 : -1;
      const sorted = [...seriesOf(arg(0), input)].sort(
        (a, b) => sign * (statistic(present(a)) - statistic(present(b))),
      );
      return { list: limit === undefined ? sorted : sorted.slice(0, number(evaluate(limit, input, path), name)) };
    }
    default:
      throw new MetricMathError(`uses '${name}', which is not a metric math function`);
  }
}

function map(
  value: MetricMathValue,
  of: (series: Series) => Series,
  ofNumber?: (value: number) => number,
): MetricMathValue {
  if (typeof value === 'number') return ofNumber === undefined ? value : ofNumber(value);
  return isList(value) ? { list: value.list.map(of) } : of(value);
}

function reduce(aggregate: (values: Series) => number, value: MetricMathValue, length: number): MetricMathValue {
  if (typeof value === 'number') return aggregate([value]);
  if (!isList(value)) return aggregate(present(value));
  return Array.from({ length }, (_, i) => {
    const values = value.list.map((series) => series[i] ?? NaN);
    const known = present(values);
    if (known.length === 0) return NaN;
    // The documentation counts a missing value as 0 in an average of several series, and leaves it out elsewhere.
    return aggregate(aggregate === AGGREGATES['AVG'] ? values.map((v) => (Number.isNaN(v) ? 0 : v)) : known);
  });
}

function fill(
  value: MetricMathValue,
  filler: MetricMathNode,
  input: MetricMathInput,
  path: readonly string[],
): MetricMathValue {
  if (filler.kind === 'keyword') {
    return map(value, filler.name === 'LINEAR' ? fillLinear : fillRepeat);
  }
  const by = evaluate(filler, input, path);
  if (isList(by)) throw new MetricMathError('gives FILL an array of series as filler');
  return map(value, (series) =>
    series.map((point, i) => (Number.isNaN(point) ? (typeof by === 'number' ? by : (by[i] ?? NaN)) : point)),
  );
}

function fillRepeat(series: Series): Series {
  let last = NaN;
  return series.map((point) => (last = Number.isNaN(point) ? last : point));
}

/** Straight lines between two points; before the first and after the last point nothing is known. */
function fillLinear(series: Series): Series {
  const known = series.map((point, i) => (Number.isNaN(point) ? -1 : i)).filter((i) => i >= 0);
  return series.map((point, i) => {
    const before = known.findLast((k) => k <= i);
    const after = known.find((k) => k >= i);
    if (before === undefined || after === undefined || before === after) return point;
    const [low, high] = [series[before] ?? NaN, series[after] ?? NaN];
    return low + ((high - low) * (i - before)) / (after - before);
  });
}

function seriesOf(value: MetricMathValue, input: MetricMathInput): readonly Series[] {
  if (typeof value === 'number') return [new Array<number>(input.length).fill(value)];
  return isList(value) ? value.list : [value];
}

function number(value: MetricMathValue, name: string): number {
  if (typeof value !== 'number') throw new MetricMathError(`gives ${name} a series where it takes a number`);
  return value;
}
