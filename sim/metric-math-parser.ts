/** CloudWatch metric math, text to tree. What an expression means is in `metric-math.ts`. */

/** Why an expression is not CloudWatch metric math, or not one that an alarm may use. */
export class MetricMathError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MetricMathError';
  }
}

/** Operators of two operands. `AND` and `OR` also stand for `&&` and `||`. */
export type BinaryOperator = '+' | '-' | '*' | '/' | '^' | '==' | '!=' | '<=' | '>=' | '<' | '>' | 'AND' | 'OR';

/** Syntax tree of an expression. */
export type MetricMathNode =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'keyword'; readonly name: string }
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'array'; readonly items: readonly MetricMathNode[] }
  | { readonly kind: 'negate'; readonly operand: MetricMathNode }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: MetricMathNode;
      readonly right: MetricMathNode;
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly MetricMathNode[] };

/**
 * Functions that can be evaluated here, with their least and most arguments.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (read November 2026)
 */
export const METRIC_MATH_FUNCTIONS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  ABS: [1, 1],
  AVG: [1, 1],
  CEIL: [1, 1],
  DATAPOINT_COUNT: [1, 1],
  DATE: [1, 1],
  DAY: [1, 1],
  DIFF: [1, 1],
  DIFF_TIME: [1, 1],
  EPOCH: [1, 1],
  FILL: [2, 2],
  FIRST: [1, 1],
  FLOOR: [1, 1],
  HOUR: [1, 1],
  IF: [2, 3],
  LAST: [1, 1],
  LOG: [1, 1],
  LOG10: [1, 1],
  MAX: [1, 1],
  METRICS: [0, 1],
  METRIC_COUNT: [1, 1],
  MIN: [1, 1],
  MINUTE: [1, 1],
  MONTH: [1, 1],
  PERIOD: [1, 1],
  RATE: [1, 1],
  REMOVE_EMPTY: [1, 1],
  RUNNING_SUM: [1, 1],
  SLICE: [2, 3],
  SORT: [3, 4],
  STDDEV: [1, 1],
  SUM: [1, 1],
  TIME_SERIES: [1, 1],
  YEAR: [1, 1],
};

/** Functions that CloudWatch has but that need data which neither a simulation nor a local run holds. */
const NEEDS_AWS = new Set([
  'ANOMALY_DETECTION_BAND',
  'DB_PERF_INSIGHTS',
  'INSIGHT_RULE_METRIC',
  'LAMBDA',
  'SEARCH',
  'SERVICE_QUOTA',
]);

const KEYWORDS = new Set(['REPEAT', 'LINEAR', 'ASC', 'DESC', 'AVG', 'MIN', 'MAX', 'SUM']);

/** Binding strength; `^` binds strongest and to the right. */
const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  OR: 1,
  AND: 2,
  '==': 3,
  '!=': 3,
  '<=': 4,
  '>=': 4,
  '<': 4,
  '>': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '^': 8,
};
const NEGATION = 7;

const TOKEN =
  /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|("[^"]*"|'[^']*')|(==|!=|<=|>=|&&|\|\||[-+*/^<>(),[\]]))/y;

interface Token {
  readonly kind: 'number' | 'word' | 'text' | 'operator' | 'end';
  readonly text: string;
  readonly position: number;
}

function tokenize(expression: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = expression.trimEnd().length;
  let position = 0;
  while (position < end) {
    TOKEN.lastIndex = position;
    const match = TOKEN.exec(expression);
    if (match === null) {
      throw new MetricMathError(
        `has an unexpected '${expression.slice(position).trim().charAt(0)}' at ${position + 1}`,
      );
    }
    const [, number, word, text, operator] = match;
    position = TOKEN.lastIndex;
    if (number !== undefined) tokens.push({ kind: 'number', text: number, position });
    else if (text !== undefined) tokens.push({ kind: 'text', text: text.slice(1, -1), position });
    else if (word === 'AND' || word === 'OR') tokens.push({ kind: 'operator', text: word, position });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, position });
    else
      tokens.push({ kind: 'operator', text: { '&&': 'AND', '||': 'OR' }[operator ?? ''] ?? operator ?? '', position });
  }
  tokens.push({ kind: 'end', text: 'the end', position });
  return tokens;
}

