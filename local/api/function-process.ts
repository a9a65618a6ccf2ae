import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { FunctionResource } from '../resource-types';

interface Pending {
  readonly child: ChildProcess;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** One Lambda function as a process: the template's bundled code and environment, one process for all its requests. */
export class FunctionProcess {
  readonly #resource: FunctionResource;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #output: (line: string) => void;
  readonly #fork: typeof fork;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  #next = 0;
  #stopping = false;

  /** @param environment the whole environment of the process, resolved */
  constructor(
    resource: FunctionResource,
    environment: Readonly<Record<string, string>>,
    output: (line: string) => void,
    forkProcess: typeof fork = fork,
  ) {
    this.#resource = resource;
    this.#environment = environment;
    this.#output = output;
    this.#fork = forkProcess;
  }

  /** Starts the process, so that the first request does not wait for it. */
  start(): void {
    if (this.#child || this.#stopping) return;
    const { directory, handler } = this.#resource;
    const host = path.join(__dirname, `function-host${path.extname(__filename)}`);
    const child = this.#fork(host, [directory, handler], {
      env: { ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.on('message', (message: { id?: number; result?: unknown; error?: string; ready?: boolean }) => {
      if (message.ready === false) this.#output(`cannot load ${handler}: ${message.error ?? ''}`);
      if (message.id === undefined) return;
      const pending = this.#take(message.id);
      if (message.error === undefined) pending?.resolve(message.result);
      else pending?.reject(new Error(message.error));
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        for (const line of chunk.toString().split('\n')) if (line.trim() !== '') this.#output(line);
      });
    }
    const gone = (reason: string): void => {
      if (this.#child === child) this.#child = undefined;
      for (const [id, pending] of this.#pending) if (pending.child === child) this.#take(id)?.reject(new Error(reason));
    };
    child.once('exit', (code, signal) => gone(`the function's process ended with ${signal ?? `code ${String(code)}`}`));
    // Without a listener a failure of the process or of its channel would end the whole run.
    child.on('error', (error) => {
      gone(`the function's process failed: ${error.message}`);
      child.kill('SIGKILL');
    });
    // Nothing can be asked of it any more, even while it lives.
    child.once('disconnect', () => child.kill('SIGKILL'));
  }

  /** Invokes the handler. @throws Error with the handler's message, after the function's timeout, or once it is stopped */
  invoke(event: unknown): Promise<unknown> {
    this.start();
    const child = this.#child;
    if (!child) return Promise.reject(new Error('the function is stopped'));
    const id = this.#next++;
    const { name, timeoutSeconds, memoryMegabytes } = this.#resource;
    const context = {
      awsRequestId: randomUUID(),
      functionName: name,
      functionVersion: '$LATEST',
      memoryLimitInMB: String(memoryMegabytes),
      callbackWaitsForEmptyEventLoop: true,
    };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#take(id)?.reject(new Error(`Task timed out after ${timeoutSeconds} seconds`));
        child.kill('SIGKILL');
      }, timeoutSeconds * 1000);
      this.#pending.set(id, { child, resolve, reject, timer });
      child.send({ id, event, context });
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending) clearTimeout(pending.timer);
    this.#pending.delete(id);
    return pending;
  }
}
