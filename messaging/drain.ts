import type { Clock } from './clock';
import { OptionsError } from './consumer-options';

/** How long a drain may take. */
export interface DrainOptions {
  /** All of the drain, 0 or more milliseconds. `Infinity` waits until all is done, and tells no handler to stop. */
  readonly budgetMs: number;
  /**
   * The end of the budget that is kept for handlers to stop after their signal aborted, and for the last calls: 0 or more
   * milliseconds. One as long as the budget, or longer, tells them at once.
   * @default - a tenth of the budget, at most 2,000 milliseconds
   */
  readonly graceMs?: number;
}

/** What a drain did. */
export interface DrainReport {
  readonly durationMs: number;
  /**
   * Nothing was left: no handler runs, every delete and release was confirmed, no receive is outstanding.
   *
   * On a standard queue a release whose answer was lost counts too: such a message comes back when its visibility timeout
   * ends, if not before.
   */
  readonly clean: boolean;
  /** Handlers that ended: by themselves, or with their work done after they were told to stop. */
  readonly finished: number;
  /** Handlers that were told to stop. */
  readonly aborted: number;
  /** Handlers that did not stop; their messages were given back all the same. */
  readonly abandoned: number;
  /** Messages given back that had not been started. */
  readonly released: number;
  /** Finished messages whose delete was not confirmed: they will be delivered again. */
  readonly undeleted: number;
  /** Receives that did not return in time: what they bring is hidden until its visibility timeout. */
  readonly receiving: number;
}

/** What a drain asks of the engine. */
export interface DrainHost {
  readonly clock: Clock;
  /** Handlers that run. */
  running(): number;
  /** Finished messages whose delete is not confirmed. */
  undeleted(): number;
  /** Messages that are being given back or quarantined. */
  leaving(): number;
  /** Outstanding receives. */
  receiving(): number;
  /** No new receives and starts; what is held and not started goes back, also what comes later. */
  close(): void;
  /** Tells running handlers to stop, and in which time. */
  abort(stopWithinMs: number): number;
  /** Gives back what still runs, and what its dead-letter queue did not take. */
  abandon(): number;
  /** Stops all timers: nothing is repeated any more. */
  end(): void;
  counts(): { readonly finished: number; readonly released: number };
  /** Calls `look` after each change, until the returned function is called. */
  onChange(look: () => void): () => void;
}

/** Resolves when `done` is true, or at `untilMs`. */
function settled(host: DrainHost, untilMs: number, done: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (done()) return resolve();
    const finish = (): void => {
      cancel();
      stop();
      resolve();
    };
    const cancel = host.clock.setTimer(Math.max(0, untilMs - host.clock.now()), finish);
    const stop = host.onChange(() => {
      if (done()) finish();
    });
  });
}

/** @throws OptionsError with one line for each time that is not valid */
export function checkDrainOptions(options: DrainOptions): void {
  const times = { budgetMs: options.budgetMs, graceMs: options.graceMs ?? 0 };
  // A NaN, of an environment variable that is not set, would end all timers at once.
  const wrong = Object.entries(times).filter(([, value]) => typeof value !== 'number' || !(value >= 0));
  if (wrong.length === 0) return;
  throw new OptionsError(
    wrong.map(([name, value]) => `'${name}' (${value} milliseconds) must be a number of at least 0 milliseconds`),
  );
}

/**
 * Empties a consumer: work goes on until the grace begins, then it is told to stop, half a grace later its messages are given back,
 * and the rest of the time is for the last calls. Ends as soon as nothing is left.
 */
export async function drainConsumer(host: DrainHost, options: DrainOptions): Promise<DrainReport> {
  const { budgetMs } = options;
  // A budget without an end has no last part.
  const graceMs = budgetMs === Infinity ? 0 : Math.min(budgetMs, options.graceMs ?? Math.min(2000, budgetMs / 10));
  const startedAtMs = host.clock.now();
  const endMs = startedAtMs + budgetMs;
  const before = host.counts();
  const idle = (): boolean => host.running() + host.undeleted() + host.leaving() + host.receiving() === 0;
  host.close();
  await settled(host, endMs - graceMs, idle);
  const abandonMs = endMs - graceMs / 2;
  const aborted = host.abort(Math.max(0, abandonMs - host.clock.now()));
  await settled(host, abandonMs, idle);
  const abandoned = host.abandon();
  await settled(host, endMs, idle);
  const after = host.counts();
  host.end();
  return {
    durationMs: host.clock.now() - startedAtMs,
    clean: abandoned === 0 && idle(),
    finished: after.finished - before.finished,
    aborted,
    abandoned,
    released: after.released - before.released,
    undeleted: host.undeleted(),
    receiving: host.receiving(),
  };
}
