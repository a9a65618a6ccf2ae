import { ERROR_CODES } from '../lib/private/error-codes';

/** The table of docs/errors.md, in prettier's format. */
export function errorTable(): string {
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['code', 'rule'],
    ...Object.entries(ERROR_CODES).map(([code, rule]): [string, string] => [`\`${code}\``, rule]),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], fill: string): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head ?? [], ' '), line(['', ''], '-'), ...body.map((row) => line(row, ' '))].join('\n');
}
