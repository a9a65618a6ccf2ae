import type { PolicyJson, StatementJson } from './policy-merge';
import { SQS_LIMITS } from './sqs-limits';
import type { Violations } from './violations';

/** What of a queue policy counts against a quota of SQS. */
export interface PolicyUse {
  /** At least so many: names that only the deployment knows count with the shortest value that they can have. */
  readonly bytes: number;
  readonly statements: number;
  readonly principals: number;
  /** Condition keys, over all statements. */
  readonly conditions: number;
  /** Actions of the statement that has the most. */
  readonly actionsPerStatement: number;
}

/** Measures a resolved queue policy. */
export function measurePolicy(policy: PolicyJson): PolicyUse {
  const statements = policy.Statement;
  return {
    bytes: Buffer.byteLength(JSON.stringify(shortest(policy))),
    statements: statements.length,
    principals: sum(statements.map(principalsOf)),
    conditions: sum(statements.map(conditionsOf)),
    actionsPerStatement: Math.max(0, ...statements.map((s) => listOf(s['Action'] ?? s['NotAction']).length)),
  };
}

/** Records each quota that the policy exceeds. */
export function checkPolicyBudget(violations: Violations, policy: PolicyJson): void {
  const use = measurePolicy(policy);
  const limit = SQS_LIMITS.policy;
  const advice = 'give senders a role of this account, or one organization instead of many accounts';
  if (use.statements > limit.statements)
    violations.add(
      'PolicyTooManyStatements',
      `'policy' (${use.statements} statements) must have at most ${limit.statements} statements: ${advice}`,
    );
  if (use.bytes > limit.bytes)
    violations.add(
      'PolicyTooLarge',
      `'policy' (at least ${use.bytes} bytes) must have at most ${limit.bytes} bytes: ${advice}`,
    );
  if (use.principals > limit.principals)
    violations.add(
      'PolicyTooManyPrincipals',
      `'policy' (${use.principals} principals) must have at most ${limit.principals} principals: ${advice}`,
    );
  if (use.conditions > limit.conditions)
    violations.add(
      'PolicyTooManyConditions',
      `'policy' (${use.conditions} conditions) must have at most ${limit.conditions} conditions: add producers of the same kind with the same conditions, they share one statement`,
    );
  if (use.actionsPerStatement > limit.actionsPerStatement)
    violations.add(
      'PolicyTooManyActions',
      `'policy' (${use.actionsPerStatement} actions in one statement) must have at most ${limit.actionsPerStatement} actions in one statement: split the statement`,
    );
}

function principalsOf(statement: StatementJson): number {
  const principal = statement['Principal'] ?? statement['NotPrincipal'];
  if (typeof principal !== 'object' || principal === null) return principal === undefined ? 0 : 1;
  return sum(Object.values(principal).map((value) => listOf(value).length));
}

function conditionsOf(statement: StatementJson): number {
  return sum(Object.values(statement['Condition'] ?? {}).map((keys) => Object.keys(keys as object).length));
}

/** Replaces intrinsics by the shortest text that they can become. */
function shortest(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shortest);
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument] = [], ...others] = Object.entries(value);
  if (others.length === 0 && name === 'Ref') return SHORTEST_PSEUDO[String(argument)] ?? '-';
  if (others.length === 0 && name === 'Fn::Join' && Array.isArray(argument)) {
    const parts: unknown = shortest(argument[1]);
    return Array.isArray(parts) ? parts.join(String(argument[0])) : '-';
  }
  if (others.length === 0 && name === 'Fn::GetAtt') return SHORTEST_ARN;
  if (others.length === 0 && name?.startsWith('Fn::')) return '-';
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, shortest(child)]));
}

const SHORTEST_ARN = 'arn:aws:s3:::abc';
const SHORTEST_PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': '000000000000',
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::URLSuffix': 'amazonaws.com',
};

function listOf(value: unknown): readonly unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
