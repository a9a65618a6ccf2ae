import { App, NestedStack, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { WorkerCode, WorkerFleet, WorkQueue } from '../../../lib';

/** Synthesizes a fleet that `tag` has tagged; returns the broken rule, if any. */
function refusal(tag: (fleet: WorkerFleet, stack: Stack) => void, props: StackProps = {}, nested = false): string {
  const outer = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Test', props);
  const stack = nested ? new NestedStack(outer, 'Nested') : outer;
  const queue = new WorkQueue(stack, 'Jobs');
  tag(new WorkerFleet(stack, 'Fleet', { queue, code: WorkerCode.command(['true']) }), stack);
  try {
    Template.fromStack(outer);
    return '';
  } catch (error) {
    return String(error);
  }
}

describe('tags of a fleet', () => {
  test.each(['team', 'Cost.Center', 'a+b-c=d.e,f_g:h@i', 'index'])('take the key %s', (key) => {
    expect(refusal((fleet) => Tags.of(fleet).add(key, 'x'))).toBe('');
  });

  test.each(['Cost center', 'team/owner', 'Größe', '.', '..', '_index'])('fail at synth with the key %s', (key) => {
    expect(refusal((fleet) => Tags.of(fleet).add(key, 'x'))).toContain(`InstanceTagKeyNotValid: tag '${key}' must`);
  });

  test('fail at synth also from the stack, for one in it too', () => {
    const props = { tags: { 'a b': 'x' } };
    expect(refusal(() => {}, props)).toContain("'a b'");
    expect(refusal(() => {}, props, true)).toContain("'a b'");
  });

  test('name every key once', () => {
    const text = refusal((_, stack) => {
      Tags.of(stack.node.root).add('a b', 'x');
      Tags.of(stack.node.root).add('c d', 'x');
    });
    expect(text).toContain('2 settings are not valid');
    expect(text.match(/tag 'a b'/g)).toHaveLength(1);
  });

  test('may have any key that is kept from instances', () => {
    const kept = (fleet: WorkerFleet, stack: Stack): void => {
      Tags.of(stack).add('a b', 'x', {
        applyToLaunchedInstances: false,
        excludeResourceTypes: ['AWS::EC2::LaunchTemplate'],
      });
      expect(fleet.node.path).toBe('Test/Fleet');
    };
    expect(refusal(kept)).toBe('');
  });
});