/**
 * Parses an expression.
 *
 * @throws MetricMathError with the reason: a syntax error, an unknown function, a wrong number of arguments
 */
export function parseMetricMath(expression: string): MetricMathNode {
  const tokens = tokenize(expression);
  let next = 0;
  const peek = (): Token => tokens[next] ?? { kind: 'end', text: 'the end', position: 0 };
  const take = (): Token => {
    const token = peek();
    next++;
    return token;
  };
  const isOperator = (text: string) => peek().kind === 'operator' && peek().text === text;
  const expect = (text: string) => {
    const token = take();
    if (token.kind !== 'operator' || token.text !== text) {
      throw new MetricMathError(`needs '${text}' before ${token.text} at ${token.position}`);
    }
  };
  const items = (close: string): MetricMathNode[] => {
    const list: MetricMathNode[] = [];
    while (!isOperator(close)) {
      if (list.length > 0) expect(',');
      list.push(parse(0));
    }
    expect(close);
    return list;
  };

  const primary = (): MetricMathNode => {
    const token = take();
    if (token.kind === 'number') return { kind: 'number', value: Number(token.text) };
    if (token.kind === 'text') return { kind: 'text', value: token.text };
    if (token.kind === 'word') {
      if (isOperator('(')) return call(token.text);
      if (KEYWORDS.has(token.text)) return { kind: 'keyword', name: token.text };
      if (!/^[a-z]/.test(token.text)) {
        throw new MetricMathError(
          `uses '${token.text}': ids start with a lowercase letter, functions need parentheses`,
        );
      }
      return { kind: 'id', id: token.text };
    }
    if (token.text === '(') {
      const inner = parse(0);
      expect(')');
      return inner;
    }
    if (token.text === '[') return { kind: 'array', items: items(']') };
    if (token.text === '-') return { kind: 'negate', operand: parse(NEGATION) };
    throw new MetricMathError(`has an unexpected ${token.text} at ${token.position}`);
  };

  const call = (name: string): MetricMathNode => {
    const arity = METRIC_MATH_FUNCTIONS[name];
    if (NEEDS_AWS.has(name)) throw new MetricMathError(`uses ${name}, which cannot be evaluated without AWS`);
    if (arity === undefined) throw new MetricMathError(`uses '${name}', which is not a metric math function`);
    take();
    const args = items(')');
    if (args.length < arity[0] || args.length > arity[1]) {
      throw new MetricMathError(`gives ${name} ${args.length} arguments: it takes ${[...new Set(arity)].join(' to ')}`);
    }
    return { kind: 'call', name, args };
  };

  const parse = (floor: number): MetricMathNode => {
    let left = primary();
    for (;;) {
      const operator = peek().kind === 'operator' ? (peek().text as BinaryOperator) : undefined;
      const strength = operator === undefined ? undefined : PRECEDENCE[operator];
      if (operator === undefined || strength === undefined || strength < floor) return left;
      take();
      const right = parse(operator === '^' ? strength : strength + 0.5);
      left = { kind: 'binary', operator, left, right };
    }
  };

  const tree = parse(0);
  if (peek().kind !== 'end') throw new MetricMathError(`has an unexpected ${peek().text} at ${peek().position}`);
  return tree;
}

/** Ids of metrics and expressions that a tree reads, each once. */
export function metricMathIds(node: MetricMathNode): readonly string[] {
  switch (node.kind) {
    case 'id':
      return [node.id];
    case 'negate':
      return metricMathIds(node.operand);
    case 'binary':
      return [...new Set([...metricMathIds(node.left), ...metricMathIds(node.right)])];
    case 'array':
      return [...new Set(node.items.flatMap(metricMathIds))];
    case 'call':
      return [...new Set(node.args.flatMap(metricMathIds))];
    default:
      return [];
  }
}
