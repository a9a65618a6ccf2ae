/** A binary heap of timed events in typed arrays: a day of a million jobs makes as many pushes. */
export class EventHeap {
  #times = new Float64Array(1024);
  #kinds = new Uint8Array(1024);
  #subjects = new Int32Array(1024);
  #details = new Int32Array(1024);
  #order = new Float64Array(1024);
  #pushed = 0;
  #size = 0;

  /** The popped event; valid until the next `pop`. */
  atSeconds = 0;
  kind = 0;
  subject = 0;
  detail = 0;

  get size(): number {
    return this.#size;
  }

  /** Time of the next event; Infinity when there is none. */
  get nextSeconds(): number {
    return this.#size === 0 ? Infinity : (this.#times[0] as number);
  }

  /** Adds an event; events of the same time come out in the order they were added. */
  push(atSeconds: number, kind: number, subject: number, detail = 0): void {
    if (this.#size === this.#times.length) this.#grow();
    let i = this.#size++;
    const order = this.#pushed++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#before(parent, atSeconds, order)) break;
      this.#copy(parent, i);
      i = parent;
    }
    this.#times[i] = atSeconds;
    this.#order[i] = order;
    this.#kinds[i] = kind;
    this.#subjects[i] = subject;
    this.#details[i] = detail;
  }

  /** Takes the earliest event into `atSeconds`, `kind`, `subject` and `detail`; false when there is none. */
  pop(): boolean {
    if (this.#size === 0) return false;
    this.atSeconds = this.#times[0] as number;
    this.kind = this.#kinds[0] as number;
    this.subject = this.#subjects[0] as number;
    this.detail = this.#details[0] as number;
    const last = --this.#size;
    if (last === 0) return true;
    const time = this.#times[last] as number;
    const order = this.#order[last] as number;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      const right = child + 1;
      if (right < last && this.#before(right, this.#times[child] as number, this.#order[child] as number))
        child = right;
      if (!this.#before(child, time, order)) break;
      this.#copy(child, i);
      i = child;
    }
    this.#copy(last, i);
    return true;
  }

  #before(i: number, time: number, order: number): boolean {
    const other = this.#times[i] as number;
    return other < time || (other === time && (this.#order[i] as number) < order);
  }

  #copy(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number;
    this.#order[to] = this.#order[from] as number;
    this.#kinds[to] = this.#kinds[from] as number;
    this.#subjects[to] = this.#subjects[from] as number;
    this.#details[to] = this.#details[from] as number;
  }

  #grow(): void {
    const length = this.#times.length * 2;
    const grown = <T extends { set(source: T): void }>(source: T, target: T): T => {
      target.set(source);
      return target;
    };
    this.#times = grown(this.#times, new Float64Array(length));
    this.#order = grown(this.#order, new Float64Array(length));
    this.#kinds = grown(this.#kinds, new Uint8Array(length));
    this.#subjects = grown(this.#subjects, new Int32Array(length));
    this.#details = grown(this.#details, new Int32Array(length));
  }
}
