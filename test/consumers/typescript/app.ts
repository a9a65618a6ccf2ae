import { App, Duration, Stack } from 'aws-cdk-lib';
import { QueueFleet, WorkerCode, Workload } from 'cdk-queue-fleet';

const app = new App();
const stack = new Stack(app, 'Consumer');
new QueueFleet(stack, 'Jobs', {
  workload: new Workload({
    averageProcessingTime: Duration.seconds(20),
    acceptableLatency: Duration.minutes(10),
    peakRatePerSecond: 0.5,
  }),
  code: WorkerCode.command(['./work.sh'], process.env['WORKER_DIRECTORY'] ?? 'worker'),
  minCapacity: 0,
});
app.synth();
