import { readFileSync, writeFileSync } from 'node:fs';
import type { ObjectHead, ObjectStore } from '../../video/transcode/store';

interface Stored {
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
  /** When set, the next conditional write takes effect but its answer is lost. */
  loseNextAnswer = false;

  put(key: string, content: string | Buffer, contentType = '', metadata: Record<string, string> = {}): void {
    this.objects.set(key, { content: Buffer.from(content), contentType, metadata });
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

  async getText(key: string): Promise<string | undefined> {
    return this.objects.get(key)?.content.toString();
  }

  async putText(key: string, text: string, contentType: string): Promise<void> {
    this.#write(key, Buffer.from(text), contentType);
  }

  async putTextIfAbsent(key: string, text: string, contentType: string): Promise<boolean> {
    this.beforeWrite(key);
    if (this.objects.has(key)) return false;
    this.put(key, text, contentType);
    this.writes.push(key);
    if (!this.loseNextAnswer) return true;
    // The SDK repeats a request whose answer was lost, and then finds its own object.
    this.loseNextAnswer = false;
    return false;
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
  }
}
