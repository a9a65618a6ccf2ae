import type { Delivery } from './delivery';
import type { DrainHost } from './drain';
import type { EngineState } from './engine-state';
import type { GiveBack } from './give-back';
import { DrainError } from './handler';

/** What a drain asks for beside the state. */
export interface DrainedParts {
  readonly state: EngineState;
  readonly giveBack: GiveBack;
  /** Receives that are on their way. */
  readonly receiving: () => number;
  /** No new receives; nothing lingers any more. */
  readonly close: () => void;
  readonly end: () => void;
  readonly onChange: DrainHost['onChange'];
}

/** An engine as a drain sees it. */
export function drainHost({ state, giveBack, receiving, close, end, onChange }: DrainedParts): DrainHost {
  const { counters } = state;
  const running = (): Delivery[] => [...state.held.values()].filter((d) => d.state === 'running' && !d.lost);
  return {
    clock: state.options.clock,
    running: () => state.running,
    undeleted: () => state.acking,
    leaving: () => giveBack.size + state.quarantining + state.waiting,
    receiving,
    counts: () => ({
      finished: counters.succeeded + counters.failed + counters.poison,
      released: counters.released,
    }),
    close: () => {
      state.closing = true;
      close();
      // Those without a next try are being given back already, and wait for what is behind them.
      const parked = [...state.held.values()].filter((d) => d.cancelRetry !== undefined);
      for (const delivery of parked) giveBack.group(delivery, 0, 'drained');
      for (const delivery of state.ready.waiting().reverse()) {
        state.ready.remove(delivery);
        void giveBack.one(delivery, 0, 'drained');
      }
    },
    abort: (stopWithinMs) => {
      const told = running().filter((d) => d.abortReason === undefined);
      for (const d of told) d.abort(new DrainError('the time to drain is over', d.message.messageId, stopWithinMs));
      return told.length;
    },
    abandon: () => {
      state.over.abort();
      const left = running();
      // Not at once: their handlers may still be at it until the process ends.
      for (const d of left) void giveBack.one(d, Math.max(1, state.backoffSeconds(d.message.receiveCount)), 'drained');
      return left.length;
    },
    end,
    onChange,
  };
}
