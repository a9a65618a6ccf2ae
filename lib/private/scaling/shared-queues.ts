import type { IConstruct } from 'constructs';
import type { PolicyContext } from './policy';

/** One scaling of an app: what it reads, and the group that it sets. */
type Scaled = Pick<PolicyContext, 'scope' | 'queues' | 'group'>;

/** Those of each app that were made so far; gone with the app. */
const APPS = new WeakMap<IConstruct, Scaled[]>();

/**
 * Notes that a queue scales a group, and says which other groups of the app it scales already: each gets as many
 * instances as the whole backlog needs. A group of a fixed size is no trouble.
 */
export function noteScaling({ scope, queues, group, min, max }: PolicyContext): string[] {
  if (min === max) return [];
  const { root } = scope.node;
  const others = APPS.get(root) ?? [];
  APPS.set(root, [...others, { scope, queues, group }]);
  return others
    .filter((other) => other.group !== group)
    .flatMap((other) => {
      const theirs = new Set(other.queues.map(({ queueArn }) => queueArn));
      const shared = queues.filter(({ queueArn }) => theirs.has(queueArn));
      return shared.map(
        ({ node }) =>
          `queue '${node.path}' scales '${group.node.path}' here and '${other.group.node.path}' by '${other.scope.node.path}': each of the two runs as many instances as the whole backlog needs, so together they run up to twice as many: make them one fleet ('alternativeInstanceTypes' and 'onDemandBaseCapacity' mix instances), keep one of them at a fixed size, or give each a queue of its own`,
      );
    });
}
