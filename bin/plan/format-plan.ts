import pc from 'picocolors';
import type { Plan } from './plan';

/** Seconds as a person says them: `45 s`, `13 min`, `4 d`; exact seconds beside anything rounded. */
export function formatSeconds(value: number): string {
  const round = (x: number) => Number(x.toPrecision(3)).toString();
  if (value < 120) return `${round(value)} s`;
  const exact = `${Math.round(value)} s`;
  if (value < 7_200) return value % 60 === 0 ? `${value / 60} min` : `${round(value / 60)} min (${exact})`;
  if (value < 172_800) return value % 3_600 === 0 ? `${value / 3_600} h` : `${round(value / 3_600)} h (${exact})`;
  return `${round(value / 86_400)} d`;
}

type Row = readonly [label: string, value: string, why?: string];

/** The plan as text for a terminal. */
export function formatPlan(plan: Plan): string {
  const { sizing, minCapacity, maxCapacity } = plan;
  const time = formatSeconds;
  const jobs = sizing.concurrency === 1 ? 'one message' : `${sizing.concurrency} messages`;
  const title = [
    `${time(sizing.averageProcessingSeconds)} of work per message (p99 ${time(sizing.p99ProcessingSeconds)})`,
    `${jobs} at a time`,
    `start within ${time(sizing.acceptableLatencySeconds)}`,
  ].join(', ');

  const section = (heading: string, rows: readonly Row[]): string[] => {
    const labels = Math.max(...rows.map(([label]) => label.length));
    const values = Math.max(...rows.map(([, value]) => value.length));
    return [
      '',
      pc.bold(heading),
      ...rows.map(([label, value, why]) =>
        why === undefined
          ? `  ${label.padEnd(labels)}  ${pc.cyan(value)}`
          : `  ${label.padEnd(labels)}  ${pc.cyan(value.padEnd(values))}  ${pc.dim(why)}`,
      ),
    ];
  };

  const start = sizing.warmPool
    ? `${time(sizing.startSeconds)} from the warm pool`
    : `${time(sizing.startSeconds)} boot`;
  const peak =
    sizing.minimumMaxCapacity === undefined
      ? 'no peak declared: give --peak and --burst to have it checked'
      : `the declared peak and burst need ${sizing.minimumMaxCapacity}`;
  const lines = [
    pc.bold(title),
    ...section('Reaction', [
      ['a new instance helps after', time(sizing.reactionSeconds), `120 s until an alarm sees it + ${start}`],
      ['a backlog is worked off in', time(sizing.drainTargetSeconds), 'half the goal, or half the reaction if longer'],
      [
        'slots planned to be busy',
        `${sizing.plannedUtilization * 100} %`,
        sizing.plannedUtilization < 1
          ? 'the goal is short: some slots stay free'
          : 'the goal leaves time to start instances',
      ],
    ]),
    ...section('Queue and worker', [
      [
        'visibility timeout',
        time(sizing.visibilitySeconds),
        `renewed every ${time(sizing.heartbeatSeconds)}; a dead worker's message is back after it`,
      ],
      ['  without renewal', time(sizing.visibilityWithoutHeartbeatSeconds), 'for a consumer that never renews'],
      [
        'receives before the dead-letter queue',
        String(sizing.maxReceiveCount),
        sizing.spot
          ? 'more than 3: Spot interruptions cost receives'
          : 'a good message gets lost to it less than once in a million',
      ],
      ['retention', time(sizing.retentionSeconds), 'the dead-letter queue keeps 14 d'],
      [
        'drain before an instance goes',
        time(sizing.drainSeconds),
        `terminate hook ${time(sizing.terminateHookSeconds)}`,
      ],
      ['a boot is given up after', time(sizing.launchHookSeconds), 'launch hook, three boots'],
    ]),
    ...section(`Group of ${minCapacity} to ${maxCapacity} instances`, [
      ['largest group', String(maxCapacity), peak],
      ...plan.instancesForWaiting.map(({ messages, instances }): Row => [
        `${messages} waiting`,
        `${instances} instance${instances === 1 ? '' : 's'}`,
      ]),
    ]),
    ...section(
      `Wait after a sudden jump of the load (${minCapacity} idle instance${minCapacity === 1 ? '' : 's'})`,
      plan.worstWaits.map(({ instanceLoads, seconds, spareForGoal }): Row => {
        const kept = seconds <= sizing.acceptableLatencySeconds;
        return [
          `by ${instanceLoads} instance-load${instanceLoads === 1 ? '' : 's'}`,
          seconds === 0 ? 'no wait' : `up to ${time(seconds)}`,
          kept ? 'within the goal' : `over the goal: keep ${spareForGoal} idle`,
        ];
      }),
    ),
  ];
  const warnings = plan.warnings.flatMap(({ id, text }) => [`${pc.yellow('!')} ${text}`, `  ${pc.dim(id)}`]);
  return [...lines, ...(warnings.length > 0 ? ['', pc.bold('Warnings at synth'), ...warnings] : [])].join('\n');
}
