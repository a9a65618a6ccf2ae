import { Duration, RemovalPolicy, Size, Stack, Tags, Tokenization } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { WORKER_ENV, WORKER_METADATA_KEY, WorkerMetadata } from '../../worker/contract';
import { HEALTH_PORT } from '../private/boot/input';
import { bootScript } from '../private/boot-script';
import { BoundWorkerCode } from '../private/bound-worker-code';
import { environmentFile } from '../private/environment-file';
import { checkFleet, checkUserData, mayLaunchSpot, queuesOf, usesMixedInstances } from '../private/fleet-checks';
import { checkNetwork, createNetwork, workerSubnets } from '../private/fleet-network';
import { addWorkerRole, FLEET_TAG } from '../private/fleet-role';
import { checkRole } from '../private/given-role';
import { guardInstanceTags } from '../private/instance-tags';
import { checkMachineImage } from '../private/machine-image';
import { Violations } from '../private/violations';
import { allowVolumes, checkVolumeKey } from '../private/volume-key';
import { guardWayOut } from '../private/way-out';
import { IWorkQueue } from '../queue/work-queue-interface';
import { terminateHookSeconds } from '../scaling/sizing';
import { VpcEndpoints } from './vpc-endpoints';
import { FleetEgress } from './worker-fleet-options';
import { WorkerFleetProps } from './worker-fleet-props';

/** Hook names are unique within a group, so constants do: the instance knows them without a reference to the group. */
const LAUNCH_HOOK = 'WorkerReady';
const TERMINATE_HOOK = 'WorkerDrained';

/**
 * An Auto Scaling group of EC2 instances that handle the messages of one or several queues.
 *
 * Creates a launch template (Amazon Linux 2023, IMDSv2 with hop limit 1, encrypted gp3, no SSH key), a group with two
 * lifecycle hooks, a security group without ingress, a log group and, unless they are given, a role with exactly what a
 * worker needs and a network without internet access.
 *
 * An instance counts as in service after its worker's first successful poll, so a build that does not start never replaces
 * one that works. Before an instance goes, its worker stops receiving, gives back what it has not begun and finishes what
 * it has, for up to `drainTimeout`. With `drainTimeout` 5 minutes the terminate hook's heartbeat timeout is
 * 5 min + 60 s = 6 minutes, and the worker renews it at half of that while it works.
 *
 * A change of code or settings starts an instance refresh, in which each old instance drains as at any scale-in.
 *
 * @example
 * declare const queue: IWorkQueue;
 * new WorkerFleet(this, 'Fleet', { queue, code: WorkerCode.fromModule('src/handler.ts'), maxCapacity: 20 });
 */
export class WorkerFleet extends Construct implements iam.IGrantable, ec2.IConnectable {
  /** The group. Scaling policies act on it. */
  public readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  /** The role of the instances. */
  public readonly role: iam.IRole;
  /** The launch template. */
  public readonly launchTemplate: ec2.LaunchTemplate;
  /** Where the lines of workers and boots go; streams `<instance>/worker` and `<instance>/boot`. */
  public readonly logGroup: logs.LogGroup;
  /** The instances' security group: no ingress; all egress, or what `connections` allow. */
  public readonly securityGroup: ec2.SecurityGroup;
  /** The network. */
  public readonly vpc: ec2.IVpc;
  /** The endpoints of a network that the fleet created. */
  public readonly vpcEndpoints?: VpcEndpoints;
  /** Whom to grant what a handler needs: the role. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** Network connections of the instances. */
  public readonly connections: ec2.Connections;

  private readonly metricsNamespace: string;

