/** CloudFormation's intrinsic functions, resolved against physical values that the caller supplies. */
import { isObject, TemplateError, type TemplateResource, type TemplateView } from './template-parts';

/** Where a value stands and how the references in it are answered. */
export interface ResolveContext {
  readonly template: TemplateView;
  /** Logical id (or section) that holds the value, for messages. */
  readonly logicalId: string;
  /** Physical id of a resource (`Ref`); undefined means unknown, which is an error. */
  readonly ref?: (resource: TemplateResource) => unknown;
  /** Attribute of a resource (`Fn::GetAtt`), such as `Arn`; undefined means unknown, which is an error. */
  readonly getAtt?: (resource: TemplateResource, attribute: string) => unknown;
  /** Availability zones (`Fn::GetAZs`); the region's a, b and c without it. */
  readonly availabilityZones?: (region: string) => readonly string[];
}

type Resolver = (argument: unknown, context: ResolveContext) => unknown;

/** Stands for `AWS::NoValue`: the property or list item that holds it is left out. */
const NO_VALUE = Symbol('AWS::NoValue');

/**
 * Resolves every intrinsic function inside a value.
 *
 * `Ref` and `Fn::GetAtt` ask the context; parameters, pseudo parameters, conditions and mappings come from the template.
 * A property whose value is `AWS::NoValue` is left out. Dynamic references (`{{resolve:...}}`) stay as they are.
 *
 * @throws TemplateError for an unknown reference, a malformed or an unsupported intrinsic
 */
export function resolveValue(value: unknown, context: ResolveContext): unknown {
  const resolved = resolve(value, context);
  return resolved === NO_VALUE ? undefined : resolved;
}

function resolve(value: unknown, context: ResolveContext): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, context)).filter((item) => item !== NO_VALUE);
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  const key = keys[0];
  if (keys.length === 1 && key !== undefined && (key === 'Ref' || key === 'Condition' || key.startsWith('Fn::'))) {
    const resolver = INTRINSICS[key];
    // A property of the name `Condition` (an IAM statement has one) is not the intrinsic, whose argument is a name.
    if (key !== 'Condition' || typeof value[key] === 'string') {
      if (resolver === undefined) throw fail(context, `${key} is not supported in a template that runs without AWS`);
      return resolver(value[key], context);
    }
  }
  const result: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const resolved = resolve(item, context);
    if (resolved !== NO_VALUE) result[name] = resolved;
  }
  return result;
}

const INTRINSICS: Readonly<Record<string, Resolver>> = {
  Ref: (argument, context) => reference(text(argument, context, 'Ref'), context),
  Condition: (argument, context) => context.template.conditionHolds(text(argument, context, 'Condition')),
  'Fn::GetAtt': (argument, context) => {
    const [logicalId, ...attribute] = Array.isArray(argument) ? argument.map(String) : String(argument).split('.');
    return getAttribute(logicalId ?? '', attribute.join('.'), context);
  },
  'Fn::Sub': substitute,
  'Fn::Join': (argument, context) => {
    const [separator, items] = list(argument, context, 'Fn::Join', 2);
    return stringList(resolve(items, context), context, 'Fn::Join').join(String(separator));
  },
  'Fn::Split': (argument, context) => {
    const [separator, source] = list(argument, context, 'Fn::Split', 2);
    return text(resolve(source, context), context, 'Fn::Split').split(String(separator));
  },
  'Fn::Select': (argument, context) => {
    const [index, items] = list(argument, context, 'Fn::Select', 2);
    const position = Number(resolve(index, context));
    const resolved = resolve(items, context);
    if (!Array.isArray(resolved) || !Number.isInteger(position) || position < 0 || position >= resolved.length) {
      throw fail(context, `Fn::Select ${String(position)} is outside of the list ${JSON.stringify(resolved)}`);
    }
    return resolved[position] as unknown;
  },
  'Fn::If': (argument, context) => {
    const [condition, whenTrue, whenFalse] = list(argument, context, 'Fn::If', 3);
    return resolve(context.template.conditionHolds(String(condition)) ? whenTrue : whenFalse, context);
  },
  'Fn::FindInMap': findInMap,
  'Fn::Base64': (argument, context) =>
    Buffer.from(text(resolve(argument, context), context, 'Fn::Base64'), 'utf8').toString('base64'),
  'Fn::GetAZs': (argument, context) => {
    const region = String(resolve(argument, context) || context.template.parameter('AWS::Region'));
    return context.availabilityZones?.(region) ?? ['a', 'b', 'c'].map((zone) => `${region}${zone}`);
  },
  'Fn::Length': (argument, context) => {
    const items = resolve(argument, context);
    if (!Array.isArray(items)) throw fail(context, 'Fn::Length takes a list');
    return items.length;
  },
  'Fn::ToJsonString': (argument, context) => JSON.stringify(resolve(argument, context)),
  'Fn::ImportValue': (argument, context) => {
    throw fail(
      context,
      `imports ${JSON.stringify(argument)} from another stack: give a template that holds the resource itself`,
    );
  },
};

