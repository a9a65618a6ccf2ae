import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  RecordLifecycleActionHeartbeatCommand,
  SetInstanceProtectionCommand,
} from '@aws-sdk/client-auto-scaling';
import type { Outcome } from './life-cycle';

/** The three calls that an instance makes about itself. None of them changes the group's capacity. */
export interface OwnGroup {
  completeLifecycleAction(hookName: string): Promise<Outcome>;
  recordHeartbeat(hookName: string): Promise<Outcome>;
  setProtection(protectedFromScaleIn: boolean): Promise<Outcome>;
}

/** Calls are short and repeated by the life cycle's own plan, so the SDK need not retry for long. */
const MAX_ATTEMPTS = 2;
const REQUEST_TIMEOUT_MS = 5_000;

export function createAutoScalingClient(): AutoScalingClient {
  return new AutoScalingClient({
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true },
  });
}

/** This instance in its group. */
export function ownGroup(
  client: AutoScalingClient,
  groupName: string,
  instanceId: string,
  report: (call: string, error: unknown) => void,
): OwnGroup {
  const hook = (name: string) => ({
    AutoScalingGroupName: groupName,
    InstanceId: instanceId,
    LifecycleHookName: name,
  });
  return {
    completeLifecycleAction: (name) =>
      settle('CompleteLifecycleAction', report, () =>
        client.send(new CompleteLifecycleActionCommand({ ...hook(name), LifecycleActionResult: 'CONTINUE' })),
      ),
    recordHeartbeat: (name) =>
      settle('RecordLifecycleActionHeartbeat', report, () =>
        client.send(new RecordLifecycleActionHeartbeatCommand(hook(name))),
      ),
    setProtection: (protectedFromScaleIn) =>
      settle('SetInstanceProtection', report, () =>
        client.send(
          new SetInstanceProtectionCommand({
            AutoScalingGroupName: groupName,
            InstanceIds: [instanceId],
            ProtectedFromScaleIn: protectedFromScaleIn,
          }),
        ),
      ),
  };
}

/** ValidationError is how Auto Scaling says that the instance is not in a state for the call. */
async function settle(
  call: string,
  report: (call: string, error: unknown) => void,
  send: () => Promise<unknown>,
): Promise<Outcome> {
  try {
    await send();
    return 'done';
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError') return 'refused';
    report(call, error);
    return 'failed';
  }
}
