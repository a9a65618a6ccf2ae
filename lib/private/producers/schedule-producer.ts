/* eslint-disable awscdk/no-variable-construct-id -- a queue has several schedules, the user names them */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import type { Construct } from 'constructs';
import type { ScheduleProducerOptions } from '../../queue/producer-options';
import { managedPolicyGrantee } from '../managed-policy-grantee';
import { Violations } from '../violations';
import { requireFifoParameters } from './fifo-parameters';
import type { ProducerTarget } from './target';

/** A schedule of EventBridge Scheduler with a role that may do nothing but send to this queue. */
export function bindSchedule(target: ProducerTarget, id: string, options: ScheduleProducerOptions): iam.Grant {
  const violations = new Violations(target.scope);
  requireFifoParameters(violations, target, options.messageGroupId);
  violations.throwIfAny();

  const role = new iam.Role(target.scope, `${id}Role`, {
    assumedBy: schedulerPrincipal(target.scope),
    description: `Lets schedule ${id} send to ${target.scope.node.path}`,
  });
  // A managed policy, because compliance packs refuse inline ones.
  const policy = new iam.ManagedPolicy(target.scope, `${id}Policy`, { roles: [role] });
  const grant = target.access.send(managedPolicyGrantee(role, policy));
  const schedule = new scheduler.Schedule(target.scope, id, {
    schedule: options.schedule,
    description: options.description,
    enabled: options.enabled,
    target: {
      bind: () => ({
        arn: target.queue.queueArn,
        role,
        input: options.input,
        sqsParameters: options.messageGroupId === undefined ? undefined : { messageGroupId: options.messageGroupId },
      }),
    },
  });
  // A schedule that fires before its role may send loses that message's first attempts.
  grant.applyBefore(schedule);
  return grant;
}

function schedulerPrincipal(scope: Construct): iam.IPrincipal {
  const stack = Stack.of(scope);
  return new iam.ServicePrincipal('scheduler.amazonaws.com', {
    conditions: {
      StringEquals: {
        'aws:SourceAccount': stack.account,
        'aws:SourceArn': stack.formatArn({
          service: 'scheduler',
          resource: 'schedule-group',
          resourceName: 'default',
          arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
        }),
      },
    },
  });
}