  constructor(scope: Construct, id: string, props: WorkerFleetProps) {
    super(scope, id);
    const violations = new Violations(this);
    checkFleet(props, violations);
    checkRole(this, props.role, violations);
    checkVolumeKey(this, props.volumeEncryptionKey, violations);
    checkNetwork(props.vpc, props.vpcSubnets !== undefined, violations);
    props.code._validate(violations);
    violations.throwIfAny();

    this.metricsNamespace = props.metricsNamespace ?? 'QueueFleet';
    const code = props.code._bind(this);
    const bootTime = props.bootTime ?? Duration.seconds(150);
    const drainTimeout = props.drainTimeout ?? Duration.minutes(5);
    const terminateHookTimeout =
      props.terminateHookTimeout ?? Duration.seconds(terminateHookSeconds(drainTimeout.toSeconds()));

    const { vpc, endpoints } = this.network(props, code);
    this.vpc = vpc;
    this.vpcEndpoints = endpoints;
    this.securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: this.vpc,
      description: 'Queue workers: nothing comes in',
      allowAllOutbound: props.allowAllOutbound ?? true,
    });
    this.connections = new ec2.Connections({ securityGroups: [this.securityGroup] });
    endpoints?.connections.allowDefaultPortFrom(this.securityGroup);
    if (endpoints && props.allowAllOutbound === false) {
      // S3 has no security group to name. No route of this network leads anywhere else.
      this.connections.allowToAnyIpv4(ec2.Port.tcp(443), 'S3 by its gateway endpoint');
    }
    this.logGroup = this.createLogGroup('Logs', props);
    props.logEncryptionKey?.addToResourcePolicy(this.logKeyStatement());
    if (props.volumeEncryptionKey) allowVolumes(this, props.volumeEncryptionKey);

    // A tag's value has 256 characters at most: a stack's name 128, an address 42.
    const fleetTag = `${Stack.of(this).stackName}/${this.node.addr}`;
    const { role, policy } = addWorkerRole(this, props.role, {
      queues: queuesOf(props),
      asset: code.asset,
      logGroup: this.logGroup,
      secrets: Object.values(props.secrets ?? {}),
      repository: code.companion?.image?.repository,
      fleetTag,
    });
    this.role = role;
    this.grantPrincipal = role;

    const environment = this.environment(props, code, drainTimeout, terminateHookTimeout);
    const script = bootScript({
      region: Stack.of(this).region,
      bucketName: code.asset.s3BucketName,
      objectKey: code.asset.s3ObjectKey,
      environmentFile: environmentFile(environment),
      environmentNames: Object.keys({ ...environment, ...props.secrets }),
      healthPort: HEALTH_PORT,
      logGroupName: this.logGroup.logGroupName,
      readyWithinSeconds: 3 * bootTime.toSeconds(),
      // After the drain: a grace for handlers to notice their abort signal, and the last calls.
      stopTimeoutSeconds: drainTimeout.toSeconds() + 30,
      bootCommands: props.bootCommands ?? [],
      memoryMax: props.memoryMax ?? '90%',
      secrets: Object.entries(props.secrets ?? {}).map(([name, secret]) => ({
        name,
        kind: secret._kind,
        id: secret._id,
        field: secret._field,
      })),
      companion: companionOf(code),
    });
    checkUserData(script, violations);
    violations.throwIfAny();
    this.launchTemplate = this.createLaunchTemplate(props, ec2.UserData.custom(script));
    if (props.machineImage) {
      checkMachineImage(this.launchTemplate, instanceTypeOf(props), violations);
      violations.throwIfAny();
    }
    this.autoScalingGroup = this.createGroup(props);
    Tags.of(this.autoScalingGroup).add(FLEET_TAG, fleetTag, { applyToLaunchedInstances: false });

    const group = this.autoScalingGroup.node.defaultChild as autoscaling.CfnAutoScalingGroup;
    // Part of the group itself, not resources of their own: those would come after the first instances.
    group.lifecycleHookSpecificationList = [
      {
        lifecycleHookName: LAUNCH_HOOK,
        lifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
        heartbeatTimeout: 3 * bootTime.toSeconds(),
        defaultResult: 'ABANDON',
      },
      {
        lifecycleHookName: TERMINATE_HOOK,
        lifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
        heartbeatTimeout: terminateHookTimeout.toSeconds(),
        defaultResult: 'CONTINUE',
      },
    ];
    const metadata: WorkerMetadata = { assetHash: code.asset.assetHash, command: code.command, environment };
    group.addMetadata(WORKER_METADATA_KEY, metadata);
    guardInstanceTags(this, group, this.launchTemplate.node.defaultChild as ec2.CfnLaunchTemplate);
    // No instance may start before its role can do everything.
    this.autoScalingGroup.node.addDependency(role, ...(policy ? [policy] : []));
    if (endpoints) this.autoScalingGroup.node.addDependency(endpoints);
    // Nor before its way out is open, where that is a NAT gateway.
    const selected = this.vpc.selectSubnets(props.vpcSubnets ?? workerSubnets(this.vpc));
    this.autoScalingGroup.node.addDependency(selected.internetConnectivityEstablished);
    if (props.vpc) {
      const kinds = Object.values(props.secrets ?? {}).map((secret) => secret._kind);
      guardWayOut(this, {
        vpc: props.vpc,
        subnets: selected.subnets,
        secretsManager: kinds.includes('secret'),
        parameters: kinds.includes('parameter'),
        containerRegistry: code.companion?.image !== undefined,
      });
    }
  }

  /**
   * A metric that the workers publish for one of their queues, for example `HandlerDuration`, `Failed` or `LeasesLost`.
   *
   * @param metricName one of the names in docs/observability.md
   * @param queue a queue of this fleet
   * @param options changes to the metric; counts want the statistic Sum, durations a percentile
   * @returns the metric over all workers: Average, 5 minutes, in the unit of that page
   */
  public metric(metricName: string, queue: IWorkQueue, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: this.metricsNamespace,
      metricName,
      dimensionsMap: { QueueName: queue.queue.queueName },
      ...options,
    }).attachTo(this);
  }

  private environment(
    props: WorkerFleetProps,
    code: BoundWorkerCode,
    drainTimeout: Duration,
    terminateHookTimeout: Duration,
  ): Record<string, string> {
    const queues = queuesOf(props);
    const hasDeadLetters = queues.some(({ queue }) => queue.deadLetterQueue);
    return {
      ...props.environment,
      AWS_REGION: Stack.of(this).region,
      [WORKER_ENV.queueUrl]: queues.map(({ queue }) => queue.queue.queueUrl).join(' '),
      ...(queues.length > 1 && { [WORKER_ENV.queueWeights]: queues.map(({ weight }) => text(weight ?? 1)).join(' ') }),
      ...(hasDeadLetters && {
        [WORKER_ENV.deadLetterQueueUrl]: queues.map(({ queue }) => queue.deadLetterQueue?.queueUrl ?? '-').join(' '),
      }),
      [WORKER_ENV.handler]: code.handler,
      [WORKER_ENV.concurrency]: text(props.concurrency ?? 1),
      [WORKER_ENV.visibilityTimeoutSeconds]: seconds(props.visibilityTimeout ?? Duration.seconds(30)),
      [WORKER_ENV.waitTimeSeconds]: seconds(props.receiveWaitTime ?? Duration.seconds(20)),
      [WORKER_ENV.drainTimeoutSeconds]: seconds(drainTimeout),
      [WORKER_ENV.healthPort]: String(HEALTH_PORT),
      [WORKER_ENV.autoScalingGroupName]: 'imds',
      [WORKER_ENV.launchHookName]: LAUNCH_HOOK,
      [WORKER_ENV.terminateHookName]: TERMINATE_HOOK,
      [WORKER_ENV.terminateHookSeconds]: seconds(terminateHookTimeout),
      [WORKER_ENV.metricsNamespace]: this.metricsNamespace,
      [WORKER_ENV.metricsIntervalSeconds]: seconds(props.metricsInterval ?? Duration.minutes(1)),
    };
  }

  private network(props: WorkerFleetProps, code: BoundWorkerCode): { vpc: ec2.IVpc; endpoints?: VpcEndpoints } {
    if (props.vpc) return { vpc: props.vpc };
    const throughNat = props.egress === FleetEgress.NAT_GATEWAY;
    const vpc = createNetwork(this, this.createLogGroup('FlowLogs', props), throughNat);
    if (throughNat) return { vpc };
    const endpoints = new VpcEndpoints(this, 'Endpoints', {
      vpc,
      secretsManager: Object.values(props.secrets ?? {}).some((secret) => secret._kind === 'secret'),
      containerRegistry: code.companion?.image !== undefined,
    });
    return { vpc, endpoints };
  }

  private createLogGroup(id: string, props: WorkerFleetProps): logs.LogGroup {
    return new logs.LogGroup(this, id, {
      retention: props.logRetention ?? logs.RetentionDays.THREE_MONTHS,
      encryptionKey: props.logEncryptionKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  private createLaunchTemplate(props: WorkerFleetProps, userData: ec2.UserData): ec2.LaunchTemplate {
    const instanceType = instanceTypeOf(props);
    return new ec2.LaunchTemplate(this, 'LaunchTemplate', {
      instanceType,
      machineImage:
        props.machineImage ??
        ec2.MachineImage.latestAmazonLinux2023({
          cpuType:
            instanceType.architecture === ec2.InstanceArchitecture.ARM_64
              ? ec2.AmazonLinuxCpuType.ARM_64
              : ec2.AmazonLinuxCpuType.X86_64,
        }),
      role: this.role,
      securityGroup: this.securityGroup,
      userData,
      requireImdsv2: true,
      httpPutResponseHopLimit: 1,
      // The worker learns the name of its group from a tag.
      instanceMetadataTags: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: ec2.BlockDeviceVolume.ebs((props.volumeSize ?? Size.gibibytes(16)).toGibibytes(), {
            encrypted: true,
            kmsKey: props.volumeEncryptionKey,
            volumeType: ec2.EbsDeviceVolumeType.GP3,
            deleteOnTermination: true,
          }),
        },
      ],
    });
  }

  private createGroup(props: WorkerFleetProps): autoscaling.AutoScalingGroup {
    const mixed = usesMixedInstances(props);
    const group = new autoscaling.AutoScalingGroup(this, 'Group', {
      vpc: this.vpc,
      vpcSubnets: props.vpcSubnets ?? workerSubnets(this.vpc),
      ...(mixed
        ? {
            mixedInstancesPolicy: {
              launchTemplate: this.launchTemplate,
              // Overrides replace the template's own type, so it is one of them.
              launchTemplateOverrides:
                props.alternativeInstanceTypes &&
                [instanceTypeOf(props), ...props.alternativeInstanceTypes].map((instanceType) => ({ instanceType })),
              instancesDistribution: {
                onDemandBaseCapacity: props.onDemandBaseCapacity ?? 0,
                onDemandPercentageAboveBaseCapacity: props.onDemandPercentage ?? 100,
                spotAllocationStrategy: autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
              },
            },
            capacityRebalance: mayLaunchSpot(props),
          }
        : { launchTemplate: this.launchTemplate }),
      minCapacity: props.minCapacity ?? 1,
      maxCapacity: props.maxCapacity ?? 10,
      groupMetrics: [autoscaling.GroupMetrics.all()],
      defaultInstanceWarmup: Duration.seconds(60),
      maxInstanceLifetime: props.maxInstanceLifetime ?? Duration.days(7),
      healthChecks: autoscaling.HealthChecks.ec2({ gracePeriod: Duration.seconds(60) }),
      notifications: props.notificationsTopic && [
        { topic: props.notificationsTopic, scalingEvents: autoscaling.ScalingEvents.ALL },
      ],
      updatePolicy: autoscaling.UpdatePolicy.instanceRefresh({
        strategy: autoscaling.InstanceRefreshStrategy.ROLLING,
        minHealthyPercentage: 100,
        maxHealthyPercentage: 200,
        // Under load a worker is protected without a break, and a refresh waits an hour only; the terminate hook drains.
        scaleInProtectedInstances: autoscaling.ScaleInProtectedInstances.REFRESH,
        alarms: props.rollbackAlarms,
      }),
    });
    if (props.warmPool) group.addWarmPool(props.warmPool);
    return group;
  }

  private logKeyStatement(): iam.PolicyStatement {
    const stack = Stack.of(this);
    return new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      resources: ['*'],
      // Not the group's own ARN: the log group refers to the key already.
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': stack.formatArn({ service: 'logs', resource: '*' }) },
      },
    });
  }
}

function instanceTypeOf(props: WorkerFleetProps): ec2.InstanceType {
  return props.instanceType ?? ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.SMALL);
}

function companionOf(code: BoundWorkerCode): Parameters<typeof bootScript>[0]['companion'] {
  const { companion } = code;
  if (companion?.command) return { kind: 'command', command: companion.command };
  if (!companion?.image) return undefined;
  const { repository, tagOrDigest } = companion.image;
  return {
    kind: 'container',
    image: repository.repositoryUriForTagOrDigest(tagOrDigest),
    registry: repository.registryUri,
  };
}

/** Also of a number that is known at deployment only. */
function text(value: number): string {
  return Tokenization.stringifyNumber(value);
}

function seconds(duration: Duration): string {
  return String(duration.toSeconds());
}
