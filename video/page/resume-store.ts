import type { UploadTicket } from '../contract';

/** An upload in parts that may be continued after the page was closed. */
export interface UnfinishedUpload {
  readonly ticket: Extract<UploadTicket, { kind: 'multipart' }>;
  readonly file: File;
  readonly savedAtMs: number;
}

const STORE = 'unfinished';
/** S3 drops incomplete uploads after a day; so do we. */
const KEPT_MS = 24 * 3600 * 1000;

/** Unfinished uploads in the browser's IndexedDB. Where that is not to be had, nothing is kept and nothing fails. */
export class ResumeStore {
  readonly #database: Promise<IDBDatabase | undefined> = openDatabase();

  async save(upload: UnfinishedUpload): Promise<void> {
    await this.#run('readwrite', (store) => store.put(upload, upload.ticket.id));
  }

  async remove(id: string): Promise<void> {
    await this.#run('readwrite', (store) => store.delete(id));
  }

  async all(nowMs: number): Promise<readonly UnfinishedUpload[]> {
    const found = (await this.#run('readonly', (store) => store.getAll())) as UnfinishedUpload[] | undefined;
    const [fresh, old] = [(found ?? []).filter(isFresh), (found ?? []).filter((upload) => !isFresh(upload))];
    await Promise.all(old.map(({ ticket }) => this.remove(ticket.id)));
    return fresh;

    function isFresh({ savedAtMs }: UnfinishedUpload): boolean {
      return nowMs - savedAtMs < KEPT_MS;
    }
  }

  async #run(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
    const database = await this.#database;
    if (database === undefined) return undefined;
    return new Promise((resolve) => {
      // A full disk or a private window: the upload goes on, it only cannot be continued after a reload.
      const giveUp = (): void => resolve(undefined);
      try {
        const request = act(database.transaction(STORE, mode).objectStore(STORE));
        request.onsuccess = () => resolve(request.result);
        request.onerror = giveUp;
      } catch {
        giveUp();
      }
    });
  }
}

function openDatabase(): Promise<IDBDatabase | undefined> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open('video-upload', 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(undefined);
    } catch {
      resolve(undefined);
    }
  });
}
