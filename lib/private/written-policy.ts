import {
  DefaultTokenResolver,
  type IPostProcessor,
  type IResolvable,
  type IResolveContext,
  Reference,
  Stack,
  StringConcat,
  Token,
  Tokenization,
} from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';

/** A policy, or a part of one, for somebody who has no CloudFormation to resolve it. */
export interface WrittenPolicy {
  /** Plain JSON: what only the deployment knows stands in it as `<Arn of Stack/Construct>`. */
  readonly json: string;
  /** What to fill in, as a sentence; empty when nothing is. */
  readonly note: string;
}

/** Writes `value` as JSON without intrinsics. Partition, account and region of the stack are used where they are known. */
export function writePolicy(scope: Construct, value: unknown): WrittenPolicy {
  const resolver = new PlainText(Stack.of(scope));
  const plain: unknown = Tokenization.resolve(value, { scope, resolver, preparing: false });
  const unknown = [...resolver.unknown].map((name) => `<${name}>`);
  return {
    json: JSON.stringify(plain, undefined, 2),
    note:
      unknown.length === 0
        ? ''
        : `\nFill in what the deployment decides: ${unknown.join(', ')} (\`aws cloudformation describe-stack-resources\` names the resources)`,
  };
}

/** Resolves to strings where a template would have intrinsics. */
class PlainText extends DefaultTokenResolver {
  /** What is known only after the deployment. */
  readonly unknown = new Set<string>();
  readonly #stack: Stack;

  constructor(stack: Stack) {
    super(new StringConcat());
    this.#stack = stack;
  }

  public override resolveToken(token: IResolvable, context: IResolveContext, postProcessor: IPostProcessor): unknown {
    const resolved: unknown = super.resolveToken(token, context, postProcessor);
    if (typeof resolved !== 'object' || resolved === null) return resolved;
    const [[name, argument] = ['', undefined], ...more] = Object.entries(resolved);
    if (more.length > 0 || !/^(Ref|Fn::.*)$/.test(name)) return resolved;
    const text = this.#joined(name, argument) ?? this.#pseudo(argument);
    if (text !== undefined) return text;
    if (!Reference.isReference(token)) return this.#placeholder(`${name} ${JSON.stringify(argument)}`);
    return this.#placeholder(`${token.displayName} of ${token.target.node.path.replace(/\/Resource$/, '')}`);
  }

  /** The parts of a join were resolved before. */
  #joined(name: string, argument: unknown): string | undefined {
    if (name !== 'Fn::Join' || !Array.isArray(argument)) return undefined;
    const [delimiter, parts] = argument as [string, unknown];
    return Array.isArray(parts) ? parts.join(delimiter) : undefined;
  }

  /** A pseudo parameter, or a text with some. */
  #pseudo(argument: unknown): string | undefined {
    if (typeof argument !== 'string') return undefined;
    if (argument.startsWith('AWS::')) return this.#known(argument) ?? this.#placeholder(argument);
    if (!argument.includes('${')) return undefined;
    return argument.replace(/\$\{([^}!]+)\}/g, (_, name: string) => this.#known(name) ?? this.#placeholder(name));
  }

  #known(name: string): string | undefined {
    const { account, region } = this.#stack;
    if (name === 'AWS::AccountId') return Token.isUnresolved(account) ? undefined : account;
    if (Token.isUnresolved(region)) return undefined;
    if (name === 'AWS::Partition') return RegionInfo.get(region).partition;
    return name === 'AWS::Region' ? region : undefined;
  }

  #placeholder(text: string): string {
    this.unknown.add(text);
    return `<${text}>`;
  }
}
