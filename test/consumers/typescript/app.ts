import { App, Duration, Stack } from 'aws-cdk-lib';
import { QueueFleet, WorkerCode, Workload } from 'cdk-queue-fleet';

const app = new App();
const stack = new Stack(app, 'Consumer');

const jobs = new QueueFleet(stack, 'Jobs', {
  workload: new Workload({
    averageProcessingTime: Duration.seconds(20),
    acceptableLatency: Duration.minutes(10),
    peakRatePerSecond: 0.5,
  }),
  code: WorkerCode.command(['./work.sh'], 'worker'),
  minCapacity: 0,
});

new QueueFleet(stack, 'Thumbnails', {
  workload: new Workload({
    averageProcessingTime: Duration.seconds(2),
    acceptableLatency: Duration.minutes(15),
  }),
  code: WorkerCode.fromModule('src/thumbnail.ts'),
  vpc: jobs.fleet.vpc,
});

app.synth();
