import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ConfigurationError, Encryption, FifoThroughput, FifoWorkQueue, WorkQueue } from '../../../lib';
import fc, { runs } from '../../support/properties';
import { findingsOf, hasCfnLint, RECOMMENDED_FLAGS } from '../../support/validators';

/** Mostly values in range, sometimes at an end, sometimes beyond. */
const around = (min: number, max: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min, max }) },
    { weight: 4, arbitrary: fc.constantFrom(min, max) },
    { weight: 1, arbitrary: fc.constantFrom(Math.max(0, min - 1), max + 1) },
  );
const seconds = (min: number, max: number): fc.Arbitrary<Duration> => around(min, max).map((n) => Duration.seconds(n));

/** Properties as people write them: some set, most not. */
const anyProps = fc.record(
  {
    visibilityTimeout: fc.oneof(
      { weight: 1, arbitrary: seconds(1, 43_200) },
      { weight: 4, arbitrary: seconds(1, 600) },
    ),
    retentionPeriod: fc.oneof(
      { weight: 1, arbitrary: seconds(60, 1_209_600) },
      { weight: 3, arbitrary: seconds(86_400, 600_000) },
    ),
    deliveryDelay: seconds(0, 900),
    maxMessageSize: around(1_024, 1_048_576).map((n) => Size.bytes(n)),
    receiveMessageWaitTime: seconds(1, 20),
    maxReceiveCount: fc.oneof({ weight: 1, arbitrary: around(1, 1_000) }, { weight: 4, arbitrary: around(1, 5) }),
    deadLetterRetentionPeriod: fc.oneof(
      { weight: 1, arbitrary: seconds(60, 1_209_600) },
      { weight: 3, arbitrary: seconds(700_000, 1_209_600) },
    ),
    encryption: fc.oneof(
      fc.constant(Encryption.sqsManaged()),
      seconds(60, 86_400).map((dataKeyReuse) => Encryption.customerManaged(undefined, { dataKeyReuse })),
    ),
    queueName: fc.oneof(
      { weight: 8, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{1,75}$/) },
      { weight: 1, arbitrary: fc.string({ maxLength: 90 }) },
    ),
    restrictRedrive: fc.boolean(),
  },
  { requiredKeys: [] },
);
const fifoProps = fc.option(
  fc.record(
    {
      contentBasedDeduplication: fc.boolean(),
      throughput: fc.constantFrom(FifoThroughput.standard(), FifoThroughput.high()),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
);
const anyQueue = fc.tuple(anyProps, fifoProps);
type AnyQueue = typeof anyQueue extends fc.Arbitrary<infer T> ? T : never;

function build(stack: Stack, id: string, [props, fifo]: AnyQueue): WorkQueue | FifoWorkQueue {
  return fifo === undefined ? new WorkQueue(stack, id, props) : new FifoWorkQueue(stack, id, { ...props, ...fifo });
}

test('any accepted properties synthesize; every refusal names property, value and what to do', () => {
  let accepted = 0;
  fc.assert(
    fc.property(anyQueue, (queue) => {
      const stack = new Stack(new App(), 'Test');
      try {
        build(stack, 'Jobs', queue);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigurationError);
        const bullets = (error as Error).message.split('\n').filter((line) => /^(\s+- )?[A-Z]\w+: /.test(line));
        expect(bullets.length).toBeGreaterThan(0);
        for (const bullet of bullets) {
          const [, name = ''] = /: '(\w+)' \([^]*\) must .+: .*\w$/.exec(bullet) ?? [];
          // The property is one of those that were set, or its default that no longer fits.
          expect([
            ...Object.keys(queue[0]),
            'dataKeyReuse',
            'retentionPeriod',
            'deadLetterRetentionPeriod',
            'visibilityTimeout',
          ]).toContain(name);
        }
        return;
      }
      accepted += 1;
      expect(() => Template.fromStack(stack)).not.toThrow();
    }),
    { numRuns: runs(100) },
  );
  expect(accepted).toBeGreaterThan(20);
}, 30_000);

test('what is accepted passes cdk-nag, CDK’s template rules and cfn-lint', () => {
  const isAccepted = (queue: AnyQueue): boolean => {
    try {
      build(new Stack(new App(), 'Probe'), 'Jobs', queue);
      return true;
    } catch {
      return false;
    }
  };
  const queues = fc.sample(anyQueue, 60).filter(isAccepted).slice(0, 8);
  expect(queues.length).toBe(8);
  const findings = findingsOf(
    (stack) => queues.forEach((queue, index) => build(stack, `Jobs${index}`, queue)),
    RECOMMENDED_FLAGS,
    { cfnLint: hasCfnLint() },
  );
  expect(findings).toEqual([]);
}, 60_000);
