import { Token, Tokenization } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type { Construct } from 'constructs';
import { ConfigurationError } from '../errors';

/** The group's CloudFormation resource. */
export function groupResource(group: autoscaling.AutoScalingGroup): autoscaling.CfnAutoScalingGroup {
  return group.node.defaultChild as autoscaling.CfnAutoScalingGroup;
}

/** The declared capacity, or the group's own; the group renders its sizes as text, possibly of a number token. */
export function groupCapacity(
  group: autoscaling.AutoScalingGroup,
  prop: 'minCapacity' | 'maxCapacity',
  declared: number | undefined,
  scope: Construct,
): number {
  const { minSize, maxSize } = groupResource(group);
  const size = declared ?? (prop === 'minCapacity' ? minSize : maxSize);
  const value = Token.isUnresolved(size) ? Tokenization.reverse(size) : Number(size);
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new ConfigurationError(
    'GroupCapacityUnknown',
    `GroupCapacityUnknown: '${prop}' (${Token.isUnresolved(size) ? 'a token' : size}) must be a whole number that is known at synth: pass it as a number, the steps are computed from it`,
    scope,
  );
}
