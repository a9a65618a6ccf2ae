import type { FaultSettings } from '../panel-api';

/** No faults. */
export const NO_FAULTS: FaultSettings = {
  duplicatePercent: 0,
  eventDelaySeconds: 0,
  httpErrorPercent: 0,
  killEverySeconds: 0,
};

/** What `--chaos` sets. */
export const CHAOS: FaultSettings = {
  duplicatePercent: 25,
  eventDelaySeconds: 0,
  httpErrorPercent: 5,
  killEverySeconds: 20,
};

const LIMITS: Readonly<Record<keyof FaultSettings, number>> = {
  duplicatePercent: 100,
  eventDelaySeconds: 60,
  httpErrorPercent: 50,
  killEverySeconds: 3600,
};

/** Applies a change from outside. @throws RangeError that names the knob and its range */
export function changeFaults(current: FaultSettings, change: Readonly<Record<string, unknown>>): FaultSettings {
  const next: Record<keyof FaultSettings, number> = { ...current };
  for (const [name, value] of Object.entries(change)) {
    const max = Object.hasOwn(LIMITS, name) ? LIMITS[name as keyof FaultSettings] : undefined;
    if (max === undefined) {
      throw new RangeError(`'${name}' is no fault: use ${Object.keys(LIMITS).join(', ')}`);
    }
    if (typeof value !== 'number' || !(value >= 0 && value <= max)) {
      throw new RangeError(`'${name}' must be a number from 0 to ${max}`);
    }
    next[name as keyof FaultSettings] = value;
  }
  return next;
}

/** The knobs of a run and the dice behind them. */
export class Faults {
  settings: FaultSettings;
  duplicatesInjected = 0;
  httpErrorsInjected = 0;
  readonly #random: () => number;

  constructor(settings: FaultSettings, random: () => number) {
    this.settings = settings;
    this.#random = random;
  }

  /** Whether this delivery is made twice. */
  duplicates(): boolean {
    const hit = this.#random() * 100 < this.settings.duplicatePercent;
    if (hit) this.duplicatesInjected++;
    return hit;
  }

  /** Whether this request is answered with an error of the service. */
  failsRequest(): boolean {
    const hit = this.#random() * 100 < this.settings.httpErrorPercent;
    if (hit) this.httpErrorsInjected++;
    return hit;
  }
}
