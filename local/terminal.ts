/** The run's lines in a terminal. */
import pc from 'picocolors';
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

/** ` 12.3 s  scaling   text`, coloured where the terminal has colours. */
export function formatEntry({ elapsedSeconds, kind, text }: LogEntry): string {
  const time = `${elapsedSeconds.toFixed(1).padStart(6)} s`;
  return `${pc.dim(time)}  ${COLOURS[kind](kind.padEnd(9))} ${text}`;
}
