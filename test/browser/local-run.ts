import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** A local run of the example, as a child process. */
export interface RunningExample {
  readonly pageUrl: string;
  /** Everything that it printed. */
  output(): string;
  stop(): Promise<void>;
}

const PROJECT = join(__dirname, '..', '..');
const START_MS = 90_000;

/** Starts `queue-fleet local` on a free port and waits for its page's address. */
export function startExample(...options: string[]): Promise<RunningExample> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(PROJECT, 'bin', 'queue-fleet.ts'), 'local', '--port', '0', ...options],
    { cwd: PROJECT, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the local run did not start within ${START_MS / 1000} s:\n${output}`));
    }, START_MS);
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const pageUrl = /page\s+\S*?(http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
      if (pageUrl === undefined) return;
      clearTimeout(timer);
      resolve({ pageUrl, output: () => output, stop });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(new Error(`the local run ended with code ${code}:\n${output}`));
    });
  });
}
