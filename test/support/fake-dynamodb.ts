import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

type Item = Record<string, AttributeValue>;

/** What the three commands have in common. */
interface ConditionalWrite {
  readonly Key?: Item | undefined;
  readonly Item?: Item | undefined;
  readonly UpdateExpression?: string | undefined;
  readonly ConditionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Item | undefined;
}

/**
 * One DynamoDB table in memory that understands the conditions and updates really sent, and refuses what DynamoDB
 * refuses: names and values that no expression uses, unknown placeholders, reserved words without an alias.
 */
export class FakeDynamoDb {
  readonly items = new Map<string, Item>();
  readonly commands: object[] = [];
  /** Set: the next write takes effect and its answer is lost. */
  loseNextAnswer = false;

  get client(): DynamoDBClient {
    return { send: (command: object) => this.#send(command) } as unknown as DynamoDBClient;
  }

  async #send(command: object): Promise<object> {
    this.commands.push(command);
    await Promise.resolve();
    const { input } = command as { input: ConditionalWrite };
    const key = (input.Key ?? input.Item)?.['id']?.S;
    if (key === undefined) throw new Error('ValidationException: no key');
    const item = this.items.get(key);
    const expressions = new Expressions(input);
    if (input.ConditionExpression !== undefined && !expressions.holds(input.ConditionExpression, item ?? {}))
      throw new ConditionalCheckFailedException({
        message: 'The conditional request failed',
        $metadata: {},
        Item: item,
      });
    if (command instanceof PutItemCommand) this.items.set(key, { ...input.Item });
    else if (command instanceof DeleteItemCommand) this.items.delete(key);
    else if (command instanceof UpdateItemCommand)
      this.items.set(key, expressions.apply(input.UpdateExpression ?? '', { ...item, id: { S: key } }));
    else throw new Error(`unexpected command ${command.constructor.name}`);
    expressions.requireAllUsed();
    if (this.loseNextAnswer) {
      this.loseNextAnswer = false;
      throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    }
    return {};
  }
}

/** Words that the expressions here could use by mistake, from DynamoDB's list of reserved words. */
const RESERVED = new Set(['OWNER', 'STATE', 'KEY', 'VALUE', 'DONE', 'TTL', 'LEASE', 'STATUS']);

class Expressions {
  readonly #unused: Set<string>;
  #tokens: string[] = [];
  #item: Item = {};

  constructor(private readonly input: ConditionalWrite) {
    const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} } = input;
    this.#unused = new Set([...Object.keys(names), ...Object.keys(values)]);
  }

  requireAllUsed(): void {
    if (this.#unused.size > 0) throw new Error(`ValidationException: unused ${[...this.#unused].join(', ')}`);
  }

  holds(expression: string, item: Item): boolean {
    this.#tokens = expression.match(/attribute_not_exists|[()]|<=|=|OR\b|AND\b|[#:]?\w+/g) ?? [];
    this.#item = item;
    const result = this.#or();
    if (this.#tokens.length > 0) throw new Error(`ValidationException: ${this.#tokens.join(' ')}`);
    return result;
  }

  apply(expression: string, item: Item): Item {
    const sections = expression.split(/\b(SET|REMOVE)\b/).slice(1);
    for (let i = 0; i < sections.length; i += 2) {
      for (const part of (sections[i + 1] ?? '').split(',')) {
        const [name = '', value = ''] = part.split('=').map((text) => text.trim());
        if (sections[i] === 'REMOVE') delete item[this.#name(name)];
        else item[this.#name(name)] = this.#value(value);
      }
    }
    return item;
  }

  #or(): boolean {
    let result = this.#and();
    while (this.#tokens[0] === 'OR') {
      this.#tokens.shift();
      // Both sides are read, as DynamoDB checks the whole expression.
      const right = this.#and();
      result ||= right;
    }
    return result;
  }

  #and(): boolean {
    let result = this.#term();
    while (this.#tokens[0] === 'AND') {
      this.#tokens.shift();
      const right = this.#term();
      result &&= right;
    }
    return result;
  }

  #term(): boolean {
    const token = this.#tokens.shift() ?? '';
    if (token === '(') {
      const result = this.#or();
      this.#tokens.shift();
      return result;
    }
    if (token === 'attribute_not_exists') {
      const [, name = ''] = this.#tokens.splice(0, 3);
      return this.#item[this.#name(name)] === undefined;
    }
    const left = this.#item[this.#name(token)];
    const operator = this.#tokens.shift();
    const right = this.#value(this.#tokens.shift() ?? '');
    if (left === undefined) return false;
    if (operator === '<=') return Number(left.N) <= Number(right.N);
    return JSON.stringify(left) === JSON.stringify(right);
  }

  #name(token: string): string {
    this.#unused.delete(token);
    const name = token.startsWith('#') ? this.input.ExpressionAttributeNames?.[token] : token;
    if (name === undefined) throw new Error(`ValidationException: ${token} is not defined`);
    if (!token.startsWith('#') && RESERVED.has(token.toUpperCase())) throw new Error(`ValidationException: ${token}`);
    return name;
  }

  #value(token: string): AttributeValue {
    this.#unused.delete(token);
    const value = this.input.ExpressionAttributeValues?.[token];
    if (value === undefined) throw new Error(`ValidationException: ${token} is not defined`);
    return value;
  }
}
