/** The template's alarms and policies, decided by the simulator's engine on the faster clock. */
import { Random } from '../sim/random';
import { readScalingModel } from '../sim/read-scaling-model';
import type { ScalingModel } from '../sim/scaling-model';
import { ScalingEngine, type ScalingEvent } from '../sim/scaling-engine';
import type { Template } from '../sim/template';
import { DEFAULT_TIMING, type Timing } from '../sim/timing';
import type { AlarmState } from './panel-api';
import type { FleetResource } from './resource-types';
import type { ScalingDecision, ScalingDriver } from './scaling-driver';

/** Drives the group as the template's alarms and policies say. @throws TemplateError for what cannot be evaluated */
export function createScalingDriver(
  template: Template,
  fleet: Pick<FleetResource, 'logicalId'>,
  seed: number,
  timing: Timing = DEFAULT_TIMING,
): ScalingDriver {
  const model = readScalingModel(template, { file: template.file, group: fleet.logicalId });
  const engine = new ScalingEngine(model, { timing, seed });
  const boots = new Random(seed, 'boot');
  let launches = 0;
  const alarms = new Map(model.alarms.map((alarm) => [alarm.logicalId, alarm]));
  const nameOf = (logicalId: string): string => readableName(template, logicalId);
  return {
    initialCapacity: model.group.desiredCapacity,
    notes: notesOf(model, nameOf),
    step: (virtualSeconds, { queues, ...group }) => {
      engine.observe(virtualSeconds, {
        queues: Object.fromEntries(queues.map(({ logicalId, ...queue }) => [logicalId, queue])),
        group,
      });
      return describeAll(engine.advance(virtualSeconds), nameOf);
    },
    alarms: () =>
      engine.alarms.map(({ logicalId, state, value, threshold, scales }): AlarmState => {
        const comparison = alarms.get(logicalId)?.comparison;
        return {
          id: logicalId,
          name: nameOf(logicalId),
          state,
          ...(Number.isFinite(value) && { value }),
          threshold,
          comparison: comparison ?? 'GreaterThanThreshold',
          scaling: scales,
        };
      }),
    bootSeconds: () => {
      const { min, max } = timing.launch;
      // The first ones were launched by the deployment; nobody learns anything from waiting longer for them.
      return launches++ < model.group.desiredCapacity ? min : min + boots.next() * (max - min);
    },
  };
}

/** The workers' own metrics tick in real time, so alarms on them cannot follow the faster clock. */
function notesOf(model: ScalingModel, nameOf: (logicalId: string) => string): readonly string[] {
  const custom = model.alarms.filter(({ metrics }) => metrics.some(({ source }) => source.kind === 'custom'));
  return [
    ...custom.map(({ logicalId }) => `alarm ${nameOf(logicalId)} reads the workers' own metrics: it stays quiet here`),
    ...model.ignored.map(({ logicalId, reason }) => `${nameOf(logicalId)}: ${reason}`),
  ];
}

/** What the events of one step say to a person. An alarm whose policy acts at once is told in the policy's line. */
function describeAll(
  events: readonly ScalingEvent[],
  nameOf: (logicalId: string) => string,
): readonly ScalingDecision[] {
  const acting = new Set(events.flatMap((event) => (event.kind === 'capacity' ? event.alarmLogicalId : [])));
  return events.flatMap((event) =>
    event.kind === 'alarm' && event.to === 'ALARM' && acting.has(event.alarmLogicalId) ? [] : describe(event, nameOf),
  );
}

function describe(event: ScalingEvent, nameOf: (logicalId: string) => string): readonly ScalingDecision[] {
  if (event.kind === 'capacity') {
    const { from, to, reason, alarmLogicalId } = event;
    const what = to > from ? 'scale-out' : 'scale-in';
    const why = reason
      .replaceAll(alarmLogicalId, `alarm ${nameOf(alarmLogicalId)}`)
      .replace(/, \S+ to \S+ instances$/, '');
    return [{ kind: 'scaling', text: `${what} from ${from} to ${to}: ${why}`, desired: to }];
  }
  const { from, to, alarmLogicalId, datapoints } = event;
  // The first look at an alarm that is quiet tells nobody anything.
  if (from === 'INSUFFICIENT_DATA' && to === 'OK') return [];
  const alarm = `alarm ${nameOf(alarmLogicalId)}`;
  if (to !== 'ALARM') return [{ kind: 'alarm', text: `${alarm} is quiet again` }];
  const value = datapoints.findLast((point) => !Number.isNaN(point));
  const seen = value === undefined ? 'without data' : `at ${String(Math.round(value * 100) / 100)}`;
  return [{ kind: 'alarm', text: `${alarm} fires ${seen}` }];
}

/** Construct path without the stack and the parts that say nothing; the logical id where the template has no paths. */
function readableName(template: Template, logicalId: string): string {
  const path = template.resources.get(logicalId)?.metadata['aws:cdk:path'];
  if (typeof path !== 'string') return logicalId;
  const parts = path.split('/').slice(1);
  return parts.filter((part) => !['Resource', 'Default', 'Alarm'].includes(part)).join('/') || logicalId;
}
