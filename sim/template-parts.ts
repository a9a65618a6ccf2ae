/** What everything that reads a CloudFormation template has in common. */

/** What is wrong with a template: which file, which resource, and why. */
export class TemplateError extends Error {
  /** The template's file name as the caller gave it. */
  readonly file: string;
  /** Logical id of the resource, or a section name such as `Conditions.IsProd`. */
  readonly logicalId: string;
  /** What is wrong, in words. */
  readonly reason: string;

  constructor(file: string, logicalId: string, reason: string) {
    super(`${file}: ${logicalId}: ${reason}`);
    this.name = 'TemplateError';
    this.file = file;
    this.logicalId = logicalId;
    this.reason = reason;
  }
}

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for a JSON object, false for arrays, null and scalars. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One resource of a template, properties unresolved. */
export interface TemplateResource {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: JsonObject;
  readonly metadata: JsonObject;
  readonly condition?: string;
}

/** What resolving a value asks of its template. */
export interface TemplateView {
  /** The template's file name, for messages. */
  readonly file: string;
  /** Resources whose condition holds, by logical id. */
  readonly resources: ReadonlyMap<string, TemplateResource>;
  /** One top-level section, empty when the template has none. */
  section(name: string): JsonObject;
  /** Value of a parameter or pseudo parameter; undefined when no such name exists. */
  parameter(name: string): unknown;
  /** Whether a named condition holds. */
  conditionHolds(name: string): boolean;
}
