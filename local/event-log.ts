import type { LogEntry, LogKind } from './panel-api';

/** Entries that a new listener is given. */
const KEPT = 200;

/** The lines that say what happened, for the page and the terminal. */
export class EventLog {
  readonly #entries: LogEntry[] = [];
  readonly #listeners = new Set<(entry: LogEntry) => void>();
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #next = 1;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  add(kind: LogKind, text: string, instanceId?: string): void {
    const atMs = this.#nowMs();
    const entry: LogEntry = {
      id: this.#next++,
      atMs,
      elapsedSeconds: (atMs - this.#startedMs) / 1000,
      kind,
      text,
      ...(instanceId !== undefined && { instanceId }),
    };
    this.#entries.push(entry);
    if (this.#entries.length > KEPT) this.#entries.shift();
    for (const listener of this.#listeners) listener(entry);
  }

  /** The latest entries with an id above `afterId`, oldest first. */
  since(afterId: number): readonly LogEntry[] {
    return this.#entries.filter(({ id }) => id > afterId);
  }

  /** Calls `listener` with every new entry. @returns ends that */
  listen(listener: (entry: LogEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
