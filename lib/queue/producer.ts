import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { bindBucket } from '../private/producers/bucket-producer';
import { bindAccount, bindOrganization, bindVpcEndpoint } from '../private/producers/principal-producers';
import { bindRule } from '../private/producers/rule-producer';
import { bindSchedule } from '../private/producers/schedule-producer';
import type { ProducerTarget } from '../private/producers/target';
import { bindTopic } from '../private/producers/topic-producer';
import type {
  BucketProducerOptions,
  RuleProducerOptions,
  ScheduleProducerOptions,
  TopicProducerOptions,
} from './producer-options';

/**
 * Someone who sends to a queue: `queue.addProducer(Producer.bucket(uploads))`.
 *
 * Each choice adds the least statements: `sqs:SendMessage` on the queue, `kms:GenerateDataKey` and `kms:Decrypt` on its
 * key. A service may send only for the one source (`aws:SourceArn` and `aws:SourceAccount`).
 *
 * What a FIFO queue accepts is a `FifoProducer`; a bucket is not one, so adding it there does not compile.
 */
export abstract class Producer {
  /**
   * A bucket that reports its objects. S3 sends an `s3:TestEvent` first, keys arrive URL-encoded, events can arrive twice.
   *
   * @param bucket the bucket, of this or another stack, also encrypted with the queue's own key
   * @param options which events of which keys
   * @returns a producer for standard queues only: S3 refuses FIFO queues
   */
  public static bucket(bucket: s3.IBucket, options: BucketProducerOptions = {}): Producer {
    return new BoundProducer((target) => bindBucket(target, bucket, options));
  }

  /**
   * An SNS topic; subscribes the queue. A FIFO queue needs a FIFO topic.
   *
   * @param topic the topic
   * @param options filter and format
   * @returns a producer for both kinds of queue
   */
  public static topic(topic: sns.ITopic, options: TopicProducerOptions = {}): FifoProducer {
    return new BoundFifoProducer((target) => bindTopic(target, topic, options));
  }

  /**
   * An EventBridge rule; adds the queue as a target. A FIFO queue needs `messageGroupId` and content-based deduplication.
   *
   * @param rule the rule
   * @param options what is sent, and what happens to events that cannot be delivered
   * @returns a producer for both kinds of queue
   */
  public static rule(rule: events.Rule, options: RuleProducerOptions = {}): FifoProducer {
    return new BoundFifoProducer((target) => bindRule(target, rule, options));
  }

  /**
   * A schedule of EventBridge Scheduler; creates it, with a role that may only send to this queue.
   *
   * @param id construct id of the schedule, PascalCase, unique within the queue
   * @param options when, and what is sent
   * @returns a producer for both kinds of queue
   */
  public static schedule(id: string, options: ScheduleProducerOptions): FifoProducer {
    return new BoundFifoProducer((target) => bindSchedule(target, id, options));
  }

  /**
   * A role, user, function or anything else that has an identity, of this or another account.
   *
   * Another account's principal is also named in the queue's and the key's policy.
   *
   * @param grantee who sends
   * @returns a producer for both kinds of queue
   */
  public static role(grantee: iam.IGrantable): FifoProducer {
    return new BoundFifoProducer((target) => target.access.send(grantee));
  }

  /**
   * Another account, which decides itself who of its principals may send.
   *
   * @param accountId 12 digits
   * @returns a producer for both kinds of queue
   */
  public static account(accountId: string): FifoProducer {
    return new BoundFifoProducer((target) => bindAccount(target, accountId));
  }

  /**
   * All accounts of an AWS organization, each deciding itself who of its principals may send.
   *
   * @param organizationId for example `o-a1b2c3d4e5`
   * @returns a producer for both kinds of queue
   */
  public static organization(organizationId: string): FifoProducer {
    return new BoundFifoProducer((target) => bindOrganization(target, organizationId));
  }

  /**
   * Every principal of the queue's own account whose request comes through this VPC endpoint.
   *
   * @param endpoint interface endpoint of SQS
   * @returns a producer for both kinds of queue
   */
  public static vpcEndpoint(endpoint: ec2.IVpcEndpoint): FifoProducer {
    return new BoundFifoProducer((target) => bindVpcEndpoint(target, endpoint));
  }

  /**
   * Adds statements and resources.
   *
   * @internal
   */
  public abstract _bind(target: ProducerTarget): iam.Grant;
}

/** A producer that can send to FIFO queues too. */
export abstract class FifoProducer extends Producer {
  /** Always true; tells the two types apart. */
  public readonly sendsToFifo: boolean = true;
}

type Bind = (target: ProducerTarget) => iam.Grant;

class BoundProducer extends Producer {
  constructor(private readonly bind: Bind) {
    super();
  }

  public _bind(target: ProducerTarget): iam.Grant {
    return this.bind(target);
  }
}

class BoundFifoProducer extends FifoProducer {
  constructor(private readonly bind: Bind) {
    super();
  }

  public _bind(target: ProducerTarget): iam.Grant {
    return this.bind(target);
  }
}
