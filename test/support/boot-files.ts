/** The files that a boot script writes: path and content. */
export function filesOf(script: string): ReadonlyMap<string, string> {
  const found = script.matchAll(/^cat >(\S+) <<'QUEUE_FLEET_EOF'\n([^]*?)\nQUEUE_FLEET_EOF$/gm);
  return new Map([...found].map(([, path = '', content = '']) => [path, `${content}\n`]));
}
