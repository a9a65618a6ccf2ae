import type { Delivery } from './delivery';
import type { EngineState } from './engine-state';
import type { GiveBack } from './give-back';
import { LeaseLostError } from './handler';
import { renewRecord } from './record-renewal';

/** The lease was renewed. */
export function leaseRenewed(state: EngineState, delivery: Delivery, slackMs: number, lose: () => void): void {
  state.counters.renewed += 1;
  // With every slot in a long handler nothing is polled and nothing ends; that the leases live is the progress.
  state.lastProgressAtMs = state.options.clock.now();
  state.complaints.works('renew');
  state.notify.renewed?.({ message: delivery.message, slackMs });
  // A group may have waited for the renewal of its head's lease.
  if (delivery.state === 'buffered') state.dispatch();
  renewRecord(state, delivery, lose);
}

/** The lease is over: from here on nothing is done to the message. */
export function leaseLost(state: EngineState, giveBack: GiveBack, delivery: Delivery): void {
  const { message, state: where } = delivery;
  const { lanes } = state;
  if (delivery.lost || where === 'gone' || where === 'releasing') return;
  delivery.lost = true;
  state.counters.leasesLost += 1;
  state.notify.leaseLost?.({ message, while: where });
  state.options.logger.warn({ messageId: message.messageId, while: where }, 'a lease was lost');
  const replayed = lanes?.takeAfter(delivery) ?? [];
  if (where === 'running') {
    // It stays held until its handler has stopped, so that a second delivery is not run beside it.
    delivery.abort(new LeaseLostError('another consumer may have this message now', message.messageId));
  } else {
    state.gone(delivery);
    if (where === 'buffered') state.ready.remove(delivery);
    if (where !== 'acking') lanes?.leave(delivery);
    if (where === 'acking') {
      state.acking -= 1;
      const finished = lanes?.ackLost(delivery) ?? [];
      state.acking -= finished.length;
      replayed.push(...finished);
      const head = lanes?.headOf(delivery);
      if (head) head.replay = true;
    }
  }
  for (const d of replayed) void giveBack.one(d, 0, 'failed');
  state.dispatch();
  state.changed();
}