function reference(name: string, context: ResolveContext): unknown {
  if (name === 'AWS::NoValue') return NO_VALUE;
  const parameter = context.template.parameter(name);
  if (parameter !== undefined) return parameter;
  const resource = context.template.resources.get(name);
  if (resource === undefined) throw fail(context, `refers to '${name}', which the template does not have`);
  const value = context.ref?.(resource);
  if (value === undefined) throw fail(context, `refers to '${name}' (${resource.type}), which has no value here`);
  return value;
}

function getAttribute(logicalId: string, attribute: string, context: ResolveContext): unknown {
  const resource = context.template.resources.get(logicalId);
  if (resource === undefined)
    throw fail(context, `refers to '${logicalId}.${attribute}', which the template does not have`);
  const value = context.getAtt?.(resource, attribute);
  if (value === undefined) {
    throw fail(context, `refers to '${logicalId}.${attribute}' (${resource.type}), which has no value here`);
  }
  return value;
}

function substitute(argument: unknown, context: ResolveContext): unknown {
  const [format, variables] = Array.isArray(argument) ? (argument as readonly unknown[]) : [argument, {}];
  if (!isObject(variables)) throw fail(context, 'Fn::Sub takes a text, or a text and its variables');
  return text(format, context, 'Fn::Sub').replace(/\$\{(!?)([^}]*)\}/g, (_, literal: string, name: string) => {
    if (literal !== '') return `\${${name}}`;
    const variable = variables[name.trim()];
    if (variable !== undefined) return text(resolve(variable, context), context, 'Fn::Sub');
    const [logicalId, ...attribute] = name.trim().split('.');
    const value =
      attribute.length === 0
        ? reference(name.trim(), context)
        : getAttribute(logicalId ?? '', attribute.join('.'), context);
    return text(value, context, 'Fn::Sub');
  });
}

function findInMap(argument: unknown, context: ResolveContext): unknown {
  if (!Array.isArray(argument) || argument.length < 3) {
    throw fail(context, 'Fn::FindInMap takes a map, a key, a second key, and at most a default');
  }
  const [map, first, second] = argument.slice(0, 3).map((item) => String(resolve(item, context)));
  const options = argument[3] as unknown;
  const level = context.template.section('Mappings')[map ?? ''];
  const inner = isObject(level) ? level[first ?? ''] : undefined;
  const value = isObject(inner) ? inner[second ?? ''] : undefined;
  if (value !== undefined) return value;
  if (isObject(options) && options['DefaultValue'] !== undefined) return resolve(options['DefaultValue'], context);
  throw fail(context, `Fn::FindInMap finds nothing at ${map}.${first}.${second}`);
}

function text(value: unknown, context: ResolveContext, intrinsic: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw fail(context, `${intrinsic} needs a text, not ${value === NO_VALUE ? 'AWS::NoValue' : JSON.stringify(value)}`);
}

function stringList(value: unknown, context: ResolveContext, intrinsic: string): readonly string[] {
  if (!Array.isArray(value)) throw fail(context, `${intrinsic} needs a list, not ${JSON.stringify(value)}`);
  return value.map((item) => text(item, context, intrinsic));
}

function list(argument: unknown, context: ResolveContext, intrinsic: string, length: number): readonly unknown[] {
  if (!Array.isArray(argument) || argument.length !== length) {
    throw fail(context, `${intrinsic} takes ${length} arguments, not ${JSON.stringify(argument)}`);
  }
  return argument;
}

function fail(context: ResolveContext, reason: string): TemplateError {
  return new TemplateError(context.template.file, context.logicalId, reason);
}
