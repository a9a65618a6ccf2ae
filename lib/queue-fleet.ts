import { Duration, Token } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { WorkerCode } from './fleet/worker-code';
import { WorkerFleet } from './fleet/worker-fleet';
import type { WorkerFleetOptions } from './fleet/worker-fleet-options';
import { FleetMonitoring } from './monitoring/fleet-monitoring';
import { ConfigurationError } from './private/errors';
import { AUTO_SCALING_LIMITS, mayLaunchSpot } from './private/fleet-checks';
import { Violations } from './private/violations';
import type { Encryption } from './queue/encryption';
import type { Producer } from './queue/producer';
import { WorkQueue } from './queue/work-queue';
import type { IWorkQueue } from './queue/work-queue-interface';
import { BacklogScaling } from './scaling/backlog-scaling';
import type { ScalingPolicy } from './scaling/scaling-policy';
import type { Workload } from './scaling/workload';

/** Group size when neither a maximum nor a peak is declared. */
const DEFAULT_MAX_CAPACITY = 10;

/** One kind of work: what it is like, the code that does it, and where it runs. */
export interface QueueFleetProps extends WorkerFleetOptions {
  /** What the work is like. Visibility, receives, hooks, thresholds and steps are derived from it. */
  readonly workload: Workload;

  /** The code that handles one message. */
  readonly code: WorkerCode;

  /**
   * An existing queue, or one with other settings, for example a `FifoWorkQueue`.
   *
   * @default - a new WorkQueue with the workload's visibility timeout, receives and retention
   */
  readonly queue?: IWorkQueue;

  /**
   * How messages of the new queue are encrypted at rest. Must not be set together with `queue`.
   *
   * @default Encryption.customerManaged()
   */
  readonly encryption?: Encryption;

  /**
   * Message groups in use on a FIFO queue: the fleet never grows beyond them.
   *
   * @default - not limited
   */
  readonly messageGroups?: number;

  /**
   * Fewest instances. 0 lets the fleet sleep; the first message then waits longer.
   *
   * @default 1
   */
  readonly minCapacity?: number;

  /**
   * Most instances.
   *
   * @default - what the declared peak and burst need; 10 when neither is declared
   */
  readonly maxCapacity?: number;

  /**
   * The warm pool, for a workload that declares one (`warmPool: true` there).
   *
   * Its instances are stopped: AWS bills their volumes, but no instance hours while they are stopped. They are
   * `maxGroupPreparedCapacity` (running and waiting instances together) less the running ones, at least `minSize`. Beyond
   * them instances start cold.
   *
   * @default - running and waiting together as many as the declared peak and burst need; when neither is declared, half of
   * the way from the smallest to the largest group
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html
   */
  readonly warmPool?: autoscaling.WarmPoolOptions;

  /**
   * How the backlog becomes a number of instances.
   *
   * @default ScalingPolicy.latencyGoal()
   */
  readonly policy?: ScalingPolicy;

  /**
   * Topic that is told when an alarm needs a person, and when it is over.
   *
   * @default - the alarms only show in CloudWatch
   */
  readonly alarmTopic?: sns.ITopic;

  /**
   * Whether to create a dashboard.
   *
   * @default false
   */
  readonly dashboard?: boolean;
}

/**
 * A queue, the instances that work on it, the scaling between them and the alarms over them, all from one declared
 * workload.
 *
 * Creates a `WorkQueue`, a `WorkerFleet`, a `BacklogScaling` and a `FleetMonitoring`. For settings that are not here, use
 * these four directly: this class has no other secret.
 *
 * Worked once, for three minutes of work (p99 twelve) and ten minutes of acceptable wait: messages are renewed every
 * 100 s under a visibility timeout of 300 s, fail to the dead-letter queue after 3 receives, instances get up to
 * 36 minutes to finish before they go, and 10 waiting messages ask for 6 instances.
 *
 * @example
 * const bucket = new s3.Bucket(this, 'Bucket');
 * const videos = new QueueFleet(this, 'Videos', {
 *   workload: new Workload({
 *     averageProcessingTime: Duration.minutes(3),
 *     acceptableLatency: Duration.minutes(10),
 *   }),
 *   code: WorkerCode.fromModule('src/transcode.ts'),
 * });
 * videos.addProducer(Producer.bucket(bucket));
 * bucket.grantReadWrite(videos);
 */
export class QueueFleet extends Construct implements iam.IGrantable, ec2.IConnectable {
  /** The queue with its dead-letter queue. */
  public readonly workQueue: IWorkQueue;
  /** The instances. */
  public readonly fleet: WorkerFleet;
  /** The alarms and policies that scale. */
  public readonly scaling: BacklogScaling;
  /** The alarms that a person acts on. */
  public readonly monitoring: FleetMonitoring;
  /** The role of the instances: grant it what the handler needs. */
  public readonly grantPrincipal: iam.IPrincipal;

  /** Network connections of the instances: allow them into what the handler calls. */
  public readonly connections: ec2.Connections;

  private readonly ownQueue?: WorkQueue;

