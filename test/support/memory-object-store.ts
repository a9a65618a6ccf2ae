import { readFileSync, writeFileSync } from 'node:fs';
import type { ObjectHead, ObjectStore, StoredText } from '../../video/transcode/store';

interface Stored {
  readonly version: string;
  readonly content: Buffer;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A bucket in memory, with S3's consistency: what was written is seen by the next read. */
export class MemoryObjectStore implements ObjectStore {
  readonly objects = new Map<string, Stored>();
  /** Keys in the order of their writes. */
  readonly writes: string[] = [];
  /** Called before each write; may throw, or change the store as another writer would. */
  beforeWrite: (key: string) => void = () => {};
  /** Called after each write. */
  written: (key: string) => void = () => {};
  /** Awaited before each write takes effect: what it holds back lands later, as a slow request does. */
  hold: (key: string) => Promise<void> = async () => {};
  #versions = 0;
  /** When set, the next conditional write takes effect but its answer is lost. */
  loseNextAnswer = false;

  put(key: string, content: string | Buffer, contentType = '', metadata: Record<string, string> = {}): void {
    const version = `v${++this.#versions}`;
    this.objects.set(key, { content: Buffer.from(content), contentType, metadata, version });
  }

  json<T>(key: string): T | undefined {
    const stored = this.objects.get(key);
    return stored === undefined ? undefined : (JSON.parse(stored.content.toString()) as T);
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const stored = this.objects.get(key);
    return stored && { sizeBytes: stored.content.length, contentType: stored.contentType, metadata: stored.metadata };
  }

  async download(key: string, path: string): Promise<void> {
    const stored = this.objects.get(key);
    if (stored === undefined) throw new Error(`no ${key}`);
    writeFileSync(path, stored.content);
  }

  async getText(key: string): Promise<StoredText | undefined> {
    const stored = this.objects.get(key);
    return stored && { text: stored.content.toString(), version: stored.version };
  }

  async putText(key: string, text: string, contentType: string): Promise<void> {
    await this.hold(key);
    this.#write(key, Buffer.from(text), contentType);
  }

  async replaceText(key: string, text: string, contentType: string, version?: string): Promise<string | undefined> {
    await this.hold(key);
    this.beforeWrite(key);
    if (this.objects.get(key)?.version !== version) return undefined;
    this.put(key, text, contentType);
    this.writes.push(key);
    this.written(key);
    if (!this.loseNextAnswer) return this.objects.get(key)?.version;
    // The SDK repeats a request whose answer was lost, and then finds its own object.
    this.loseNextAnswer = false;
    return undefined;
  }

  async putFile(key: string, path: string, contentType: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#write(key, readFileSync(path), contentType);
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  #write(key: string, content: Buffer, contentType: string): void {
    this.beforeWrite(key);
    this.put(key, content, contentType);
    this.writes.push(key);
    this.written(key);
  }
}
