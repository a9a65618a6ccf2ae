import { type ChildProcess, spawn as nodeSpawn } from 'node:child_process';
import type { Clock } from '../../messaging';

/** One run of ffmpeg. */
export interface FfmpegRun {
  readonly ffmpeg: string;
  readonly args: readonly string[];
  /** Kills the whole process group. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Position in the output, seconds, each time that ffmpeg reports one. */
  readonly onProgress?: (outSeconds: number) => void;
  /** Killed after this long without a word, milliseconds. */
  readonly stallMs: number;
  /** Killed after this long whatever it says, milliseconds. */
  readonly limitMs: number;
}

/** How a run ended. */
export interface FfmpegResult {
  /** Undefined when it was ended by a signal. */
  readonly exitCode: number | undefined;
  readonly killedBy: string | undefined;
  /** It was killed because its time was up. */
  readonly overtime: boolean;
  readonly stderr: string;
  /** Last position in the output, seconds. */
  readonly outSeconds: number;
}

/** Kept of ffmpeg's words, characters: a damaged file can fill megabytes. */
const STDERR_KEPT = 16_384;

/**
 * Runs ffmpeg in a process group of its own, so that an abort reaches everything it started.
 *
 * @returns how it ended, also when it failed; rejects with the signal's reason when aborted, and with the system's error
 * when it cannot be started.
 */
export function runFfmpeg(run: FfmpegRun, spawn: typeof nodeSpawn = nodeSpawn): Promise<FfmpegResult> {
  const { signal, clock, stallMs, limitMs } = run;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const child = spawn(run.ffmpeg, ['-hide_banner', '-nostdin', '-y', ...run.args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    let outSeconds = 0;
    let stalled = false;
    let overtime = false;
    let cancelStall = (): void => {};
    const watch = (): void => {
      cancelStall();
      cancelStall = clock.setTimer(stallMs, () => {
        stalled = true;
        killGroup(child);
      });
    };
    const cancelLimit = clock.setTimer(limitMs, () => {
      overtime = true;
      killGroup(child);
    });
    const abort = (): void => killGroup(child);
    const finish = (): void => {
      cancelStall();
      cancelLimit();
      signal.removeEventListener('abort', abort);
    };
    watch();
    signal.addEventListener('abort', abort, { once: true });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      watch();
      // Microseconds under both names; the second is a misnomer of older versions.
      const found = [...text.matchAll(/^out_time_(?:us|ms)=(\d+)/gm)].at(-1);
      if (found === undefined) return;
      outSeconds = Number(found[1]) / 1_000_000;
      run.onProgress?.(outSeconds);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_KEPT);
    });
    child.once('error', (error) => {
      finish();
      reject(error);
    });
    child.once('close', (exitCode, killedBy) => {
      finish();
      if (signal.aborted) return reject(signal.reason as Error);
      resolve({
        exitCode: exitCode ?? undefined,
        killedBy: stalled ? `no progress in ${stallMs / 1000} seconds` : (killedBy ?? undefined),
        overtime,
        stderr,
        outSeconds,
      });
    });
  });
}

/** Kills a detached child and all that it started. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}
