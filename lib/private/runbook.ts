const RUNBOOK = 'https://github.com/cdk-queue-fleet/cdk-queue-fleet/blob/main/docs/runbook.md';

/** The description of an alarm for people: what is wrong, and the section of the runbook that has the alarm's name. */
export const describeAlarm = (meaning: string, alarmId: string): string =>
  `${meaning}. What to do: ${RUNBOOK}#${headingOf(alarmId)}`;

/** `OldestMessage`: oldest-message. */
const headingOf = (id: string): string => id.replace(/\B[A-Z]/g, '-$&').toLowerCase();
