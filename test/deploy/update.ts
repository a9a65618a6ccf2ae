/** An update of the deployed stack: what changes is exactly what the templates say, and nothing is replaced. */
import assert from 'node:assert/strict';
import type { Assembly } from './assembly';
import type { Deployment, Facts } from './deployment';

/** The context of the update, and the properties that it changes. */
export const UPDATE = {
  context: 'maxCapacity=6',
  changes: [
    'VideosFleetGroupASG.MaxSize',
    'VideosMonitoringAtMaximum.AlarmDescription',
    'VideosMonitoringAtMaximum.Metrics',
    'VideosScalingInPolicy.StepAdjustments',
    'VideosScalingOut1Policy.StepAdjustments',
    'VideosScalingOut5Policy.StepAdjustments',
  ],
} as const;

/**
 * Deploys `after` over `before`.
 *
 * @returns the closing count of the comparison with `after`
 * @throws AssertionError when another value than the expected ones changed, one did not, or a resource was replaced
 */
export function updateStack(deployment: Deployment, before: Assembly, after: Assembly): string {
  const old = deployment.facts(before);
  deployment.deploy(after);
  const { differences, summary } = deployment.readBack(after);
  assert.deepEqual(differences, [], 'after the update, what is deployed differs from the template');
  const changed = deployment.readBack(before).differences.map(changedProperty);
  assert.deepEqual([...new Set(changed)].sort(), UPDATE.changes, 'other values than expected changed');
  assert.deepEqual(ids(deployment.facts(after)), ids(old), 'the update replaced a resource');
  return summary;
}

/** `VideosFleetGroupASG9DB649E3.MaxSize: template …` without the hash of the id and without what is inside of the property. */
function changedProperty(difference: string): string {
  const [, logicalId = '', property = ''] = /^(\w+)\.(\w+)/.exec(difference) ?? [];
  return `${logicalId.replace(/[0-9A-F]{8}$/, '')}.${property}`;
}

function ids(facts: Facts): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(facts).map(([path, { id }]) => [path, id]));
}
