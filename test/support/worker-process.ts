import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeWorkerAsset } from '../../lib/private/worker-bundle';

/** A worker asset in a directory of its own, made as at synth. */
export interface WorkerAsset {
  readonly directory: string;
  remove(): void;
}

/** Bundles the runtime with a handler given as the text of a TypeScript module. */
export function buildWorkerAsset(handler: string): WorkerAsset {
  const directory = mkdtempSync(join(tmpdir(), 'queue-fleet-'));
  const entry = join(directory, 'entry.ts');
  writeFileSync(entry, handler);
  writeWorkerAsset({ handlerEntry: entry, extraFiles: {} }, directory);
  return { directory, remove: () => rmSync(directory, { recursive: true }) };
}

/** One line of the worker's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

/** A worker as a real process, from a bundled asset. */
export class WorkerProcess {
  readonly lines: LogLine[] = [];
  readonly exit: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  constructor(asset: WorkerAsset, environment: Readonly<Record<string, string>>) {
    const { PATH = '' } = process.env;
    this.#child = spawn(process.execPath, [join(asset.directory, 'main.js')], {
      env: { PATH, AWS_EC2_METADATA_DISABLED: 'true', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout) {
      createInterface({ input: this.#child.stdout }).on('line', (text) => {
        this.lines.push(text.startsWith('{') ? (JSON.parse(text) as LogLine) : { msg: text });
        for (const look of this.#waiting) look();
      });
    }
    this.exit = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** The first line, seen or to come, whose text is `text`. */
  line(text: string): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.find(({ msg }) => msg === text);
        if (!found) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
      void this.exit.then((code) =>
        reject(new Error(`ended with ${code} before '${text}': ${JSON.stringify(this.lines)}`)),
      );
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** GET of a health endpoint: status and body. */
  async health(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> {
    const { port } = await this.line('health endpoints');
    const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, init);
    return { status: response.status, body: await response.json() };
  }
}
