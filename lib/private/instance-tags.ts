import { Stack, Token } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { IConstruct } from 'constructs';
import { Violations } from './violations';

/**
 * EC2 launches no instance that shows its tags in instance metadata and has a tag key with other characters, or one of
 * these keys. Read November 2026: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
 */
const SHOWN_TAG_KEY = /^[A-Za-z0-9+\-=.,_:@]+$/;
const NO_TAG_KEYS: readonly string[] = ['.', '..', '_index'];

/**
 * Refuses tags that would keep the group from launching, when everything has been tagged: tags come from aspects
 * (`Tags.of(app)`), long after the fleet was made.
 */
export function guardInstanceTags(
  scope: IConstruct,
  group: autoscaling.CfnAutoScalingGroup,
  launchTemplate: ec2.CfnLaunchTemplate,
): void {
  scope.node.addValidation({
    validate: () => {
      const violations = new Violations(scope);
      for (const key of instanceTagKeys(scope, group, launchTemplate)) {
        if (Token.isUnresolved(key) || (SHOWN_TAG_KEY.test(key) && !NO_TAG_KEYS.includes(key))) continue;
        violations.add(
          'InstanceTagKeyNotValid',
          `tag '${key}' must have letters, digits and + - = . , _ : @ only, because EC2 launches no instance that shows it in its metadata: rename it, or keep it from instances with 'applyToLaunchedInstances: false' on the group and 'excludeResourceTypes: ["AWS::EC2::LaunchTemplate"]'`,
        );
      }
      violations.throwIfAny();
      return [];
    },
  });
}

interface GroupTag {
  readonly key: string;
  readonly propagateAtLaunch: boolean;
}

/** Keys of all tags that an instance gets: from its group, its launch template, and the stack. */
function instanceTagKeys(
  scope: IConstruct,
  group: autoscaling.CfnAutoScalingGroup,
  launchTemplate: ec2.CfnLaunchTemplate,
): Set<string> {
  const stack = Stack.of(scope);
  const ofGroup = (stack.resolve(group.tags.renderTags()) ?? []) as GroupTag[];
  const data = stack.resolve(launchTemplate.launchTemplateData) as ec2.CfnLaunchTemplate.LaunchTemplateDataProperty;
  const specifications = (data.tagSpecifications ?? []) as ec2.CfnLaunchTemplate.TagSpecificationProperty[];
  const onInstances = specifications.filter(({ resourceType }) => resourceType === 'instance');
  const own = new Set(ofGroup.map(({ key }) => key));
  return new Set([
    ...ofGroup.filter(({ propagateAtLaunch }) => propagateAtLaunch).map(({ key }) => key),
    ...onInstances.flatMap(({ tags }) => (tags ?? []).map(({ key }) => key)),
    // CloudFormation puts the stack's tags on the group and on its instances, but for keys that the group has itself.
    ...stackTagKeys(stack).filter((key) => !own.has(key)),
  ]);
}

/** Also those of the stacks around a nested one. */
function stackTagKeys(stack: Stack): string[] {
  const outer = stack.nestedStackParent;
  return [...Object.keys(stack.tags.tagValues()), ...(outer ? stackTagKeys(outer) : [])];
}
