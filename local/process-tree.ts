/** Ends a process with everything that it started, as the end of an instance does. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process and its parent. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
}

/** `root` and everything below it, children before their parents. */
export function treeOf(root: number, processes: readonly ProcessEntry[]): readonly number[] {
  const children = processes.filter(({ parent }) => parent === root);
  return [...children.flatMap(({ pid }) => treeOf(pid, processes)), root];
}

/** Kills a process and its descendants at once. A worker's programs may sit in process groups of their own. */
export function killTree(root: number): void {
  for (const pid of treeOf(root, listProcesses())) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself meanwhile.
    }
  }
}

function listProcesses(): readonly ProcessEntry[] {
  try {
    return process.platform === 'linux' ? fromProc() : fromPs();
  } catch {
    return [];
  }
}

function fromProc(): readonly ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The second field, the program's name in parentheses, may hold spaces and parentheses itself.
        const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return [{ pid: Number(name), parent: Number(parent) }];
      } catch {
        return [];
      }
    });
}

function fromPs(): readonly ProcessEntry[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const [pid, parent] = line.trim().split(/\s+/).map(Number);
      return pid === undefined || parent === undefined ? [] : [{ pid, parent }];
    });
}
