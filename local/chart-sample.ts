import type { ChartSample, LocalState } from './panel-api';

/** Samples kept, here and in the panel: at two a second, ten minutes. */
export const SAMPLES_KEPT = 1_200;

/** What the charts draw of a state. */
export function sampleOf({ clock, queues, group, alarms }: LocalState): ChartSample {
  const work = queues.filter(({ deadLetterOf }) => deadLetterOf === undefined);
  const firing = alarms.filter(({ scaling, state }) => scaling && state === 'ALARM');
  const isIn = ({ comparison }: (typeof firing)[number]): boolean => comparison.startsWith('Less');
  return {
    elapsedSeconds: clock.elapsedSeconds,
    visible: work.reduce((sum, { visible, delayed }) => sum + visible + delayed, 0),
    inFlight: work.reduce((sum, { inFlight }) => sum + inFlight, 0),
    oldestSeconds: Math.max(0, ...work.map(({ oldestAgeSeconds }) => oldestAgeSeconds)),
    inService: group?.inService ?? 0,
    desired: group?.desired ?? 0,
    alarmOut: firing.some((alarm) => !isIn(alarm)),
    alarmIn: firing.some(isIn),
  };
}
