/**
 * How long AWS takes between a message and the instance that works on it. None of these is guaranteed: they are the
 * documented or observed usual values, and the simulator can be run with others.
 *
 * Sources, read November 2026:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
 */
export const REACTION = {
  /** SQS samples its gauges once a minute: half a minute on average. */
  sampleSeconds: 30,
  /** From the end of the minute until the datapoint can be read. */
  publicationSeconds: 60,
  /** CloudWatch evaluates an alarm once a minute: half a minute on average. */
  evaluationSeconds: 30,
  /** From the launch until the worker's first poll. */
  bootSeconds: 150,
  /** The same from a warm pool of stopped instances. */
  warmBootSeconds: 40,
} as const;

/**
 * Limits of EC2 Auto Scaling and of CloudWatch alarms, each once.
 *
 * Sources, read November 2026:
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
 */
export const SCALING_LIMITS = {
  stepsPerPolicy: 20,
  hookHeartbeatSeconds: { min: 30, max: 7_200 },
  /** Hooks hold an instance for 48 hours at most; one hour is kept for the way there. */
  drainSeconds: 169_200,
  /** Metrics, expressions not counted, that one alarm's metric math may read. */
  metricsPerAlarm: 10,
} as const;
