import { Duration, Size } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { IWorkQueue } from '../queue/work-queue-interface';
import { WorkerCode } from './worker-code';
import { WorkerSecret } from './worker-secret';

/** How the instances of a network that the fleet creates reach AWS services. */
export enum FleetEgress {
  /** Through private endpoints: no way to the internet. See `VpcEndpoints` for what they cost. */
  VPC_ENDPOINTS = 'VPC_ENDPOINTS',
  /** Through one NAT gateway: the whole internet is reachable. */
  NAT_GATEWAY = 'NAT_GATEWAY',
}

/** One of several queues of a fleet. */
export interface WeightedQueue {
  /** The queue. */
  readonly queue: IWorkQueue;

  /**
   * Its share of each worker's slots, relative to the other queues; each queue gets at least one slot. 1 to 9,999.
   *
   * @default 1
   */
  readonly weight?: number;
}

/** Properties of `WorkerFleet`. */
export interface WorkerFleetProps {
  /** The code that handles one message. */
  readonly code: WorkerCode;

  /**
   * The queue to consume. Exactly one of `queue` and `queues` must be set.
   *
   * @default - `queues`
   */
  readonly queue?: IWorkQueue;

  /**
   * Several queues, each with its share of the slots. Exactly one of `queue` and `queues` must be set.
   *
   * @default - `queue`
   */
  readonly queues?: WeightedQueue[];

  /**
   * Messages that one instance handles at the same time, 1 to 10,000 and at least the number of queues. May be a parameter of the
   * stack: the worker then checks it when it starts.
   *
   * @default 1
   */
  readonly concurrency?: number;

  /**
   * How long a received message stays hidden; the worker renews it while it works, so this bounds how late a message of a
   * dead instance comes back, not how long work may take. 10 seconds to 12 hours, whole seconds.
   *
   * @default Duration.seconds(30)
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
   */
  readonly visibilityTimeout?: Duration;

  /**
   * Long poll of each receive, 0 to 20 seconds, whole seconds.
   *
   * @default Duration.seconds(20)
   */
  readonly receiveWaitTime?: Duration;

  /**
   * How long running work may go on after the instance was asked to stop; what is not done then goes back to the queue.
   * 0 seconds to 47 hours, whole seconds. A Spot interruption leaves two minutes at most.
   *
   * @default Duration.minutes(5)
   */
  readonly drainTimeout?: Duration;

  /**
   * From the launch of an instance to its first successful poll. An instance that takes three times as long is replaced.
   * 10 seconds to 40 minutes, whole seconds.
   *
   * @default Duration.seconds(150)
   */
  readonly bootTime?: Duration;

  /**
   * Heartbeat timeout of the hook that holds an instance while it drains; the worker sends heartbeats, so work may take
   * longer. How long a dead worker holds up its termination. 30 seconds to 2 hours, whole seconds.
   *
   * @default - `drainTimeout` + 60 seconds, at least 2 minutes and at most 2 hours
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
   */
  readonly terminateHookTimeout?: Duration;

  /**
   * Variables for the worker's and the handler's environment. Not for secrets: they are readable in the template.
   *
   * @default - none but the fleet's own
   */
  readonly environment?: { [name: string]: string };

  /**
   * Variables whose values are secret.
   *
   * @default - none
   */
  readonly secrets?: { [name: string]: WorkerSecret };

  /**
   * The network.
   *
   * @default - a new one over two zones, with private subnets only
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Where the instances are.
   *
   * @default - private subnets with egress, else isolated ones
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * How instances of a network that the fleet creates reach AWS. Must not be set together with `vpc`.
   *
   * @default FleetEgress.VPC_ENDPOINTS
   */
  readonly egress?: FleetEgress;

  /**
   * Instance type. Programs in the code must fit its processor architecture.
   *
   * @default - t4g.small (arm64)
   */
  readonly instanceType?: ec2.InstanceType;

  /**
   * More instance types of the same architecture and about the same size: more pools to launch from.
   *
   * @default - only `instanceType`
   */
  readonly alternativeInstanceTypes?: ec2.InstanceType[];

  /**
   * Share of On-Demand instances above `onDemandBaseCapacity`, 0 to 100 percent; the rest are Spot instances, replaced
   * ahead of an interruption where EC2 sees it coming.
   *
   * @default 100
   */
  readonly onDemandPercentage?: number;

  /**
   * Instances that are On-Demand in any case.
   *
   * @default 0
   */
  readonly onDemandBaseCapacity?: number;

  /**
   * Machine image: Amazon Linux 2023 or one that is compatible (dnf, systemd, AWS CLI).
   *
   * @default - the latest Amazon Linux 2023 for the instance type's architecture, looked up at deployment
   */
  readonly machineImage?: ec2.IMachineImage;

  /**
   * Lines of bash for the first boot of an instance, for example to install a program or an agent of your company.
   *
   * Run as root when the code and the settings are in place, before the worker starts. A command that fails ends the boot, and the
   * instance is replaced. An instance that leaves a warm pool does not run them again. All user data has 16 KiB.
   *
   * @default - none
   */
  readonly bootCommands?: string[];

  /**
   * Size of the encrypted gp3 root volume, at least 8 GiB.
   *
   * @default Size.gibibytes(16)
   */
  readonly volumeSize?: Size;

  /**
   * The most memory that the worker and its children may use: a size such as `2G`, or a percentage of the instance's.
   *
   * @default '90%'
   * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.resource-control.html#MemoryMax=bytes
   */
  readonly memoryMax?: string;

  /**
   * Least number of instances. 0 lets a fleet sleep; what wakes it is the scaling policy's affair.
   *
   * @default 1
   */
  readonly minCapacity?: number;

  /**
   * Largest number of instances, at least 1.
   *
   * @default 10
   */
  readonly maxCapacity?: number;

  /**
   * Instances that wait, initialized and stopped, so that scaling out takes less time. Running ones can be pooled, too; hibernated
   * ones not.
   *
   * Without `maxGroupPreparedCapacity` the pool holds the difference between the largest group and the running instances:
   * with a maximum of 100 and one running, 99 stopped instances, whose volumes are billed.
   *
   * @default - no warm pool
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html
   */
  readonly warmPool?: autoscaling.WarmPoolOptions;

  /**
   * After this long an instance is replaced, drained as at any scale-in. At least 1 day.
   *
   * @default Duration.days(7)
   */
  readonly maxInstanceLifetime?: Duration;

  /**
   * Alarms that stop the replacement of instances after a change and roll the stack back. At most 10.
   *
   * @default - only a failed boot stops it
   */
  readonly rollbackAlarms?: cloudwatch.IAlarm[];

  /**
   * Topic that is told of every launch and termination, and of those that failed.
   *
   * @default - nobody is told
   */
  readonly notificationsTopic?: sns.ITopic;

  /**
   * CloudWatch namespace of the worker's metrics.
   *
   * @default 'QueueFleet'
   */
  readonly metricsNamespace?: string;

  /**
   * Time between two metric records, 1 to 60 seconds, whole seconds. Shorter than a minute makes high-resolution metrics.
   *
   * @default Duration.minutes(1)
   */
  readonly metricsInterval?: Duration;

  /**
   * How long log lines are kept.
   *
   * @default RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * Key that encrypts the log group. Its policy is extended where it is a key of this app.
   *
   * @default - CloudWatch Logs' own encryption
   */
  readonly logEncryptionKey?: kms.IKey;
}
