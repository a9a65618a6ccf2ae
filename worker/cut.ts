import { delay, DrainError, type Clock, type Handler, ReleaseError } from '../messaging';
import { firstAbort } from './first-abort';

/** Handlers get this long to stop after their signal, then their messages are given back all the same. */
const STOP_MS = 2_000;

/**
 * A way to end running handlers earlier than their consumer's drain would: a drain's budget is fixed when it begins, but a
 * Spot notice or a failing heartbeat can take time away later.
 */
export class Cut {
  readonly #abort = new AbortController();
  #cancel: (() => void) | undefined;
  #ended = 0;

  constructor(private readonly clock: Clock) {}

  /** Ends what runs so that it is over in `budgetMs`; a later call replaces an earlier one. */
  within(budgetMs: number): void {
    this.#cancel?.();
    this.#cancel = this.clock.setTimer(Math.max(0, budgetMs - STOP_MS), () =>
      this.#abort.abort(new DrainError(GOING_AWAY, undefined, STOP_MS)),
    );
  }

  /** Handlers that were running when they were ended. */
  get ended(): number {
    return this.#ended;
  }

  /** Takes the timer away. */
  clear(): void {
    this.#cancel?.();
  }

  /** `handler`, ended by the cut: its signal aborts, and its message is given back once it stopped or did not in time. */
  wrap(handler: Handler): Handler {
    const { signal } = this.#abort;
    return async (message, context) => {
      if (signal.aborted) throw goingAway(message.messageId);
      const ended = new AbortController();
      const cut = new Promise<never>((_resolve, reject) => {
        const end = (): void =>
          void delay(this.clock, STOP_MS, ended.signal).then(() => reject(goingAway(message.messageId)));
        signal.addEventListener('abort', end, { once: true, signal: ended.signal });
      });
      // Lost when the handler wins the race.
      cut.catch(() => {});
      const either = firstAbort([context.signal, signal]);
      const inner = {
        signal: either.signal,
        logger: context.logger,
        extend: (seconds: number) => context.extend(seconds),
      };
      try {
        await Promise.race([handler(message, inner), cut]);
      } catch (error) {
        // A handler that stops because of the cut has not failed, whatever it throws.
        if (!signal.aborted || context.signal.aborted) throw error;
        this.#ended++;
        throw goingAway(message.messageId);
      } finally {
        either.release();
        ended.abort();
      }
    };
  }
}

const GOING_AWAY = 'the instance is going away';
const goingAway = (messageId: string): ReleaseError => new ReleaseError(GOING_AWAY, messageId);
