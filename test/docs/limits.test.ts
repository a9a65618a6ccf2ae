import { join } from 'node:path';
import { SQS_LIMITS } from '../../lib/private/sqs-limits';
import { SCALING_LIMITS } from '../../lib/scaling/timing';
import { DEFAULT_TIMING } from '../../sim/timing';
import { docPages } from '../support/doc-pages';

/**
 * Phrases by which the documentation quotes a limit of SQS, and the numbers that they must hold. Each phrase is in use, so a
 * page that says it in other words fails here until its phrase is in the list.
 */

const ROOT = join(__dirname, '../..');
/** One line for each page: line breaks inside a phrase do not matter. */
const PAGES = docPages(ROOT).map(({ file, text }) => ({ file, text: text.replace(/\s+/g, ' ') }));

const DAY = 86_400;
const HOUR = 3_600;
const L = SQS_LIMITS;
const retention = [L.retentionSeconds.min, L.retentionSeconds.max / DAY];
const policy = L.policy;

/** Numbers of AWS that no code needs, from its documentation (November 2026). */
const AWS = {
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
  fifoCallsPerSecond: 300,
  fifoMessagesPerSecond: 3_000,
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
  deduplicationMinutes: 5,
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
  movesPerSecond: 500,
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
  nameFreeAfterSeconds: 60,
  // https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html
  hookHours: 48,
  hookHeartbeats: 100,
  // https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
  functionMinutes: 15,
} as const;

const lateMinutes = DEFAULT_TIMING.silentUntilPublished / 60;

