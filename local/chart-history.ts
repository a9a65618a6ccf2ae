import type { Clock } from '../messaging';
import { sampleOf, SAMPLES_KEPT } from './chart-sample';
import type { ChartSample, LocalState } from './panel-api';

/** Between two samples, milliseconds. */
const SAMPLE_MS = 500;

/** Remembers the run for pages that are opened, or loaded again, later. */
export class ChartHistory {
  readonly #samples: ChartSample[] = [];
  #cancel = (): void => {};

  constructor(
    private readonly clock: Clock,
    private readonly state: () => LocalState,
  ) {
    this.#next();
  }

  /** Oldest first. */
  get samples(): readonly ChartSample[] {
    return this.#samples;
  }

  close(): void {
    this.#cancel();
  }

  #next(): void {
    this.#cancel = this.clock.setTimer(SAMPLE_MS, () => {
      this.#next();
      this.#samples.push(sampleOf(this.state()));
      if (this.#samples.length > SAMPLES_KEPT) this.#samples.shift();
    });
  }
}
