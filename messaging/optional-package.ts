/** A package that only some features need is not installed. */
export class MissingPackageError extends Error {
  override name = 'MissingPackageError';
  constructor(
    readonly packageName: string,
    feature: string,
    options?: ErrorOptions,
  ) {
    super(`${feature} needs the package ${packageName}: run \`npm install ${packageName}\``, options);
  }
}

/**
 * Explains a failed `require` of an optional package. The `require` itself stays where it is used, inside a `try`, so
 * that bundlers see its literal name and do not insist on the package.
 */
export function missingPackage(packageName: string, feature: string, cause: unknown): Error {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'MODULE_NOT_FOUND') return new MissingPackageError(packageName, feature, { cause });
  return cause instanceof Error ? cause : new Error(String(cause));
}
