import { brief } from '../brief';
import type { LogEntry } from '../panel-api';
import { clock, make, section } from './dom';

/** Lines kept. */
const KEPT = 200;

/** What happened, in words, newest first. */
export class EventLog {
  readonly #list = make('ol');
  readonly #box = make('div', 'qf-log', this.#list);
  readonly element = section('events', 'What happened', this.#box);
  readonly #waiting: LogEntry[] = [];
  #lastId = -1;

  constructor() {
    // Keyboard users must be able to scroll it.
    this.#box.tabIndex = 0;
    this.#box.setAttribute('aria-label', 'Event log, newest first');
    this.#box.setAttribute('role', 'log');
  }

  /** Takes one entry; a reconnection repeats entries, which are dropped. */
  add(entry: LogEntry): void {
    if (entry.id <= this.#lastId) return;
    this.#lastId = entry.id;
    this.#waiting.push(entry);
    if (this.#waiting.length === 1) requestAnimationFrame(() => this.#paint());
  }

  #paint(): void {
    const rows = this.#waiting.splice(0).map((entry) => {
      const time = make('time', 'qf-log-time', clock(entry.elapsedSeconds));
      time.dateTime = new Date(entry.atMs).toISOString();
      const text = make('span', 'qf-log-text', brief(entry.text));
      // The whole line, ids and all.
      text.title = entry.text;
      return make('li', `qf-log-row qf-log-${entry.kind}`, time, text);
    });
    this.#list.prepend(...rows.reverse());
    while (this.#list.children.length > KEPT) this.#list.lastElementChild?.remove();
  }
}
