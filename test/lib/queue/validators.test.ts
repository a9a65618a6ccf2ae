import { readFileSync } from 'node:fs';
import { Producer } from '../../../lib';
import { addEveryProducer } from '../../support/every-producer';
import { findingsOf, hasCfnLint, RECOMMENDED_FLAGS } from '../../support/validators';

const cfnLint = hasCfnLint();

/** aws-cdk-lib sets bucket notifications with a Lambda function of its own; what is found there is not ours to change. */
const OF_AWS_CDK = /BucketNotificationsHandler|\/Notifications\/HandlerPolicy\//;

describe('both queues with every producer', () => {
  test.each(['test/support/every-producer.ts', 'test/lib/queue/policies.test.ts'])('none is left out in %s', (file) => {
    const source = readFileSync(file, 'utf8');
    const all = Object.entries(Object.getOwnPropertyDescriptors(Producer)).flatMap(([name, { value }]) =>
      typeof value === 'function' && name !== 'prototype' ? [name] : [],
    );
    expect(all).toContain('bucket');
    expect(all.filter((name) => !source.includes(`Producer.${name}(`))).toEqual([]);
  });

  test.each([
    ['the recommended feature flags', RECOMMENDED_FLAGS],
    ['no feature flag', {}],
  ])(
    'no finding of AwsSolutions, NIST 800-53 R5, CDK’s template rules and cfn-lint, with %s',
    (_, flags) => {
      const findings = findingsOf(addEveryProducer, flags, { cfnLint });
      expect(findings.filter(({ path }) => !OF_AWS_CDK.test(path))).toEqual([]);
      // Proof that the rule packs did run.
      expect(findings.filter(({ path }) => OF_AWS_CDK.test(path)).map(({ rule }) => rule)).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^AwsSolutions-IAM4/),
          'NIST.800.53.R5-IAMNoInlinePolicy',
          ...(cfnLint ? ['W3005'] : []),
        ]),
      );
    },
    60_000,
  );
});
