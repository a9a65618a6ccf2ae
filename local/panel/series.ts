import type { LocalState } from '../panel-api';

/** Which way an alarm moves the group: up because work waits, down because instances idle. */
export type AlarmDirection = 'out' | 'in';

/** Time in which a scaling alarm was in ALARM, seconds since the start; open while it lasts. */
export interface AlarmBand {
  readonly direction: AlarmDirection;
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
    const firing = state.alarms.filter((alarm) => alarm.scaling && alarm.state === 'ALARM');
    for (const direction of ['out', 'in'] as const) {
      const fires = firing.some(({ comparison }) => comparison.startsWith('Less') === (direction === 'in'));
      const open = this.bands.findLast((band) => band.direction === direction && band.toSeconds === undefined);
      if (fires && open === undefined) {
        this.bands.push({ direction, fromSeconds: elapsedSeconds, toSeconds: undefined });
      } else if (!fires && open !== undefined) open.toSeconds = elapsedSeconds;
    }
  }
}
