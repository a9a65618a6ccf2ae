/** Waiting jobs by the step in which they arrived, and how long those that started had waited. */
export class CohortQueue {
  readonly #stepSeconds: number;
  #steps: number[] = [];
  #counts: number[] = [];
  #head = 0;
  #waits: number[] = [];
  waiting = 0;
  taken = 0;

  constructor(stepSeconds: number) {
    this.#stepSeconds = stepSeconds;
  }

  push(step: number, count: number): void {
    this.#steps.push(step);
    this.#counts.push(count);
    this.waiting += count;
  }

  /** Jobs whose attempt was cut off wait anew. */
  return(count: number, step: number): void {
    if (count > 0) this.push(step, count);
  }

  take(step: number, count: number, onWait: (seconds: number) => void): void {
    for (let left = count; left > 0;) {
      const available = this.#counts[this.#head] as number;
      const now = Math.min(left, available);
      const age = step - (this.#steps[this.#head] as number);
      this.#waits[age] = (this.#waits[age] ?? 0) + now;
      onWait(age * this.#stepSeconds);
      left -= now;
      if (now === available) this.#head++;
      else this.#counts[this.#head] = available - now;
    }
    this.waiting -= count;
    this.taken += count;
    if (this.#head > 65_536) {
      this.#steps = this.#steps.slice(this.#head);
      this.#counts = this.#counts.slice(this.#head);
      this.#head = 0;
    }
  }

  oldestAgeSeconds(now: number): number {
    const step = this.#steps[this.#head];
    return step === undefined ? 0 : now - step * this.#stepSeconds;
  }

  statistics() {
    let [total, weighted] = [0, 0];
    const ages: number[] = [];
    this.#waits.forEach((count, age) => {
      ages.push(age);
      total += count;
      weighted += count * age;
    });
    const below = (steps: number) => ages.reduce((sum, age) => (age <= steps ? sum + (this.#waits[age] ?? 0) : sum), 0);
    return {
      meanWaitSeconds: (weighted / total) * this.#stepSeconds,
      waitQuantile: (share: number) => {
        let sum = 0;
        for (const age of ages) {
          sum += this.#waits[age] ?? 0;
          if (sum > share * total) return age * this.#stepSeconds;
        }
        return (ages.at(-1) ?? NaN) * this.#stepSeconds;
      },
      doneWithin: (seconds: number) => below(seconds / this.#stepSeconds),
    };
  }
}
