import { Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as sns from 'aws-cdk-lib/aws-sns';
import { FifoThroughput, FifoWorkQueue, Producer, WorkQueue } from '../../lib';

/** Both kinds of queue with every kind of producer and consumer. What they connect to is made as the rule packs want it. */
export function addEveryProducer(stack: Stack): void {
  const jobs = new WorkQueue(stack, 'Jobs', { visibilityTimeout: Duration.minutes(5) });
  const orders = new FifoWorkQueue(stack, 'Orders', {
    contentBasedDeduplication: true,
    throughput: FifoThroughput.high(),
  });
  const key = new kms.Key(stack, 'SourceKey', { enableKeyRotation: true });
  const topic = new sns.Topic(stack, 'Topic', { masterKey: key, enforceSSL: true });
  const fifoTopic = new sns.Topic(stack, 'FifoTopic', { masterKey: key, enforceSSL: true, fifo: true });
  const worker = new iam.Role(stack, 'Worker', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });
  // Grants go into a managed policy, because the rule packs refuse inline ones.
  const workerPolicy = new iam.ManagedPolicy(stack, 'WorkerPolicy', { roles: [worker] });
  const undeliverable = new WorkQueue(stack, 'Undeliverable');

  jobs.addProducer(Producer.bucket(s3.Bucket.fromBucketName(stack, 'Uploads', 'uploads'), { prefix: 'in/' }));
  jobs.addProducer(Producer.topic(topic));
  jobs.addProducer(Producer.rule(rule(stack, 'Rule'), { deadLetterQueue: undeliverable.queue }));
  jobs.addProducer(
    Producer.schedule('Nightly', { schedule: scheduler.ScheduleExpression.cron({ hour: '3', minute: '0' }) }),
  );
  jobs.addProducer(Producer.role(workerPolicy));
  jobs.addProducer(Producer.account('222222222222'));
  jobs.addProducer(Producer.organization('o-a1b2c3d4e5'));
  jobs.addProducer(
    Producer.vpcEndpoint(
      ec2.InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(stack, 'Endpoint', {
        vpcEndpointId: 'vpce-0123456789abcdef0',
        port: 443,
      }),
    ),
  );
  jobs.addConsumer(workerPolicy);
  jobs.addDeadLetterConsumer(workerPolicy);
  jobs.grantQuarantine(workerPolicy);
  jobs.grantRedrive(workerPolicy);
  orders.addProducer(Producer.topic(fifoTopic));
  orders.addProducer(Producer.rule(rule(stack, 'OrderRule'), { messageGroupId: 'orders' }));
  orders.addConsumer(workerPolicy);
}

function rule(stack: Stack, id: string): events.Rule {
  return new events.Rule(stack, id, { schedule: events.Schedule.rate(Duration.hours(1)) });
}
