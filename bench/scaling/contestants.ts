/** Who runs in the benchmark: this library's default, and the policies of others as they ship. */
import { ALTERNATIVES } from '../../sim/alternatives';
import { readScalingModel } from '../../sim/read-scaling-model';
import type { SimulationReport } from '../../sim/report';
import { run } from '../../sim/run';
import type { ScalingModel } from '../../sim/scaling-model';
import { DEFAULT_TIMING } from '../../sim/timing';
import type { Cell } from './cells';
import { fleetTemplate, type FleetDeclaration } from './fleet-template';

/** One row of the table. */
export interface Contestant {
  readonly id: string;
  readonly name: string;
  readonly source?: string;
  run(cell: Cell, seed: number): SimulationReport;
}

/** What a row of this library's declares beyond the cell. */
type Variant = Pick<FleetDeclaration, 'warmPool' | 'highResolution'>;

const models = new Map<string, ScalingModel>();

/** Synthesized once for each cell: synthesis takes longer than many simulations. */
function ours(cell: Cell, variant: Variant = {}): ScalingModel {
  const key = `${cell.name}/${JSON.stringify(variant)}`;
  const known = models.get(key) ?? readScalingModel(fleetTemplate({ ...cell.fleet, ...variant }), { file: 'Fleet' });
  models.set(key, known);
  return known;
}

function common(cell: Cell, seed: number) {
  const { acceptableLatencySeconds, concurrency } = cell.fleet;
  return { workload: cell.workload(seed), service: cell.service, concurrency, acceptableLatencySeconds, seed };
}

const library = (id: string, name: string, variant: Variant = {}): Contestant => ({
  id,
  name,
  run: (cell, seed) => run({ ...common(cell, seed), model: ours(cell, variant), policy: id }).report,
});

/** A fleet that never scales: what is possible at all. */
const always: Contestant = {
  id: 'maximum',
  name: 'always the maximum',
  run: (cell, seed) => {
    const model = ours(cell);
    const { maxSize } = model.group;
    const group = { ...model.group, desiredCapacity: maxSize };
    return run({ ...common(cell, seed), model: { ...model, group, alarms: [], policies: [] }, policy: 'maximum' })
      .report;
  },
};

const NAMES: Readonly<Record<string, string>> = {
  keda: 'KEDA, one message per slot, paid by the pod',
  kedaOnNodes: 'KEDA, one message per slot, on nodes of Cluster Autoscaler',
  watchbot: 'ecs-watchbot',
  queueProcessingService: 'CDK QueueProcessingService, maximum raised, paid by the task',
  queueProcessingOnInstances: 'the same on instances of a capacity provider',
  queueProcessingSteps: 'the same without its CPU target (disableCpuBasedScaling)',
  plusMinusOne: 'Terraform samples, +1 / -1',
  backlogPerInstance: "AWS's documented backlog per instance",
  utilization: 'AWS Compute Blog 2026, utilization 0.7',
  copilot: 'AWS Copilot, backlog per task',
  queueDepth: 'queue-length alarm, 20 steps',
};

/** Somebody else's policy as it ships: no lifecycle hook of ours, only the grace that the platform gives. */
export function runAlternative(
  id: string,
  cell: Cell,
  seed: number,
  declaredLatencySeconds?: number,
): SimulationReport {
  const alternative = ALTERNATIVES[id];
  if (alternative === undefined) throw new RangeError(`${id} is not a policy`);
  const base = ours(cell);
  const bare: ScalingModel = { ...base, group: { ...base.group, hooks: [] } };
  const input = {
    averageProcessingTimeSeconds: cell.service.meanSeconds,
    acceptableLatencySeconds: declaredLatencySeconds ?? cell.fleet.acceptableLatencySeconds,
    concurrency: cell.fleet.concurrency,
  };
  const model = alternative.model(bare, input);
  const controller = alternative.controller?.(model, input);
  const timing = { ...DEFAULT_TIMING, terminateWithoutHook: alternative.graceSeconds };
  return run({
    ...common(cell, seed),
    model,
    timing,
    policy: id,
    ...(controller === undefined ? {} : { controller }),
  }).report;
}

const others = Object.entries(NAMES).map(([id, name]): Contestant => {
  const source = ALTERNATIVES[id]?.source;
  return {
    id,
    name,
    ...(source === undefined ? {} : { source }),
    run: (cell, seed) => runAlternative(id, cell, seed),
  };
});

/** All rows, in the table's order. */
export const CONTESTANTS: readonly Contestant[] = [
  library('ours', 'this library, the default policy'),
  library('oursWarm', 'this library, with a warm pool', { warmPool: true }),
  library('oursFast', 'this library, high resolution', { highResolution: true }),
  ...others,
  always,
];
