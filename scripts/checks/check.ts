import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** One gate of `npm run check:package`. */
export interface Check {
  /** By which it is chosen on the command line. */
  readonly name: string;
  /** What it asks, in a few words. */
  readonly about: string;
  /** One line for each problem; none when all is well. `note` tells what was measured. */
  run(note: (text: string) => void): Promise<readonly string[]> | readonly string[];
}

/** What a tool says that is accepted, and why. */
export interface Accepted {
  /** Matches the tool's whole line. */
  readonly finding: RegExp;
  readonly reason: string;
}

export const ROOT = resolve(__dirname, '../..');

/** A new, empty directory below `tmp/`. */
export function emptyDirectory(name: string): string {
  const directory = join(ROOT, 'tmp', name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** How a program ended and what it printed. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], cwd = ROOT, env: NodeJS.ProcessEnv = {}): Ended {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return { status: status ?? 1, stdout, stderr };
}

/** Runs a program that must succeed; returns what it printed. */
export function runWell(command: string, args: readonly string[], cwd = ROOT, env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr } = run(command, args, cwd, env);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** A program of a development dependency. */
export const tool = (name: string): string => join(ROOT, 'node_modules/.bin', name);

/** Findings that are not accepted, and acceptances that nothing needs any more. */
export function unaccepted(findings: readonly string[], accepted: readonly Accepted[]): string[] {
  return [
    ...findings.filter((finding) => !accepted.some((entry) => entry.finding.test(finding))),
    ...accepted
      .filter((entry) => !findings.some((finding) => entry.finding.test(finding)))
      .map((entry) => `no longer found, so accept it no longer: ${entry.finding}`),
  ];
}