  /**
   * @throws ConfigurationError CapacityOutOfRange, EncryptionOfGivenQueue, GroupCapacityUnknown, SpotNotDeclared, WarmPoolNotDeclared, and what the four constructs refuse
   */
  constructor(scope: Construct, id: string, props: QueueFleetProps) {
    super(scope, id);
    this.check(props);
    const { workload } = props;
    const minCapacity = props.minCapacity ?? 1;
    const maxCapacity = props.maxCapacity ?? Math.max(workload.minimumMaxCapacity ?? DEFAULT_MAX_CAPACITY, minCapacity);
    if (props.queue === undefined) {
      this.ownQueue = new WorkQueue(this, 'Queue', {
        visibilityTimeout: workload.visibilityTimeout,
        maxReceiveCount: workload.maxReceiveCount,
        retentionPeriod: workload.retentionPeriod,
        encryption: props.encryption,
      });
    }
    this.workQueue = props.queue ?? this.ownQueue!;
    this.fleet = new WorkerFleet(this, 'Fleet', {
      // What both take, as it is.
      ...props,
      onDemandPercentage: props.onDemandPercentage ?? (workload.spot ? 0 : undefined),
      queue: this.workQueue,
      code: props.code,
      concurrency: workload.concurrency,
      visibilityTimeout: workload.visibilityTimeout,
      drainTimeout: workload.drainTimeout,
      terminateHookTimeout: workload.terminateHookTimeout,
      bootTime: Duration.seconds(Math.ceil(workload.bootTime.toSeconds({ integral: false }))),
      warmPool: workload.warmPool
        ? { maxGroupPreparedCapacity: preparedCapacity(workload, minCapacity, maxCapacity), ...props.warmPool }
        : undefined,
      metricsInterval: props.policy?._metricsInterval,
      minCapacity,
      maxCapacity,
    });
    this.grantPrincipal = this.fleet.grantPrincipal;
    this.connections = this.fleet.connections;
    const { autoScalingGroup } = this.fleet;
    this.scaling = new BacklogScaling(this, 'Scaling', {
      queue: this.workQueue,
      autoScalingGroup,
      workload,
      policy: props.policy,
      messageGroups: props.messageGroups,
    });
    this.monitoring = new FleetMonitoring(this, 'Monitoring', {
      queue: this.workQueue,
      autoScalingGroup,
      workload,
      alarmTopic: props.alarmTopic,
      dashboard: props.dashboard,
    });
  }

  /**
   * Lets someone send to the queue that this fleet made.
   *
   * For a queue given as `queue` call its own `addProducer`, whose type knows what a FIFO queue accepts.
   *
   * @param producer who sends, for example `Producer.bucket(uploads)`
   * @returns the grant; `success` is false when a statement could not be added
   * @throws ProducerOfGivenQueue when the queue was given
   */
  public addProducer(producer: Producer): iam.Grant {
    if (this.ownQueue !== undefined) return this.ownQueue.addProducer(producer);
    throw new ConfigurationError(
      'ProducerOfGivenQueue',
      `ProducerOfGivenQueue: the queue of this fleet was given: call 'addProducer' of that queue`,
      this,
    );
  }

  private check(props: QueueFleetProps): void {
    const { workload } = props;
    const violations = new Violations(this);
    if (props.queue && props.encryption) {
      violations.add(
        'EncryptionOfGivenQueue',
        `'encryption' must not be set together with 'queue': encrypt the queue where it is made`,
      );
    }
    if (props.warmPool && !workload.warmPool) {
      violations.add(
        'WarmPoolNotDeclared',
        `'warmPool' must be set only when the workload declares a warm pool, because it changes what can be promised: set 'warmPool: true' in the workload`,
      );
    }
    for (const prop of ['minCapacity', 'maxCapacity'] as const) {
      if (Token.isUnresolved(props[prop])) {
        violations.add(
          'GroupCapacityUnknown',
          `'${prop}' (a token) must be known at synth: the steps are computed from it`,
        );
      }
    }
    const most = AUTO_SCALING_LIMITS.groupInstances.max;
    const needed = workload.minimumMaxCapacity ?? 0;
    if (props.maxCapacity === undefined && needed > most) {
      violations.add(
        'CapacityOutOfRange',
        `${declaredLoad(workload)} must need at most ${most} instances, but needs ${needed} with 'concurrency' (${workload.concurrency} messages): raise the concurrency, or set 'maxCapacity' to what may run and accept longer waits`,
      );
    }
    if (!workload.spot && mayLaunchSpot(props)) {
      const share = Token.isUnresolved(props.onDemandPercentage) ? 'a token' : `${props.onDemandPercentage} percent`;
      violations.add(
        'SpotNotDeclared',
        `'onDemandPercentage' (${share}) must be 100 unless the workload declares Spot instances, because interruptions change what is derived: set 'spot: true' in the workload`,
      );
    }
    violations.throwIfAny();
  }
}

/** What of the workload asks for instances, as it was declared. */
function declaredLoad({ peakRatePerSecond, burst }: Workload): string {
  return [
    ...(peakRatePerSecond === undefined ? [] : [`'peakRatePerSecond' (${peakRatePerSecond} messages per second)`]),
    ...(burst === undefined ? [] : [`'burst' (${burst} messages)`]),
  ].join(' and ');
}

/** Instances, running and in the warm pool together, that are kept ready. AWS's own default is the whole group, whatever is needed. */
function preparedCapacity({ minimumMaxCapacity }: Workload, min: number, max: number): number {
  const needed = minimumMaxCapacity ?? min + Math.ceil((max - min) / 2);
  return Math.min(Math.max(needed, min), max);
}
