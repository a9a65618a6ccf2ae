import type { LocalState } from '../panel-api';

/** Time in which a scaling alarm was in ALARM, seconds since the start; open while it lasts. */
export interface AlarmBand {
  readonly fromSeconds: number;
  toSeconds: number | undefined;
}

/** Samples kept: at two a second, ten minutes. */
const KEPT = 1_200;

/** What the charts draw: one sample per state, all arrays of one length. */
export class Series {
  readonly seconds: number[] = [];
  readonly visible: number[] = [];
  readonly inFlight: number[] = [];
  readonly oldestSeconds: number[] = [];
  readonly inService: number[] = [];
  readonly desired: number[] = [];
  readonly bands: AlarmBand[] = [];

  /** Takes one state; dead-letter queues are not work that waits. */
  add(state: LocalState): void {
    const { elapsedSeconds } = state.clock;
    const last = this.seconds.at(-1);
    // A reconnection may repeat a moment; uPlot needs ascending times.
    if (last !== undefined && elapsedSeconds <= last) return;
    const queues = state.queues.filter(({ deadLetterOf }) => deadLetterOf === undefined);
    this.seconds.push(elapsedSeconds);
    this.visible.push(queues.reduce((sum, { visible, delayed }) => sum + visible + delayed, 0));
    this.inFlight.push(queues.reduce((sum, { inFlight }) => sum + inFlight, 0));
    this.oldestSeconds.push(Math.max(0, ...queues.map(({ oldestAgeSeconds }) => oldestAgeSeconds)));
    this.inService.push(state.group?.inService ?? 0);
    this.desired.push(state.group?.desired ?? 0);
    this.#addBand(state, elapsedSeconds);
    if (this.seconds.length > KEPT) {
      const columns = [this.seconds, this.visible, this.inFlight, this.oldestSeconds, this.inService, this.desired];
      for (const column of columns) column.shift();
    }
  }

  #addBand(state: LocalState, elapsedSeconds: number): void {
    const firing = state.alarms.some((alarm) => alarm.scaling && alarm.state === 'ALARM');
    const open = this.bands.at(-1);
    if (firing && (open === undefined || open.toSeconds !== undefined)) {
      this.bands.push({ fromSeconds: elapsedSeconds, toSeconds: undefined });
    } else if (!firing && open !== undefined && open.toSeconds === undefined) {
      open.toSeconds = elapsedSeconds;
    }
  }
}
