import { createHash } from 'node:crypto';
import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { SQS_LIMITS } from './sqs-limits';

const FIFO_SUFFIX = '.fifo';
const HASH_CHARACTERS = 8;

/** The name with the suffix that SQS demands of a FIFO queue. Tokens are left alone: what they end in is unknown. */
export function withFifoSuffix(name: string, fifo: boolean): string {
  return !fifo || Token.isUnresolved(name) || name.endsWith(FIFO_SUFFIX) ? name : `${name}${FIFO_SUFFIX}`;
}

/** Why SQS refuses the name, or undefined when it does not. */
export function queueNameProblem(name: string, fifo: boolean): string | undefined {
  if (Token.isUnresolved(name)) return undefined;
  const base = fifo && name.endsWith(FIFO_SUFFIX) ? name.slice(0, -FIFO_SUFFIX.length) : name;
  if (!fifo && name.endsWith(FIFO_SUFFIX)) return "must not end in '.fifo': use FifoWorkQueue for a FIFO queue";
  if (!/^[A-Za-z0-9_-]+$/.test(base)) return 'must hold only letters, digits, hyphens and underscores: rename it';
  if (withFifoSuffix(name, fifo).length > SQS_LIMITS.queueNameCharacters)
    return `must have at most ${SQS_LIMITS.queueNameCharacters} characters, '.fifo' included: shorten it`;
  return undefined;
}

/**
 * A name that depends only on the stack and the construct's path, so that the dead-letter queue can name its source
 * before that exists. The hash covers the whole path: cutting the readable part never makes two names equal.
 */
export function deterministicQueueName(scope: Construct, fifo: boolean): string {
  let top = Stack.of(scope);
  while (top.nestedStackParent !== undefined) top = top.nestedStackParent;
  const ids = scope.node.scopes.slice(top.node.scopes.length).map((construct) => construct.node.id);
  const path = [top.stackName, ...ids];
  const hash = createHash('sha256').update(path.join('/')).digest('hex').slice(0, HASH_CHARACTERS);
  const suffix = `-${hash}${fifo ? FIFO_SUFFIX : ''}`;
  const readable = path.join('-').replace(/[^A-Za-z0-9_-]/g, '');
  return readable.slice(0, SQS_LIMITS.queueNameCharacters - suffix.length) + suffix;
}
