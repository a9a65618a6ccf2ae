import type { AlarmState } from './panel-api';

/** What CloudWatch and Auto Scaling would see now. */
export interface ScalingObservation {
  readonly queues: readonly {
    readonly logicalId: string;
    readonly visible: number;
    readonly notVisible: number;
    readonly delayed: number;
    readonly oldestAgeSeconds: number;
    /** Sums since the start. */
    readonly sent: number;
    readonly received: number;
    readonly deleted: number;
  }[];
  readonly desired: number;
  readonly inService: number;
  readonly pending: number;
  readonly terminating: number;
}

/** A sentence about a decision, and the capacity that it sets. */
export interface ScalingDecision {
  readonly kind: 'alarm' | 'scaling';
  readonly text: string;
  readonly desired?: number;
}

/** Decides the group's capacity on the faster clock. */
export interface ScalingDriver {
  readonly initialCapacity: number;
  /** What of the template's scaling does nothing here, one line each. */
  readonly notes: readonly string[];
  /** @param virtualSeconds seconds since the start on the faster clock */
  step(virtualSeconds: number, observation: ScalingObservation): readonly ScalingDecision[];
  alarms(): readonly AlarmState[];
  /** Seconds from launch to the worker's start on the faster clock. */
  bootSeconds(): number;
}
