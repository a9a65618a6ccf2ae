/**
 * A synthesized CloudFormation template, parsed and checked, with the resources whose conditions hold.
 *
 * Nothing here knows queues or groups: `scaling-model.ts` reads the scaling part, a local run reads the rest.
 */
import { resolveValue, type ResolveContext } from './resolve';
import { isObject, TemplateError, type JsonObject, type TemplateResource, type TemplateView } from './template-parts';
import { parseTemplateText } from './template-text';

/** Values that a template's parameters and pseudo parameters have; both fall back to the template and to `DEFAULT_PSEUDO`. */
export interface TemplateValues {
  /** Values of `Parameters`, by name; a missing one takes the template's default. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Values of pseudo parameters, such as `AWS::Region`. */
  readonly pseudo?: Readonly<Record<string, string>>;
}

/** Pseudo parameters for callers that have no account: the account id is AWS's documentation example. */
export const DEFAULT_PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': '123456789012',
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::StackId': 'arn:aws:cloudformation:us-east-1:123456789012:stack/stack/00000000-0000-0000-0000-000000000000',
  'AWS::StackName': 'stack',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** A parsed template. */
export class Template implements TemplateView {
  /** The template's file name, for messages. */
  readonly file: string;
  readonly #document: JsonObject;
  readonly #values: TemplateValues;
  readonly #resources = new Map<string, TemplateResource>();
  readonly #conditions = new Map<string, boolean>();

  /**
   * Parses a template.
   *
   * @param source the template's text (JSON or YAML) or the parsed object
   * @param file name for messages
   * @throws TemplateError when it is not a CloudFormation template, or a condition cannot be evaluated
   */
  static parse(source: string | object, file: string, values: TemplateValues = {}): Template {
    const document = typeof source === 'string' ? parseTemplateText(source, file) : source;
    return new Template(document as JsonObject, file, values);
  }

  private constructor(document: JsonObject, file: string, values: TemplateValues) {
    this.file = file;
    this.#document = document;
    this.#values = values;
    if (!isObject(document) || !isObject(document['Resources'])) {
      throw new TemplateError(file, 'template', "has no 'Resources': give a synthesized CloudFormation template");
    }
    for (const [logicalId, resource] of Object.entries(document['Resources'])) {
      if (!isObject(resource) || typeof resource['Type'] !== 'string') {
        throw new TemplateError(file, logicalId, "has no 'Type'");
      }
      const condition = resource['Condition'];
      if (typeof condition === 'string' && !this.conditionHolds(condition)) continue;
      this.#resources.set(logicalId, {
        logicalId,
        type: resource['Type'],
        properties: isObject(resource['Properties']) ? resource['Properties'] : {},
        metadata: isObject(resource['Metadata']) ? resource['Metadata'] : {},
        ...(typeof condition === 'string' ? { condition } : {}),
      });
    }
  }

  /** Resources whose condition holds, in the template's order. */
  get resources(): ReadonlyMap<string, TemplateResource> {
    return this.#resources;
  }

  /** Resources of one CloudFormation type, in the template's order. */
  ofType(type: string): readonly TemplateResource[] {
    return [...this.#resources.values()].filter((resource) => resource.type === type);
  }

  /** The template's outputs, unresolved. */
  get outputs(): JsonObject {
    return this.section('Outputs');
  }

  /** One top-level section, empty when the template has none. */
  section(name: string): JsonObject {
    const section = this.#document[name];
    return isObject(section) ? section : {};
  }

  /**
   * Value of a parameter or pseudo parameter; undefined when no such name exists.
   *
   * @throws TemplateError for a parameter without a value and without a default
   */
  parameter(name: string): unknown {
    if (name.startsWith('AWS::')) return this.#values.pseudo?.[name] ?? DEFAULT_PSEUDO[name];
    const parameter = this.section('Parameters')[name];
    if (!isObject(parameter)) return undefined;
    const value = this.#values.parameters?.[name] ?? parameter['Default'];
    if (value === undefined) {
      throw new TemplateError(this.file, `Parameters.${name}`, 'has no default: give its value');
    }
    const type = parameter['Type'];
    const isList = type === 'CommaDelimitedList' || (typeof type === 'string' && type.startsWith('List<'));
    return isList && typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
  }

  /**
   * Whether a named condition holds.
   *
   * @throws TemplateError for an unknown condition, or one that refers to itself
   */
  conditionHolds(name: string, path: readonly string[] = []): boolean {
    const known = this.#conditions.get(name);
    if (known !== undefined) return known;
    const where = `Conditions.${name}`;
    if (path.includes(name))
      throw new TemplateError(this.file, where, `refers to itself: ${[...path, name].join(' > ')}`);
    const expression = this.section('Conditions')[name];
    if (expression === undefined) throw new TemplateError(this.file, where, 'is used but not defined');
    const holds = this.#evaluate(expression, where, [...path, name]);
    this.#conditions.set(name, holds);
    return holds;
  }

  /**
   * Resolves every intrinsic of a value.
   *
   * @param value any part of the template
   * @param context where the value stands and what the physical resources are called
   */
  resolve(value: unknown, context: Omit<ResolveContext, 'template'>): unknown {
    return resolveValue(value, { ...context, template: this });
  }

  #evaluate(expression: unknown, where: string, path: readonly string[]): boolean {
    const entry = isObject(expression) ? Object.entries(expression)[0] : undefined;
    const [name, argument] = entry ?? [];
    const operands = (min: number, max: number): readonly unknown[] => {
      if (!Array.isArray(argument) || argument.length < min || argument.length > max) {
        throw new TemplateError(this.file, where, `${name} takes ${min} to ${max} conditions`);
      }
      return argument;
    };
    switch (name) {
      case 'Fn::And':
        return operands(2, 10).every((operand) => this.#evaluate(operand, where, path));
      case 'Fn::Or':
        return operands(2, 10).some((operand) => this.#evaluate(operand, where, path));
      case 'Fn::Not':
        return !this.#evaluate(operands(1, 1)[0], where, path);
      case 'Fn::Equals': {
        const [left, right] = operands(2, 2).map((operand) =>
          JSON.stringify(resolveValue(operand, { template: this, logicalId: where })),
        );
        return left === right;
      }
      case 'Condition':
        return this.conditionHolds(String(argument), path);
      default:
        throw new TemplateError(this.file, where, `is not a condition: ${JSON.stringify(expression)}`);
    }
  }
}
