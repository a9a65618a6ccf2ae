import type { QueueState } from './panel-api';
import type { ScenarioReport } from './scenario';

/** What a headless run ended with. */
export interface RunOutcome {
  readonly report: ScenarioReport;
  readonly queues: readonly QueueState[];
  /** Capacity at the start, the highest and the last one. */
  readonly capacity: { readonly initial: number; readonly highest: number; readonly last: number };
  /** False for templates without scaling policies. */
  readonly scales: boolean;
  /** Instances that failed by themselves. */
  readonly failedInstances: number;
}

/** Everything that went wrong, one line each; empty = good. */
export function judge({ report, queues, capacity, scales, failedInstances }: RunOutcome): readonly string[] {
  const failures = [...report.failures];
  const check = (holds: boolean, text: string): void => {
    if (!holds) failures.push(text);
  };
  const lost = report.expected - report.ready - report.expectedDeadLetters;
  check(lost <= 0, `${lost} of ${report.expected} pieces of work were lost`);
  check(report.processedTwice === 0, `${report.processedTwice} pieces of work were done twice`);
  for (const { name, visible, inFlight, delayed, deadLetterOf } of queues) {
    if (deadLetterOf !== undefined) continue;
    const left = visible + inFlight + delayed;
    check(left === 0, `queue ${name} still holds ${left} messages`);
  }
  const dead = queues.reduce((sum, queue) => sum + (queue.deadLetterOf === undefined ? 0 : queue.visible), 0);
  check(
    dead === report.expectedDeadLetters,
    `${dead} messages are in the dead-letter queue, ${report.expectedDeadLetters} belong there`,
  );
  if (scales) {
    check(capacity.highest > capacity.initial, `the fleet never scaled out: it stayed at ${capacity.initial}`);
    check(
      capacity.last <= capacity.initial,
      `the fleet did not scale back: ${capacity.last} instances at the end, ${capacity.initial} at the start`,
    );
  }
  check(failedInstances === 0, `${failedInstances} workers ended by themselves`);
  return failures;
}
