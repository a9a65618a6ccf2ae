/** Arrivals from a file: seconds, or points in time. */
import type { Workload } from './workload';

/** Arrival seconds from here on are read as Unix time: 1973, or three years after a start at zero. */
const UNIX_TIME_SECONDS = 1e8;
/** Longer traces are in another unit than seconds, or in two. */
const LONGEST_DAYS = 3_660;
const DAY_SECONDS = 86_400;
/** Most time that is simulated. */
export const LONGEST_SECONDS = LONGEST_DAYS * DAY_SECONDS;
/** A date with a time, of ISO 8601 or as databases write it. */
const DATE_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|[+-]\d\d:?\d\d))?$/;

/**
 * Reads a trace: one arrival a line, `second` or `second,service seconds`, cells quoted or not. A first line of words is a
 * header, empty lines and lines that start with `#` are skipped, the order is free. Arrivals may also be dates with a
 * time (UTC unless they name a zone) or Unix seconds: the simulation begins with the first of them then.
 *
 * @throws Error with file and line number for a row that is malformed
 */
export function parseTrace(text: string, file: string): Workload {
  const rows: { readonly at: number; readonly service: number; readonly line: number }[] = [];
  let isFirst = true;
  text.split(/\r?\n/).forEach((line, i) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const mayBeHeader = isFirst;
    isFirst = false;
    const cells = trimmed.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
    if (mayBeHeader && cells.every((cell) => /^[A-Za-z_]/.test(cell))) return;
    const fail = (reason: string) => new Error(`${file}:${i + 1}: ${reason}: '${trimmed}'`);
    if (cells.length > 2) throw fail(`has ${cells.length} columns instead of 'arrival second' and 'service seconds'`);
    const [arrival = '', given = ''] = cells;
    const at = arrivalSecond(arrival);
    if (!Number.isFinite(at) || at < 0) {
      throw fail('the arrival second must be a number of at least 0, or a date with a time');
    }
    const service = given === '' ? NaN : Number(given);
    if (given !== '' && !(Number.isFinite(service) && service >= 0)) {
      throw fail('the service seconds must be a number of at least 0');
    }
    rows.push({ at, service, line: i + 1 });
  });
  if (rows.length === 0) throw new Error(`${file}: has no arrivals`);
  rows.sort((a, b) => a.at - b.at);
  const first = rows[0]?.at ?? 0;
  const start = first >= UNIX_TIME_SECONDS ? first : 0;
  const arrivals = Float64Array.from(rows, (row) => row.at - start);
  const days = Math.round((arrivals.at(-1) ?? 0) / DAY_SECONDS);
  if (days > LONGEST_DAYS) {
    throw new Error(
      `${file}:${rows.at(-1)?.line}: arrives ${days} days after the start, at most ${LONGEST_DAYS} can be simulated: arrivals are in seconds`,
    );
  }
  return {
    name: file,
    durationSeconds: Math.ceil((arrivals.at(-1) ?? 0) + 1),
    rates: [],
    bursts: [],
    trace: { arrivals, serviceSeconds: Float64Array.from(rows, (row) => row.service) },
  };
}

/** NaN when it is neither a number nor a date with a time. */
function arrivalSecond(cell: string): number {
  const match = DATE_TIME.exec(cell);
  if (match === null) return cell === '' ? NaN : Number(cell);
  return Date.parse(match[3] === undefined ? `${cell}Z` : cell) / 1_000;
}
