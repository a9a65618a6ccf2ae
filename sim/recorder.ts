/** The time line of a run: what a chart draws. */
import type { AlarmState } from './alarm-state';
import type { AlarmBand } from './scaling-engine';

/** One moment of a run. */
export interface Moment {
  readonly visible: number;
  readonly inFlight: number;
  readonly desired: number;
  readonly inService: number;
  /** In service, starting and draining. */
  readonly total: number;
  readonly alarms: readonly AlarmBand[];
}

/** One point of the time line. */
export interface TimelinePoint extends Omit<Moment, 'alarms'> {
  readonly atSeconds: number;
  /** Waits of the jobs that finished since the previous point; NaN when none did. */
  readonly waitP50Seconds: number;
  readonly waitP95Seconds: number;
}

/** A time during which an alarm kept one state. */
export interface AlarmSpan {
  readonly alarm: string;
  readonly state: AlarmState;
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** The whole time line. */
export interface Recording {
  readonly points: readonly TimelinePoint[];
  readonly alarms: readonly AlarmSpan[];
}

/** Waits that are kept for the percentiles of one point. */
const MOST_WAITS = 4_096;

/** Collects points at even intervals. */
export class Recorder {
  readonly #intervalSeconds: number;
  readonly #points: TimelinePoint[] = [];
  readonly #spans: AlarmSpan[] = [];
  readonly #open = new Map<string, AlarmBand>();
  #waits: number[] = [];
  #seen = 0;
  #nextSeconds = 0;

  constructor(durationSeconds: number, points: number) {
    this.#intervalSeconds = Math.max(1, durationSeconds / points);
  }

  get nextSeconds(): number {
    return this.#nextSeconds;
  }

  /** A job finished after this wait. */
  wait(seconds: number): void {
    // Beyond the limit every later wait replaces an older one in turn: the percentiles stay those of a fair sample.
    if (this.#waits.length < MOST_WAITS) this.#waits.push(seconds);
    else this.#waits[this.#seen % MOST_WAITS] = seconds;
    this.#seen++;
  }

  record(nowSeconds: number, moment: Moment): void {
    const { alarms, ...rest } = moment;
    this.#waits.sort((a, b) => a - b);
    const quantile = (share: number) => this.#waits[Math.floor(share * this.#waits.length)] ?? NaN;
    this.#points.push({
      atSeconds: nowSeconds,
      ...rest,
      waitP50Seconds: quantile(0.5),
      waitP95Seconds: quantile(0.95),
    });
    this.#waits = [];
    this.#seen = 0;
    this.#nextSeconds = nowSeconds + this.#intervalSeconds;
    this.alarms(alarms);
  }

  /** Alarms now. Call it at each change as well: an alarm may come and go between two points. */
  alarms(alarms: readonly AlarmBand[]): void {
    for (const alarm of alarms) {
      const before = this.#open.get(alarm.logicalId);
      if (before?.state === alarm.state) continue;
      if (before !== undefined) this.#close(before, alarm.sinceSeconds);
      this.#open.set(alarm.logicalId, alarm);
    }
  }

  finish(nowSeconds: number): Recording {
    for (const alarm of this.#open.values()) this.#close(alarm, nowSeconds);
    this.#open.clear();
    return { points: this.#points, alarms: this.#spans };
  }

  #close(alarm: AlarmBand, toSeconds: number): void {
    this.#spans.push({ alarm: alarm.logicalId, state: alarm.state, fromSeconds: alarm.sinceSeconds, toSeconds });
  }
}