const PHRASES: ReadonlyArray<readonly [RegExp, readonly number[]]> = [
  [
    /([\d,]+) statements, ([\d,]+) bytes, (\d+) principals, (\d+) conditions and (\d+) actions in a statement/g,
    [policy.statements, policy.bytes, policy.principals, policy.conditions, policy.actionsPerStatement],
  ],
  [/queue policy has at most ([\d,]+) bytes/g, [policy.bytes]],
  [/queue policy has at most (\d+) statements/g, [policy.statements]],
  [/queue policy of more than (\d+) statements/g, [policy.statements]],
  [/(\d+) statements in a queue policy/g, [policy.statements]],
  [/queue policy has at most (\d+) principals/g, [policy.principals]],
  [/queue policy has at most (\d+) conditions/g, [policy.conditions]],
  [/a queue policy has at most (\d+) actions/g, [policy.actionsPerStatement]],
  [/from (\d+) seconds to (\d+) days/g, retention],
  [/retention that is not (\d+) seconds to (\d+) days/g, retention],
  [/(\d+) days of retention/g, [L.retentionSeconds.max / DAY]],
  [/keeps messages for (\d+) days \| `retentionPeriod`/g, [L.retentionSeconds.default / DAY]],
  [/takes messages of at most ([\d,]+) to ([\d,]+) bytes/g, [L.messageBytes.min, L.messageBytes.max]],
  [/`thresholdBytes` \(([\d,]+)\)/g, [L.messageBytes.max]],
  [/(?:SQS's|messages up to|[Aa]bove) (\d+) MiB/g, [L.messageBytes.max / 2 ** 20]],
  [/hidden for 1 second to (\d+) hours/g, [L.visibilitySeconds.max / HOUR]],
  [/timeout that is not (\d+) seconds to (\d+) hours/g, [L.visibilitySeconds.min, L.visibilitySeconds.max / HOUR]],
  [/(?:SQS's|the) (\d+) hours (?:that SQS|for one receive)/g, [L.visibilitySeconds.max / HOUR]],
  [/SQS's (\d+) hours/g, [L.visibilitySeconds.max / HOUR]],
  [/delays a message by (\d+) to (\d+) seconds/g, [L.deliveryDelaySeconds.min, L.deliveryDelaySeconds.max]],
  [
    /`delaySeconds` is not a whole number from (\d+) to (\d+)/g,
    [L.deliveryDelaySeconds.min, L.deliveryDelaySeconds.max],
  ],
  [/receive waits 1 to (\d+) seconds/g, [L.waitTimeSeconds.max]],
  [/long poll takes (\d+) to (\d+) seconds/g, [L.waitTimeSeconds.min, L.waitTimeSeconds.max]],
  [/long poll of (\d+) seconds/g, [L.waitTimeSeconds.max]],
  [/SQS's (\d+) attributes/g, [L.messageAttributes]],
  [/more than (\d+), or (\d+) with a claim check/g, [L.messageAttributes, L.messageAttributes - 1]],
  [/(\d{2,3},\d{3}) messages in flight/g, [L.inFlightMessages]],
  [/(\d{2,3},\d{3}) messages are in flight, (\d+) % of the quota/g, [L.inFlightMessages * 0.8, 80]],
  [/received (\d) to ([\d,]+) times before it is moved/g, [L.maxReceiveCount.min, L.maxReceiveCount.max]],
  [/`maxReceiveCount` that is not (\d) to ([\d,]+)/g, [L.maxReceiveCount.min, L.maxReceiveCount.max]],
  [/queue name has up to (\d+) letters/g, [L.queueNameCharacters]],
  [/group id has 1 to (\d+) characters/g, [L.groupIdCharacters]],
  [/not 1 to (\d+) letters, digits and punctuation/g, [L.groupIdCharacters]],
  [
    /`dataKeyReuse` \((\d+) seconds to (\d+) hours, (\d+) minutes by default\)/g,
    [L.dataKeyReuseSeconds.min, L.dataKeyReuseSeconds.max / HOUR, L.dataKeyReuseSeconds.default / 60],
  ],
  [
    /reuses a data key for (\d+) seconds to (\d+) hours/g,
    [L.dataKeyReuseSeconds.min, L.dataKeyReuseSeconds.max / HOUR],
  ],
];

const OTHER_PHRASES: ReadonlyArray<readonly [RegExp, readonly number[]]> = [
  [
    /(\d+) calls a second for each action, ([\d,]+) messages a second in batches/g,
    [AWS.fifoCallsPerSecond, AWS.fifoMessagesPerSecond],
  ],
  [/(?:duplicates within|deduplicates for|falls? into its|[Ww]ithin) (\d+) minutes/g, [AWS.deduplicationMinutes]],
  [/at most (\d+) messages a second/g, [AWS.movesPerSecond]],
  [/SQS's most is (\d+) a second/g, [AWS.movesPerSecond]],
  [/for (\d+) seconds after a queue was deleted/g, [AWS.nameFreeAfterSeconds]],
  [/(\d+) hours or (\d+) heartbeats/g, [AWS.hookHours, AWS.hookHeartbeats]],
  [/\[(\d+) minutes at most\]/g, [AWS.functionMinutes]],
  [/nobody touches for (\d+) hours/g, [DEFAULT_TIMING.idleUntilSilent / HOUR]],
  [/publishes nothing for up to (\d+) minutes/g, [lateMinutes]],
  [/up to (\d+) minutes more, because SQS stops/g, [lateMinutes]],
  [/can be (\d+) minutes late/g, [lateMinutes]],
  [/has at most (\d+) steps/g, [SCALING_LIMITS.stepsPerPolicy]],
  [/alarm reads at most (\d+) metrics/g, [SCALING_LIMITS.metricsPerAlarm]],
  [
    /heartbeat is not (\d+) to ([\d,]+) seconds/g,
    [SCALING_LIMITS.hookHeartbeatSeconds.min, SCALING_LIMITS.hookHeartbeatSeconds.max],
  ],
];

/** Limits of former times, which old texts still quote. */
const OUTDATED = /256 ?Ki?B|262[,_]?144/;

describe('limits of AWS in the documentation', () => {
  test.each([...PHRASES, ...OTHER_PHRASES])('%s', (phrase, limits) => {
    const quotes = PAGES.flatMap(({ file, text }) =>
      [...text.matchAll(phrase)].map(([, ...numbers]) => ({
        file,
        numbers: numbers.map((number = '') => Number(number.replaceAll(',', ''))),
      })),
    );
    expect(quotes.length).toBeGreaterThan(0);
    expect(quotes.filter(({ numbers }) => String(numbers) !== String(limits))).toEqual([]);
  });

  test('none is outdated', () => {
    expect(PAGES.filter(({ text }) => OUTDATED.test(text)).map(({ file }) => file)).toEqual([]);
  });
});
