/** Machines that no task uses any more: an orchestrator pays for them, and starts tasks on them, until it releases them. */
export class SpareNodes {
  readonly #releaseSeconds: number;
  /** When each node is released, ascending. */
  readonly #until: number[] = [];

  /** @param releaseSeconds from the end of the last task on a node until the node is terminated; 0: at once */
  constructor(releaseSeconds: number) {
    this.#releaseSeconds = releaseSeconds;
  }

  /** Nodes that are there. Call `paidSeconds` up to now before. */
  get count(): number {
    return this.#until.length;
  }

  /** The last task of a node ended. */
  add(nowSeconds: number): void {
    if (this.#releaseSeconds > 0) this.#until.push(nowSeconds + this.#releaseSeconds);
  }

  /** Takes the node that would stay longest, so that the others can go; false when there is none. */
  take(nowSeconds: number): boolean {
    const newest = this.#until.at(-1);
    if (newest === undefined || newest <= nowSeconds) return false;
    this.#until.pop();
    return true;
  }

  /** Node time between two moments; nodes whose time is over leave. */
  paidSeconds(fromSeconds: number, toSeconds: number): number {
    let paid = 0;
    for (const until of this.#until) paid += Math.min(until, toSeconds) - fromSeconds;
    while ((this.#until[0] ?? Infinity) <= toSeconds) this.#until.shift();
    return paid;
  }
}
