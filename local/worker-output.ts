import type { LogKind } from './panel-api';

/** What a line of a worker's output says to a person; undefined for lines that are not worth one. */
export function describeWorkerLine(line: string): { readonly kind: LogKind; readonly text: string } | undefined {
  if (line.trim() === '') return undefined;
  const record = parse(line);
  if (!record) return { kind: 'worker', text: line.slice(0, 300) };
  // The embedded metric format: numbers for CloudWatch, shown as charts instead.
  if ('_aws' in record) return undefined;
  const level = levelOf(record['level']);
  // What the runtime says of itself at this level, the run says in its own words; a handler's lines carry a message id.
  if (level < 30 || (level < 40 && record['messageId'] === undefined)) return undefined;
  const text = String(record['msg'] ?? record['message'] ?? '');
  const shown = (name: string): string | undefined => {
    const value = record[name];
    const part: unknown =
      typeof value === 'object' && value !== null ? (value as { message?: unknown }).message : value;
    return part === undefined || part === null || text.includes(String(part)) ? undefined : String(part);
  };
  const why = ['reason', 'error', 'err'].map(shown).find((part) => part !== undefined);
  const id = shown('id');
  return {
    kind: level >= 50 ? 'error' : 'worker',
    text: `${text}${why === undefined ? '' : `: ${why}`}${id === undefined ? '' : ` (id ${id})`}`.slice(0, 300),
  };
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Levels are pino's numbers or their names. */
function levelOf(level: unknown): number {
  if (typeof level === 'number') return level;
  return { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 }[String(level)] ?? 30;
}
