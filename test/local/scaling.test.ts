import { App, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import path from 'node:path';
import { QueueFleet, WorkerCode, Workload } from '../../lib';
import { createScalingDriver } from '../../local/scaling';
import type { ScalingObservation } from '../../local/scaling-driver';
import { Template } from '../../sim/template';

describe('createScalingDriver', () => {
  const template = (): Template => {
    const app = new App();
    const stack = new Stack(app, 'Stack');
    stack.node.setContext('aws:cdk:enable-path-metadata', true);
    new QueueFleet(stack, 'Work', {
      vpc: new ec2.Vpc(stack, 'Vpc'),
      workload: new Workload({
        averageProcessingTime: Duration.seconds(20),
        acceptableLatency: Duration.minutes(1),
      }),
      code: WorkerCode.command(['/bin/cat'], path.join(__dirname, 'fixtures', 'page')),
      maxCapacity: 4,
    });
    return Template.parse(app.synth().getStackByName('Stack').template as object, 'Stack.template.json');
  };

  test('goes out for a backlog and back when it is done, and says why', () => {
    const parsed = template();
    const [group] = parsed.ofType('AWS::AutoScaling::AutoScalingGroup');
    const queueIds = parsed.ofType('AWS::SQS::Queue').map(({ logicalId }) => logicalId);
    const driver = createScalingDriver(parsed, { logicalId: group?.logicalId ?? '' }, 1);
    expect(driver.initialCapacity).toBe(1);
    expect(driver.notes).toEqual([]);
    expect(driver.bootSeconds()).toBe(110);
    expect(driver.bootSeconds()).toBeGreaterThan(110);

    let desired = 1;
    const lines: string[] = [];
    for (let seconds = 0; seconds <= 1800; seconds += 5) {
      const visible = seconds < 300 ? 50 : 0;
      const queue = { visible, notVisible: 0, delayed: 0, oldestAgeSeconds: 0, sent: 50, received: 50, deleted: 50 };
      const observation: ScalingObservation = {
        queues: queueIds.map((logicalId) => ({ logicalId, ...queue })),
        desired,
        inService: desired,
        pending: 0,
        terminating: 0,
      };
      for (const decision of driver.step(seconds, observation)) {
        lines.push(decision.text);
        desired = decision.desired ?? desired;
      }
    }
    expect(lines).toContainEqual(
      expect.stringMatching(/^scale-out from 1 to 4: alarm \S*Out\d\S* is at [\d.]+, step .*: ExactCapacity 4$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^scale-in from \d to 1: alarm \S*In\S* is at/));
    expect(desired).toBe(1);
    expect(driver.alarms().filter(({ scaling }) => scaling).length).toBeGreaterThanOrEqual(3);
  });
});
