import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { BacklogScaling, type IWorkQueue, QueueFleet, WorkerCode, WorkQueue } from '../../../../lib';
import { plainGroup, VIDEO_WORKLOAD } from '../../../support/scaled-group';

let app: App;
beforeEach(() => {
  app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
});

const stackOf = (id: string): Stack => new Stack(app, id);
const warningsOf = (stack: Stack): string[] =>
  Annotations.fromStack(stack)
    .findWarning('*', Match.stringLikeRegexp('queueScalesTwoGroups'))
    .map(({ entry }) => String(entry.data));
const fleet = (stack: Stack, id: string, queue?: IWorkQueue) =>
  new QueueFleet(stack, id, { workload: VIDEO_WORKLOAD, code: WorkerCode.command(['true']), ...(queue && { queue }) });
const scaled = (stack: Stack, queue: IWorkQueue, limits: { minCapacity?: number; maxCapacity?: number } = {}) => {
  const { autoScalingGroup } = plainGroup(1, 10, { stack });
  new BacklogScaling(stack, 'Scaling', { queue, autoScalingGroup, workload: VIDEO_WORKLOAD, ...limits });
  return autoScalingGroup;
};

test('warns of the second of two fleets on one queue, naming both, and says what to do', () => {
  const stack = stackOf('Test');
  const queue = new WorkQueue(stack, 'Jobs');
  fleet(stack, 'Large', queue);
  fleet(stack, 'Small', queue);
  expect(warningsOf(stack)).toEqual([
    "queue 'Test/Jobs/Queue' scales 'Test/Small/Fleet/Group' here and 'Test/Large/Fleet/Group' by 'Test/Large/Scaling': each of the two runs as many instances as the whole backlog needs, so together they run up to twice as many: make them one fleet ('alternativeInstanceTypes' and 'onDemandBaseCapacity' mix instances), keep one of them at a fixed size, or give each a queue of its own [ack: cdk-queue-fleet:queueScalesTwoGroups]",
  ]);
});

test('knows the queue of another stack, and an imported one by its ARN', () => {
  const shared = new WorkQueue(stackOf('Queues'), 'Jobs');
  const imported = (stack: Stack) =>
    WorkQueue.fromQueue(stack, 'Theirs', {
      queue: sqs.Queue.fromQueueArn(stack, 'TheirQueue', 'arn:aws:sqs:eu-west-1:111111111111:jobs'),
    });
  const [one, two, three, four] = [stackOf('One'), stackOf('Two'), stackOf('Three'), stackOf('Four')] as const;
  scaled(one, shared);
  scaled(two, shared);
  scaled(three, imported(three));
  scaled(four, imported(four));
  expect([one, two, three, four].map((stack) => warningsOf(stack).length)).toEqual([0, 1, 0, 1]);
});

test('finds a queue among several', () => {
  const [one, two] = [stackOf('One'), stackOf('Two')] as const;
  const [jobs, more] = [new WorkQueue(one, 'Jobs'), new WorkQueue(one, 'More')];
  scaled(one, jobs);
  const { autoScalingGroup } = plainGroup(1, 10, { stack: two });
  new BacklogScaling(two, 'Scaling', {
    queue: more,
    additionalQueues: [jobs],
    autoScalingGroup,
    workload: VIDEO_WORKLOAD,
  });
  expect(warningsOf(two)).toEqual([expect.stringContaining("queue 'One/Jobs/Queue' scales 'Two/")]);
});

test('is silent about queues of their own, a fixed size, one group and another app', () => {
  const [one, two, three] = [stackOf('One'), stackOf('Two'), stackOf('Three')] as const;
  const queue = new WorkQueue(one, 'Jobs');
  const group = scaled(one, queue);
  new BacklogScaling(one, 'Again', { queue, autoScalingGroup: group, workload: VIDEO_WORKLOAD });
  scaled(two, queue, { minCapacity: 3, maxCapacity: 3 });
  fleet(three, 'A');
  fleet(three, 'B');
  const elsewhere = new Stack(new App(), 'One');
  scaled(elsewhere, new WorkQueue(elsewhere, 'Jobs'));
  expect([one, two, three, elsewhere].flatMap(warningsOf)).toEqual([]);
});
