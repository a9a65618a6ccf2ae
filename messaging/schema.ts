import { PermanentError } from './handler';

/**
 * The part of the Standard Schema interface (standardschema.dev, version 1) that the runtime calls. zod, valibot,
 * arktype and others implement it; none of them is needed here.
 */
export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

/** What a validator answers: the typed value, or what is wrong. */
export type SchemaResult<T> =
  { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

/** One finding of a validator. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** The body is not JSON, or not what the schema asks for. It never will be, so the message is quarantined. */
export class SchemaError extends PermanentError {
  override name = 'SchemaError';
}

const at = (issue: SchemaIssue): string =>
  issue.path?.length ? `${issue.path.map((p) => String(typeof p === 'object' ? p.key : p)).join('.')}: ` : '';

/** Parses `body` as JSON and checks it. @throws SchemaError */
export async function parseBody<T>(schema: StandardSchema<T>, body: string, messageId: string): Promise<T> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new SchemaError('the body is not JSON', messageId, { cause });
  }
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  const findings = result.issues.slice(0, 5).map((issue) => at(issue) + issue.message);
  throw new SchemaError(`the body does not fit its schema: ${findings.join('; ')}`, messageId);
}
