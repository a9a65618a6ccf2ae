/** A warning of ours. Its id is public: users acknowledge it by name, and docs/errors.md lists it. */
export interface Warning {
  readonly id: string;
  readonly meaning: string;
}

/** A statement could not be added because the policy is not part of this app. */
export const POLICY_NOT_APPLIED: Warning = {
  id: 'policyNotApplied',
  meaning: 'A statement belongs into the policy of an imported queue or key; the text holds the JSON to apply',
};

/** A decision at synth that is allowed, with numbers in the text. */
export const DRAIN_BEYOND_HOOK: Warning = {
  id: 'drainBeyondHook',
  meaning: 'The work outlasts the longest terminate hook, so the worker has to extend it while it drains (ours does)',
};

/** The number of message groups decides how many instances can be busy. */
export const FIFO_WITHOUT_MESSAGE_GROUPS: Warning = {
  id: 'fifoWithoutMessageGroups',
  meaning: 'A FIFO queue runs one message per group at a time, so the fleet may grow beyond what can be busy',
};

/** New instances come too late for the goal. */
export const LATENCY_BELOW_REACTION: Warning = {
  id: 'latencyBelowReaction',
  meaning: 'After a jump of the load messages wait longer than the goal, because a new instance takes longer to help',
};

/** The declared load does not fit. */
export const MAX_CAPACITY_TOO_LOW: Warning = {
  id: 'maxCapacityTooLow',
  meaning: 'The declared peak and burst need more instances than may run',
};

/** Instances that reach neither their code nor their log group. */
export const NETWORK_WITHOUT_WAY_OUT: Warning = {
  id: 'networkWithoutWayOut',
  meaning: 'The workers’ subnets have no route out, and endpoints that they need are missing or admit nobody',
};

/** A given role that CDK must not change. */
export const ROLE_NOT_EXTENDED: Warning = {
  id: 'roleNotExtended',
  meaning: 'The given role takes no permissions from this app; the text holds the policy that it needs',
};

/** Alarms read the metrics of their own account and region. */
export const QUEUE_METRICS_ELSEWHERE: Warning = {
  id: 'queueMetricsElsewhere',
  meaning:
    'SQS publishes the metrics of a queue in its account and region, so alarms elsewhere see no data and the fleet is not scaled',
};

/** Each group is scaled as if it were alone. */
export const QUEUE_SCALES_TWO_GROUPS: Warning = {
  id: 'queueScalesTwoGroups',
  meaning: 'Two groups are scaled for one queue, and each runs as many instances as the whole backlog needs',
};

/** A sleeping fleet sees nothing for a while. */
export const SCALE_TO_ZERO_WAKES_LATE: Warning = {
  id: 'scaleToZeroWakesLate',
  meaning: 'After six idle hours SQS publishes nothing for up to 15 minutes, and the first message waits for that',
};

/** Interrupted work is lost. */
export const SPOT_SHORTER_THAN_WORK: Warning = {
  id: 'spotShorterThanWork',
  meaning: 'A Spot instance is taken back sooner than the longest work ends, which then starts again elsewhere',
};

/** Key policies alone do not let a service-linked role of another account use a key. */
export const VOLUME_KEY_NEEDS_GRANT: Warning = {
  id: 'volumeKeyNeedsGrant',
  meaning: 'The key of the volumes is in another account, so Auto Scaling needs a grant that somebody has to create',
};
