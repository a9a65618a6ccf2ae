import { SQS_LIMITS } from './sqs-limits';

/** A statement of a resolved policy document; values may be CloudFormation intrinsics. */
export type StatementJson = Readonly<Record<string, unknown>>;

/** A resolved policy document. */
export interface PolicyJson {
  readonly Version?: string;
  readonly Statement: readonly StatementJson[];
}

/** Operators whose values are alternatives, so that two lists may become one. A negated operator's values are not. */
const ALTERNATIVES =
  /^(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike|Bool|IpAddress|NumericEquals)(IfExists)?$/;

/**
 * Joins statements that differ in one list only: principals, actions, resources, or the values of one condition key.
 * What the policy allows and denies stays the same; what changes is that it fits into SQS's 20 statements.
 */
export function mergePolicy(policy: PolicyJson): PolicyJson {
  const merged: StatementJson[] = [];
  for (const statement of policy.Statement) insert(merged, statement);
  return { ...policy, Statement: merged };
}

/** A join can make the result joinable with another one: that is why it is inserted again. */
function insert(statements: StatementJson[], statement: StatementJson): void {
  for (const [index, other] of statements.entries()) {
    const joined = join(other, statement);
    if (joined === undefined) continue;
    if (joined === other) return;
    statements.splice(index, 1);
    insert(statements, joined);
    return;
  }
  statements.push(statement);
}

/** The statement that says what both say, or undefined when there is none. */
function join(a: StatementJson, b: StatementJson): StatementJson | undefined {
  const [listsA, listsB] = [listsOf(a), listsOf(b)];
  if (listsA.size !== listsB.size || [...listsA.keys()].some((path) => !listsB.has(path))) return undefined;
  const different = [...listsA.keys()].filter((path) => !sameSet(listsA.get(path) ?? [], listsB.get(path) ?? []));
  const [path, ...more] = different;
  if (path === undefined) return a;
  if (more.length > 0 || !isMergeable(path)) return undefined;
  const values = union(listsA.get(path) ?? [], listsB.get(path) ?? []);
  if (path === 'Action' && values.length > SQS_LIMITS.policy.actionsPerStatement) return undefined;
  return withList(a, path.split('\n'), values);
}

/** Every leaf of the statement as a list of values, under its path (names joined by a line feed, which no name holds). */
function listsOf(statement: StatementJson): Map<string, readonly unknown[]> {
  const lists = new Map<string, readonly unknown[]>();
  const visit = (path: string, value: unknown, depth: number): void => {
    if (depth > 0 && isRecord(value)) {
      for (const [name, child] of Object.entries(value)) visit(`${path}\n${name}`, child, depth - 1);
    } else {
      lists.set(path, Array.isArray(value) ? value : [value]);
    }
  };
  const depths: Readonly<Record<string, number>> = { Principal: 1, NotPrincipal: 1, Condition: 2 };
  for (const [name, value] of Object.entries(statement)) visit(name, value, depths[name] ?? 0);
  return lists;
}

function isMergeable(path: string): boolean {
  const [element, operator] = path.split('\n');
  if (element === 'Condition') return ALTERNATIVES.test(operator ?? '');
  return element === 'Principal' || element === 'Action' || element === 'Resource';
}

function withList(record: Readonly<Record<string, unknown>>, path: readonly string[], list: unknown[]): StatementJson {
  const [name, ...rest] = path;
  if (name === undefined) return record;
  const child = record[name];
  return { ...record, [name]: rest.length > 0 && isRecord(child) ? withList(child, rest, list) : list };
}

function sameSet(a: readonly unknown[], b: readonly unknown[]): boolean {
  return union(a, []).length === union(b, []).length && union(a, b).length === union(a, []).length;
}

function union(a: readonly unknown[], b: readonly unknown[]): unknown[] {
  return [...new Map([...a, ...b].map((value) => [JSON.stringify(value), value])).values()];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
