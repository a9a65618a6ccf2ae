import { type Accepted, type Check, run, tool, unaccepted } from './check';

const ACCEPTED: readonly Accepted[] = [
  {
    finding: /awslint:prefer-ref-interface:cdk-queue-fleet\./,
    reason:
      'an L1 reference has no grants, metrics, encryption key or connections, all of which these properties are taken for',
  },
  {
    finding: /awslint:ref-via-interface:cdk-queue-fleet\.(BacklogScaling|FleetMonitoring)Props\.autoScalingGroup\]/,
    reason: 'IAutoScalingGroup tells neither the capacity limits nor the name of the group without a lookup',
  },
  {
    finding: /awslint:no-grants:cdk-queue-fleet\.WorkQueueBase\.grant(Quarantine|Redrive)\]/,
    reason: 'IQueue of aws-cdk-lib 2 has grant methods; those of a work queue stand beside them, under like names',
  },
  {
    finding: /awslint:construct-base-is-private:cdk-queue-fleet\.WorkQueueBase\]/,
    reason:
      'an internal class is stripped from the declarations, and with it the grants of its subclasses; QueueBase of aws-cdk-lib is exported too',
  },
  {
    finding: /awslint:no-grants:cdk-queue-fleet\.WorkerSecret\.grantRead\]/,
    reason: 'WorkerSecret is a value that forwards to the grants of a secret or a parameter, not a construct',
  },
];

/** The rules of aws-cdk-lib's own authors. */
export const awslint: Check = {
  name: 'awslint',
  about: "aws-cdk-lib's design rules",
  run: (note) => {
    const { stderr, stdout } = run(tool('awslint'), []);
    const lines = stderr.split('\n').filter((line) => /^(error|warning): \[awslint:/.test(line));
    // Types of aws-cdk-lib that ours mention are linted too.
    const ours = lines.filter((line) => line.includes(':cdk-queue-fleet.'));
    note(`${ours.length} findings of ours, all accepted with a reason; ${lines.length - ours.length} of aws-cdk-lib`);
    if (lines.length === 0) return [`awslint reported nothing at all, which it never does: ${stdout}${stderr}`];
    return unaccepted(ours, ACCEPTED);
  },
};
