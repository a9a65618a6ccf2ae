import { SAMPLES_KEPT } from '../chart-sample';
import type { ChartSample } from '../panel-api';

/** Which way an alarm moves the group: up because work waits, down because instances idle. */
export type AlarmDirection = 'out' | 'in';

/** Time in which a scaling alarm was in ALARM, seconds since the start; open while it lasts. */
export interface AlarmBand {
  readonly direction: AlarmDirection;
  readonly fromSeconds: number;
  toSeconds: number | undefined;
}

/** What the charts draw: all arrays of one length. */
export class Series {
  readonly seconds: number[] = [];
  readonly visible: number[] = [];
  readonly inFlight: number[] = [];
  readonly oldestSeconds: number[] = [];
  readonly inService: number[] = [];
  readonly desired: number[] = [];
  readonly bands: AlarmBand[] = [];

  /** Takes one moment; one that is not later than the last is dropped. */
  add(sample: ChartSample): void {
    const { elapsedSeconds } = sample;
    const last = this.seconds.at(-1);
    // A reconnection may repeat a moment; uPlot needs ascending times.
    if (last !== undefined && elapsedSeconds <= last) return;
    this.seconds.push(elapsedSeconds);
    this.visible.push(sample.visible);
    this.inFlight.push(sample.inFlight);
    this.oldestSeconds.push(sample.oldestSeconds);
    this.inService.push(sample.inService);
    this.desired.push(sample.desired);
    this.#addBand('out', sample.alarmOut, elapsedSeconds);
    this.#addBand('in', sample.alarmIn, elapsedSeconds);
    if (this.seconds.length > SAMPLES_KEPT) {
      const columns = [this.seconds, this.visible, this.inFlight, this.oldestSeconds, this.inService, this.desired];
      for (const column of columns) column.shift();
    }
  }

  #addBand(direction: AlarmDirection, fires: boolean, elapsedSeconds: number): void {
    const open = this.bands.findLast((band) => band.direction === direction && band.toSeconds === undefined);
    if (fires && open === undefined) {
      this.bands.push({ direction, fromSeconds: elapsedSeconds, toSeconds: undefined });
    } else if (!fires && open !== undefined) open.toSeconds = elapsedSeconds;
  }
}
