/** The run's lines in a terminal. */
import pc from 'picocolors';
import { brief } from './brief';
import type { LogEntry, LogKind } from './panel-api';

const COLOURS: Readonly<Record<LogKind, (text: string) => string>> = {
  system: pc.dim,
  scaling: pc.green,
  alarm: pc.yellow,
  instance: pc.cyan,
  queue: pc.blue,
  worker: pc.dim,
  fault: pc.magenta,
  scenario: pc.bold,
  error: pc.red,
};

/** Width of the columns before the text: time and kind. */
const INDENT = 20;
/** Texts are not wrapped into less than this. */
const TEXT_MIN = 30;

/**
 * ` 12.3 s  scaling   text`, coloured where the terminal has colours.
 *
 * @param columns width of the terminal, for lines that break under their text; undefined leaves that to whoever reads
 */
export function formatEntry({ elapsedSeconds, kind, text }: LogEntry, columns?: number): string {
  const time = `${elapsedSeconds.toFixed(1).padStart(6)} s`;
  // The column says already that it is an alarm.
  const said = brief(kind === 'alarm' ? text.replace(/^alarm /, '') : text);
  const width = columns === undefined ? Infinity : Math.max(TEXT_MIN, columns - INDENT);
  const lines = wrap(said, width).join(`\n${' '.repeat(INDENT)}`);
  return `${pc.dim(time)}  ${COLOURS[kind](kind.padEnd(9))} ${lines}`;
}

/** Breaks at spaces; a word that is longer than a line stays whole, so that it can be copied. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** `1 queue`, `2 queues`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** Lines for a shell that export variables, as a person copies them. */
export function exportLines(variables: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(variables).map(([name, value]) => `export ${name}=${value}`);
}
