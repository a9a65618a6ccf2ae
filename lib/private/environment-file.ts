/** Names that both a shell and systemd take as a variable. */
export const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * An environment as the text of a systemd `EnvironmentFile`: one `NAME="value"` per line, sorted by name.
 *
 * Unresolved tokens stay as they are; what stands around them is escaped. CloudFormation values that end up here (names,
 * URLs, ARNs) hold no quote, backslash or dollar sign.
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=
 */
export function environmentFile(environment: Readonly<Record<string, string>>): string {
  return Object.keys(environment)
    .sort()
    .map((name) => `${name}="${escapeLiterals(environment[name] ?? '')}"\n`)
    .join('');
}

/** The reverse of `environmentFile`, for texts without tokens. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const entries = [...text.matchAll(/^([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"$/gm)];
  return Object.fromEntries(entries.map(([, name = '', value = '']) => [name, value.replace(/\\(.)/g, '$1')]));
}

/** True when a value cannot stand on one line of the file. */
export function breaksLine(value: string): boolean {
  return /[\n\r\0]/.test(value);
}

/** How aws-cdk-lib writes an unresolved token into a string. */
const TOKEN_MARKER = /(\$\{Token\[[^\]]*\]\})/;

/** Bytes of a text without its unresolved tokens, of which nobody knows the length. */
export function literalBytes(text: string): number {
  return Buffer.byteLength(
    text
      .split(TOKEN_MARKER)
      .filter((part) => !TOKEN_MARKER.test(part))
      .join(''),
  );
}

function escapeLiterals(value: string): string {
  return value
    .split(TOKEN_MARKER)
    .map((part) => (TOKEN_MARKER.test(part) ? part : part.replace(/["\\`$]/g, '\\$&')))
    .join('');
}
