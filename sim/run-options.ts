/** What a run is given and what it gives back, whatever simulates it. */
import type { Recording } from './recorder';
import type { SimulationReport } from './report';
import type { ScalingEvent } from './scaling-engine';
import type { ScalingModel } from './scaling-model';
import type { ServiceTime } from './service-time';
import type { Controller } from './simulator';
import type { Timing } from './timing';
import type { Workload } from './workload';

/** What is run. */
export interface RunOptions {
  readonly model: ScalingModel;
  readonly workload: Workload;
  readonly service: ServiceTime;
  readonly concurrency: number;
  readonly acceptableLatencySeconds: number;
  readonly seed: number;
  readonly timing?: Timing;
  /** Name in the report. @default 'template' */
  readonly policy?: string;
  /** Another controller than the engine of the model's own alarms. */
  readonly controller?: Controller;
  /** @default - exact up to `MOST_EXACT_JOBS` */
  readonly mode?: 'exact' | 'aggregate';
  readonly failureShare?: number;
  readonly messageGroups?: number;
  readonly onProgress?: (share: number) => void;
}

/** A report with what a chart needs. */
export interface Run {
  readonly report: SimulationReport;
  readonly recording: Recording;
  readonly events: readonly ScalingEvent[];
}
