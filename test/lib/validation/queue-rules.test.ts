import { readFileSync } from 'node:fs';
import { QueueRules } from '../../../lib';
import {
  arnOf,
  BROKEN,
  bucket,
  deadLetters,
  key,
  policy,
  queue,
  redrive,
  type Resources,
  rootStatement,
  s3KeyStatement,
  s3Statement,
  steps,
  targetTracking,
} from '../../support/broken-templates';

interface Finding {
  readonly ruleId: string;
  readonly logicalId: string;
  readonly message: string;
}
interface Engine {
  validateTemplate(
    template: unknown,
    config: object,
  ): { diagnostics: Array<{ ruleId: string; message: string; entity: { logicalId: string } }> };
  free(): void;
}

// CDK bundles the engine; loading it from there keeps the rules and CDK on one version.
const validation = jest.requireActual<{
  CompositeEngine: new (config: object) => Engine;
  TemplateContent: new (text: string) => unknown;
}>(require.resolve('@aws/cloudformation-validate', { paths: [require.resolve('aws-cdk-lib')] }));

let engine: Engine;
beforeAll(() => {
  engine = new validation.CompositeEngine({
    guardRules: [{ name: 'queue-fleet.guard', content: QueueRules.guard() }],
    regoRules: [{ name: 'queue-fleet.rego', content: QueueRules.rego() }],
  });
});
afterAll(() => engine.free());

function findings(resources: Resources): readonly Finding[] {
  const template = new validation.TemplateContent(JSON.stringify({ Resources: resources }));
  return engine
    .validateTemplate(template, { disableBuiltinRules: true, severityLevel: 'WARN' })
    .diagnostics.map((d) => ({ ruleId: d.ruleId, logicalId: d.entity.logicalId, message: d.message }));
}

describe('QueueRules', () => {
  test.each(BROKEN)('%s blames %s', (rule, logicalId, resources) => {
    expect(findings(resources)).toContainEqual(expect.objectContaining({ ruleId: rule, logicalId }));
  });

  test('every rule of both files is seen to fail in the table, and documented', () => {
    const defined = [
      ...QueueRules.guard().matchAll(/^rule (QF_\w+)/gm),
      ...QueueRules.rego().matchAll(/^\t"(QF_\w+)"/gm),
    ].map((match) => match[1]);
    expect(defined.length).toBeGreaterThan(20);
    expect([...new Set(BROKEN.map(([rule]) => rule))].sort()).toEqual(defined.sort());
    const documented = [...readFileSync('docs/queue-rules.md', 'utf8').matchAll(/^\| `(QF_\w+)`/gm)].map((m) => m[1]);
    expect(documented).toEqual(defined);
  });

  test('a queue with dead letters, an S3 producer and a shared key passes', () => {
    expect(
      findings({
        Queue: queue({
          KmsMasterKeyId: arnOf('Key'),
          VisibilityTimeout: 60,
          ReceiveMessageWaitTimeSeconds: 20,
          ...redrive(3),
        }),
        Dlq: deadLetters({
          KmsMasterKeyId: arnOf('Key'),
          RedriveAllowPolicy: {
            redrivePermission: 'byQueue',
            sourceQueueArns: ['arn:aws:sqs:eu-west-1:111122223333:queue'],
          },
        }),
        Key: key(rootStatement, s3KeyStatement),
        Bucket: bucket,
        Policy: policy(s3Statement),
        Steps: steps([0, 1], [1, 2], [2, undefined]),
        StepsDown: steps([undefined, -10], [-10, 0]),
        Tracking: targetTracking(false, undefined),
        PercentileAlarm: {
          Type: 'AWS::CloudWatch::Alarm',
          Properties: {
            Namespace: 'AWS/SQS',
            MetricName: 'ApproximateAgeOfOldestMessage',
            ExtendedStatistic: 'p99',
          },
        },
        Hook: { Type: 'AWS::AutoScaling::LifecycleHook', Properties: { HeartbeatTimeout: 30 } },
      }),
    ).toEqual([]);
  });
});
