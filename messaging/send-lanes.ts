/** What the packing needs to know of a message. */
export interface Packable {
  /** Size of body and attributes together. */
  readonly bytes: number;
  /** Messages of one group keep their order when the lanes are FIFO. */
  readonly groupId?: string;
  /** Travels in a request of its own. */
  readonly alone?: boolean;
}

/** How a batch may look. */
export interface PackLimits {
  /** Messages in one request. */
  readonly maxEntries: number;
  /** Bytes in one request. */
  readonly maxBytes: number;
  /** Keep the order of each group: at most one request of a group is under way. */
  readonly fifo: boolean;
}

/** How many lanes whose first message does not fit are passed over to fill one batch. */
const MAX_PASSED_OVER = 100;

interface Lane<T> {
  readonly items: T[];
  /** Index of the first waiting item; cheaper than shifting a long array. */
  head: number;
  /** A request with messages of this lane is under way. */
  busy: boolean;
}

/**
 * Messages that wait to be sent, packed into requests by count and size. No clock, no calls.
 *
 * A standard queue has one lane. A FIFO queue has one for each group: a batch takes the first messages of one or more
 * lanes and locks them until `release`, so a group's next message is never under way before the one before it is settled.
 */
export class SendLanes<T extends Packable> {
  readonly #limits: PackLimits;
  readonly #lanes = new Map<string, Lane<T>>();
  /** Lanes with something to send and no request under way, the one that waited longest first. */
  readonly #ready = new Set<Lane<T>>();
  #count = 0;
  #bytes = 0;

  constructor(limits: PackLimits) {
    this.#limits = limits;
  }

  /** Messages that wait. */
  get count(): number {
    return this.#count;
  }

  /** Whether what waits fills a request, by count or size. */
  get isFull(): boolean {
    return this.#count >= this.#limits.maxEntries || this.#bytes >= this.#limits.maxBytes;
  }

  /** Appends a message to its lane. */
  add(item: T): void {
    const lane = this.#laneOf(item);
    lane.items.push(item);
    this.#wait(lane, item);
  }

  /** Puts failed messages of a batch, in their order, before everything else of their lanes. */
  putBack(items: readonly T[]): void {
    for (const item of items.toReversed()) {
      const lane = this.#laneOf(item);
      lane.items.splice(lane.head, 0, item);
      this.#wait(lane, item);
    }
  }

  /** Takes the next batch; empty when nothing waits or all groups are locked. */
  take(): T[] {
    const batch: T[] = [];
    let bytes = 0;
    let passedOver = 0;
    for (const lane of this.#ready) {
      let first = lane.items[lane.head];
      const before = batch.length;
      while (first !== undefined && this.#fits(batch, bytes, first)) {
        batch.push(first);
        bytes += first.bytes;
        first = lane.items[++lane.head];
        if (batch[0]?.alone === true) break;
      }
      if (batch.length === before) passedOver++;
      else if (this.#limits.fifo) lane.busy = true;
      this.#tidy(lane);
      if (batch.length >= this.#limits.maxEntries || passedOver > MAX_PASSED_OVER || batch[0]?.alone === true) break;
    }
    this.#count -= batch.length;
    this.#bytes -= bytes;
    return batch;
  }

  /** Takes all that wait, or those of them that `wanted` is true for, without locking their groups. */
  takeAll(wanted: (item: T) => boolean = () => true): T[] {
    const taken: T[] = [];
    for (const [key, lane] of this.#lanes) {
      const waiting = lane.items.slice(lane.head);
      lane.items.splice(0, lane.items.length, ...waiting.filter((item) => !wanted(item)));
      lane.head = 0;
      taken.push(...waiting.filter(wanted));
      this.#tidy(lane);
      if (lane.items.length === 0 && !lane.busy) this.#lanes.delete(key);
    }
    this.#count -= taken.length;
    this.#bytes -= taken.reduce((sum, item) => sum + item.bytes, 0);
    return taken;
  }

  /** Unlocks the groups of messages that are settled or were put back. */
  release(items: readonly T[]): void {
    if (!this.#limits.fifo) return;
    for (const item of items) {
      const key = item.groupId ?? '';
      const lane = this.#lanes.get(key);
      if (lane === undefined) continue;
      lane.busy = false;
      if (lane.head < lane.items.length) this.#ready.add(lane);
      else this.#lanes.delete(key);
    }
  }

  #fits(batch: readonly T[], bytes: number, item: T): boolean {
    // A message is never larger than a request, so an empty batch takes any.
    if (batch.length === 0) return true;
    const { maxEntries, maxBytes } = this.#limits;
    return item.alone !== true && batch.length < maxEntries && bytes + item.bytes <= maxBytes;
  }

  #laneOf(item: T): Lane<T> {
    const key = this.#limits.fifo ? (item.groupId ?? '') : '';
    let lane = this.#lanes.get(key);
    if (lane === undefined) this.#lanes.set(key, (lane = { items: [], head: 0, busy: false }));
    return lane;
  }

  #wait(lane: Lane<T>, item: T): void {
    this.#count++;
    this.#bytes += item.bytes;
    if (!lane.busy) this.#ready.add(lane);
  }

  /** Forgets what was taken, and takes the lane off the ready list when it is locked or empty. */
  #tidy(lane: Lane<T>): void {
    if (lane.head === lane.items.length || lane.head >= 1_024) {
      lane.items.splice(0, lane.head);
      lane.head = 0;
    }
    if (lane.busy || lane.items.length === lane.head) this.#ready.delete(lane);
  }
}
