import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import { join } from 'node:path';
import { QueueAlarms, QueueFleet, WorkerCode, Workload } from '../../lib';
import { addEveryProducer } from '../support/every-producer';

/** What a service may do for us it must not do for a stranger who points it here (a confused deputy). */

/** Services that take on a role only for what an account starts itself. */
const OWN = ['ec2.amazonaws.com', 'lambda.amazonaws.com'];
const SOURCE = /"(aws:SourceAccount|kms:EncryptionContext:aws:logs:arn)"/;

interface Statement {
  readonly Effect: string;
  readonly Principal?: string | { readonly Service?: unknown };
  readonly Condition?: object;
}

/** Every statement of every policy document of a template, with the resource that has it. */
function statementsOf(template: Template): Array<{ readonly id: string; readonly statement: Statement }> {
  return Object.entries(template.toJSON()['Resources'] as Record<string, { Properties?: object }>).flatMap(
    ([id, { Properties = {} }]) =>
      Object.values(Properties)
        .flatMap((value: { Statement?: Statement[] }) => value?.Statement ?? [])
        .map((statement) => ({ id, statement })),
  );
}

test('every service is let in for this account only', () => {
  const stack = new Stack(new App(), 'Test');
  const { workQueue } = new QueueFleet(stack, 'Videos', {
    workload: new Workload({ averageProcessingTime: Duration.minutes(3), acceptableLatency: Duration.minutes(10) }),
    code: WorkerCode.fromModule(join(__dirname, 'fleet/fixtures/handler.ts')),
    logEncryptionKey: new kms.Key(stack, 'LogKey'),
  });
  addEveryProducer(stack);
  new QueueAlarms(stack, 'Alarms', { queue: workQueue });
  const services = statementsOf(Template.fromStack(stack))
    .filter(
      ({ statement }) => statement.Effect === 'Allow' && JSON.stringify(statement.Principal ?? '').includes('Service'),
    )
    .map((found) => ({ ...found, text: JSON.stringify(found.statement) }))
    .filter(({ text }) => !OWN.some((service) => text.includes(service)));
  expect(services.length).toBeGreaterThan(8);
  expect(services.filter(({ text }) => !SOURCE.test(text)).map(({ id, text }) => `${id} ${text}`)).toEqual([]);
});
