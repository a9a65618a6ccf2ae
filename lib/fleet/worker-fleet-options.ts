import { Duration, Size } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { WorkerSecret } from './worker-secret';

/** How the instances of a network that the fleet creates reach AWS services. */
export enum FleetEgress {
  /** Through private endpoints: no way to the internet. See `VpcEndpoints` for what they cost. */
  VPC_ENDPOINTS = 'VPC_ENDPOINTS',
  /** Through one NAT gateway: the whole internet is reachable. */
  NAT_GATEWAY = 'NAT_GATEWAY',
}

/** Where and on what workers run: what a `WorkerFleet` and a `QueueFleet` take alike. */
export interface WorkerFleetOptions {
  /**
   * Variables for the worker's and the handler's environment. Not for secrets: they are readable in the template.
   *
   * @default - only the fleet's own
   */
  readonly environment?: { [name: string]: string };

  /**
   * Variables whose values are secret.
   *
   * @default - no variable is secret
   */
  readonly secrets?: { [name: string]: WorkerSecret };

  /**
   * The role of the instances, which trusts `ec2.amazonaws.com`. The fleet attaches one managed policy with what a worker needs.
   *
   * A role imported with `mutable: false` gets nothing; a warning holds the policy that its owner has to attach.
   *
   * @default - a new role
   */
  readonly role?: iam.IRole;

  /**
   * The network. It has to have a way to AWS: a NAT gateway, or `VpcEndpoints` that admit the fleet. A warning tells of one that is made in
   * this app and has neither.
   *
   * @default - a new one over two zones, with private subnets only
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Where the instances are. Has to be set for a network of public subnets only; those have to give instances a public address.
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
   * Whether the instances may open connections to anywhere. If not, allow by `connections` what they need: in a given network HTTPS to
   * S3 and to the services that `VpcEndpoints` names. In a network with endpoints that the fleet creates, HTTPS is allowed by itself.
   * Name resolution is not subject to it.
   *
   * @default true
   */
  readonly allowAllOutbound?: boolean;

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
   * Machine image: Amazon Linux 2023 or one made from it (dnf with its packages, systemd, AWS CLI), for the architecture of
   * `instanceType`. Both are checked where the name of an SSM parameter tells them.
   *
   * @default - the latest Amazon Linux 2023 for the instance type's architecture, looked up at deployment
   */
  readonly machineImage?: ec2.IMachineImage;

  /**
   * Share of On-Demand instances above `onDemandBaseCapacity`, 0 to 100 percent; the rest are Spot instances, replaced
   * ahead of an interruption where EC2 sees it coming.
   *
   * @default - 100; of a `QueueFleet` whose workload declares `spot`, 0
   */
  readonly onDemandPercentage?: number;

  /**
   * Instances that are On-Demand in any case.
   *
   * @default 0
   */
  readonly onDemandBaseCapacity?: number;

  /**
   * Size of the root volume, gp3, at least 8 GiB. Always encrypted: see `volumeEncryptionKey`.
   *
   * Holds the system and what handlers write to their directory for temporary files (`TMPDIR`).
   *
   * @default Size.gibibytes(16)
   */
  readonly volumeSize?: Size;

  /**
   * Key that encrypts the root volume, symmetric and of the region of the instances.
   *
   * Auto Scaling has to be allowed to use it: its policy is extended where it is a key of this app; for another one a warning says
   * what is missing. The role AWSServiceRoleForAutoScaling has to exist, as it does in an account that ever had a group.
   *
   * @default - the account's default key for EBS
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
   */
  readonly volumeEncryptionKey?: kms.IKey;

  /**
   * The most memory that the worker and its children may use: a size such as `2G`, or a percentage of the instance's.
   *
   * @default '90%'
   * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.resource-control.html#MemoryMax=bytes
   */
  readonly memoryMax?: string;

  /**
   * Lines of bash for the first boot of an instance, for example to install a program or an agent of your company.
   *
   * Run as root when the code and the settings are in place, before the worker starts. A command that fails ends the boot, and the
   * instance is replaced. An instance that leaves a warm pool does not run them again. All user data has 16 KiB.
   *
   * @default - nothing beside the worker is set up
   */
  readonly bootCommands?: string[];

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
