import { byId, make, oncePerFrame, setText } from './dom';
import { bytes, count } from './format';
import type { UploadRow, Uploader } from './uploader';

/** Rows shown at once: a drop of 500 files must not become 500 rows that move. */
const ROWS = 6;

const ORDER: Readonly<Record<UploadRow['state'], number>> = {
  failed: 0,
  refused: 1,
  sending: 2,
  paused: 3,
  done: 4,
  waiting: 5,
};

interface RowElements {
  readonly root: HTMLLIElement;
  readonly note: HTMLElement;
  readonly bar: HTMLProgressElement;
  readonly main: HTMLButtonElement;
  readonly remove: HTMLButtonElement;
}

/** The list of uploads: the few that matter, and how many more there are. Painted at most once per frame. */
export class UploadList {
  readonly #box = byId('uploads', HTMLDivElement);
  readonly #summary = byId('uploads-summary', HTMLHeadingElement);
  readonly #list = byId('upload-rows', HTMLUListElement);
  readonly #more = byId('uploads-more', HTMLParagraphElement);
  readonly #pauseAll = byId('pause-all', HTMLButtonElement);
  readonly #resumeAll = byId('resume-all', HTMLButtonElement);
  readonly #rows = new Map<string, RowElements>();
  readonly changed = oncePerFrame(() => this.#paint());

  constructor(private readonly uploader: () => Uploader) {
    this.#pauseAll.addEventListener('click', () => uploader().pauseAll());
    this.#resumeAll.addEventListener('click', () => uploader().resumeAll());
  }

  #paint(): void {
    const rows = this.uploader().rows();
    this.#box.hidden = rows.length === 0;
    if (rows.length === 0) this.#rows.forEach((_, id) => this.#drop(id));
    const open = rows.filter(({ state }) => state !== 'refused' && state !== 'failed');
    const total = open.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const sent = open.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    const left = open.length === 0 ? 'Uploads' : `Uploading ${count(open.length, 'file')}`;
    setText(this.#summary, open.length === 0 ? left : `${left} · ${bytes(sent)} of ${bytes(total)}`);
    const anyPaused = open.some(({ state }) => state === 'paused');
    const anyMoving = open.some(({ state }) => state === 'sending' || state === 'waiting');
    this.#pauseAll.hidden = !anyMoving;
    this.#resumeAll.hidden = anyMoving || !anyPaused;

    const shown = [...rows].sort((a, b) => ORDER[a.state] - ORDER[b.state]).slice(0, ROWS);
    const ids = new Set(shown.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#drop(id);
    shown.forEach((row, index) => this.#paintRow(row, index));
    const hidden = rows.length - shown.length;
    this.#more.hidden = hidden === 0;
    if (hidden > 0) setText(this.#more, `and ${count(hidden, 'more file')}`);
  }

  #drop(id: string): void {
    this.#rows.get(id)?.root.remove();
    this.#rows.delete(id);
  }

  #paintRow(row: UploadRow, index: number): void {
    const elements = this.#rows.get(row.id) ?? this.#makeRow(row);
    const { root, note, bar, main, remove } = elements;
    if (this.#list.children[index] !== root) this.#list.insertBefore(root, this.#list.children[index] ?? null);
    const bad = row.state === 'failed' || row.state === 'refused';
    root.className = `upload-row${bad ? ' bad' : ''}`;
    setText(note, noteOf(row));
    const part = row.sizeBytes === 0 ? 0 : row.sentBytes / row.sizeBytes;
    if (bar.value !== part) bar.value = part;
    bar.hidden = bad;
    main.hidden = row.state === 'refused' || row.state === 'done' || row.state === 'waiting';
    const action = row.state === 'failed' ? 'Try again' : row.state === 'paused' ? 'Resume' : 'Pause';
    setText(main, action);
    main.setAttribute('aria-label', `${action}: ${row.name}`);
    const removal = bad ? 'Dismiss' : 'Cancel';
    setText(remove, removal);
    remove.setAttribute('aria-label', `${removal}: ${row.name}`);
    remove.hidden = row.state === 'done';
  }

  #makeRow(row: UploadRow): RowElements {
    const name = make('p', 'upload-name', row.name);
    name.title = row.name;
    const note = make('p', 'upload-note');
    const bar = make('progress', '');
    bar.max = 1;
    bar.setAttribute('aria-label', `Upload of ${row.name}`);
    const main = make('button', '');
    const remove = make('button', '');
    main.type = remove.type = 'button';
    main.addEventListener('click', () => {
      const now = this.uploader()
        .rows()
        .find(({ id }) => id === row.id);
      if (now?.state === 'failed') this.uploader().retry(row.id);
      else this.uploader().pauseOrResume(row.id);
    });
    remove.addEventListener('click', () => this.uploader().remove(row.id));
    const root = make('li', 'upload-row', name, make('div', 'row-actions', main, remove), note, bar);
    const elements = { root, note, bar, main, remove };
    this.#rows.set(row.id, elements);
    return elements;
  }
}

function noteOf({ state, reason, sizeBytes, sentBytes, resumed }: UploadRow): string {
  const part = `${bytes(sentBytes)} of ${bytes(sizeBytes)}`;
  switch (state) {
    case 'failed':
    case 'refused':
      return reason ?? 'The upload failed';
    case 'waiting':
      return `${bytes(sizeBytes)} · waiting`;
    case 'paused':
      return `${part} · paused`;
    case 'done':
      return `${bytes(sizeBytes)} · uploaded`;
    case 'sending':
      return resumed ? `${part} · continued` : part;
  }
}
