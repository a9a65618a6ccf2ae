/** What the lanes need of an item: its group and place. */
export interface LaneItem {
  readonly message: { readonly groupId?: string | undefined; readonly sequenceNumber?: string | undefined };
}

/** Messages that are held and may start: one line for a standard queue, one lane per group for FIFO. */
export interface ReadyQueue<T> {
  add(item: T): void;
  /** Takes an item that may start now; on FIFO only one that `mayStart`, and nothing of its group instead. */
  next(mayStart?: (item: T) => boolean): T | undefined;
  /** Takes out an item that waits. @returns false when it was not waiting */
  remove(item: T): boolean;
  /** Items that wait, those of one group in their order. */
  waiting(): T[];
  readonly size: number;
}

/** First come, first served. */
export class Line<T> implements ReadyQueue<T> {
  readonly #items = new Set<T>();

  get size(): number {
    return this.#items.size;
  }

  add(item: T): void {
    this.#items.add(item);
  }

  next(): T | undefined {
    for (const item of this.#items) {
      this.#items.delete(item);
      return item;
    }
    return undefined;
  }

  remove(item: T): boolean {
    return this.#items.delete(item);
  }

  waiting(): T[] {
    return [...this.#items];
  }
}

interface Lane<T> {
  readonly group: string;
  readonly waiting: T[];
  /** Running or parked: nothing else of the group may start. */
  head: T | undefined;
  parked: boolean;
  /** Finished, to be deleted in this order; the first one is being deleted. */
  readonly acks: T[];
  listed: boolean;
}

/** Compares sequence numbers without making BigInts of them. */
export function compareSequence(a = '', b = ''): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/**
 * One lane per message group. At most one item of a lane runs, in order of the sequence numbers, and deletes are confirmed in that
 * order too: when a delete gets lost, the redelivered messages are a suffix of the group, so a replay keeps the order.
 */
export class FifoLanes<T extends LaneItem> implements ReadyQueue<T> {
  readonly #lanes = new Map<string, Lane<T>>();
  /** Lanes that can start their first item, in turn. */
  #startable: Array<Lane<T>> = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Groups of which something is held. */
  get groups(): number {
    return this.#lanes.size;
  }

  add(item: T): void {
    const lane = this.#laneOf(item);
    const { waiting } = lane;
    let at = waiting.length;
    while (at > 0 && compareSequence(sequenceOf(waiting[at - 1]), sequenceOf(item)) > 0) at -= 1;
    waiting.splice(at, 0, item);
    this.#size += 1;
    this.#list(lane);
  }

  next(mayStart: (item: T) => boolean = () => true): T | undefined {
    for (let left = this.#startable.length; left > 0; left--) {
      const lane = this.#startable.shift() as Lane<T>;
      const head = lane.waiting[0];
      if (head !== undefined && !mayStart(head)) {
        this.#startable.push(lane);
        continue;
      }
      lane.listed = false;
      if (head === undefined) {
        this.#tidy(lane);
        continue;
      }
      lane.waiting.shift();
      lane.head = head;
      this.#size -= 1;
      return head;
    }
    return undefined;
  }

  remove(item: T): boolean {
    const lane = this.#laneOf(item);
    const at = lane.waiting.indexOf(item);
    if (at >= 0) {
      lane.waiting.splice(at, 1);
      this.#size -= 1;
    }
    this.#tidy(lane);
    return at >= 0;
  }

  waiting(): T[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.waiting);
  }

  /** The head failed and is to run again here: its lane stands still, its slot is free. */
  park(item: T): void {
    const lane = this.#laneOf(item);
    lane.parked = true;
  }

  /** The parked head may run again. @returns false when it is not parked any more */
  unpark(item: T): boolean {
    const lane = this.#laneOf(item);
    if (lane.head !== item || !lane.parked) return false;
    lane.parked = false;
    lane.head = undefined;
    lane.waiting.unshift(item);
    this.#size += 1;
    this.#list(lane);
    return true;
  }

  /** The head left the lane, whatever its fate: the next one may start. */
  leave(item: T): void {
    const lane = this.#laneOf(item);
    if (lane.head === item) {
      lane.head = undefined;
      lane.parked = false;
    }
    this.#list(lane);
    this.#tidy(lane);
  }

  /** Takes out what must not start because `item` was not finished: the items after it, last first. */
  takeAfter(item: T): T[] {
    const lane = this.#laneOf(item);
    const at = lane.waiting.findIndex((other) => compareSequence(sequenceOf(other), sequenceOf(item)) > 0);
    const after = at < 0 ? [] : lane.waiting.splice(at);
    this.#size -= after.length;
    this.#tidy(lane);
    return after.reverse();
  }

  /** What runs or is parked in the item's lane. */
  headOf(item: T): T | undefined {
    return this.#lanes.get(item.message.groupId ?? '')?.head;
  }

  /** A finished item wants to be deleted. @returns whether it is its turn; else `acked` of the one before will name it */
  ack(item: T): boolean {
    const { acks } = this.#laneOf(item);
    acks.push(item);
    return acks.length === 1;
  }

  /** A delete was confirmed. @returns the item whose turn it is now */
  acked(item: T): T | undefined {
    const lane = this.#laneOf(item);
    const at = lane.acks.indexOf(item);
    if (at >= 0) lane.acks.splice(at, 1);
    this.#tidy(lane);
    return at === 0 ? lane.acks[0] : undefined;
  }

  /** A delete failed for good. @returns the finished items behind it, last first: they have to be replayed after it */
  ackLost(item: T): T[] {
    const lane = this.#laneOf(item);
    const at = lane.acks.indexOf(item);
    const behind = at < 0 ? [] : lane.acks.splice(at).slice(1);
    this.#tidy(lane);
    return behind.reverse();
  }

  #laneOf(item: T): Lane<T> {
    const group = item.message.groupId ?? '';
    let lane = this.#lanes.get(group);
    if (lane === undefined) {
      lane = { group, waiting: [], head: undefined, parked: false, acks: [], listed: false };
      this.#lanes.set(group, lane);
    }
    return lane;
  }

  #list(lane: Lane<T>): void {
    if (lane.listed || lane.head !== undefined || lane.waiting.length === 0) return;
    lane.listed = true;
    this.#startable.push(lane);
  }

  #tidy(lane: Lane<T>): void {
    if (lane.head === undefined && lane.waiting.length === 0 && lane.acks.length === 0 && !lane.listed) {
      this.#lanes.delete(lane.group);
    }
  }
}

const sequenceOf = (item: LaneItem | undefined): string | undefined => item?.message.sequenceNumber;
