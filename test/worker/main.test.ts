import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AutoScalingApiServer } from '../../local/auto-scaling-api';
import { AutoScalingGroupEmulation } from '../../local/auto-scaling-group';
import { InstanceMetadataServer } from '../../local/instance-metadata';
import { systemClock } from '../../messaging';
import { WORKER_ENV, WORKER_METRICS } from '../../worker/contract';
import { startSqsServer, type SqsServer } from '../support/sqs-server';
import { buildWorkerAsset, type WorkerAsset, WorkerProcess } from '../support/worker-process';

/** Bodies say what the handler does: `wait` works until it is told to stop, `<n>` works for n milliseconds. */
const HANDLER = `
import { setTimeout as sleep } from 'node:timers/promises';
export async function handler(message: { body: string }, { signal, logger }: any) {
  logger.info({ body: message.body }, 'begin ' + message.body);
  if (message.body === 'wait') await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  else await sleep(Number(message.body));
  logger.info({}, 'done ' + message.body);
}`;

jest.setTimeout(20_000);

describe('the worker, as a process from its bundle', () => {
  let sqs: SqsServer;
  let asset: WorkerAsset;
  let queueUrl: string;
  let environment: Record<string, string>;
  const workers: WorkerProcess[] = [];

  beforeAll(async () => {
    sqs = await startSqsServer();
    asset = buildWorkerAsset(HANDLER);
  });
  afterAll(async () => {
    asset.remove();
    await sqs.close();
  });
  beforeEach(async () => {
    const { QueueUrl = '' } = await sqs.client.send(new CreateQueueCommand({ QueueName: randomUUID() }));
    queueUrl = QueueUrl;
    environment = {
      ...sqs.environment,
      [WORKER_ENV.queueUrl]: queueUrl,
      [WORKER_ENV.handler]: 'module:./handler.js',
      [WORKER_ENV.waitTimeSeconds]: '1',
      [WORKER_ENV.drainTimeoutSeconds]: '30',
    };
  });
  afterEach(async () => {
    for (const worker of workers.splice(0)) {
      worker.signal('SIGKILL');
      await worker.exit;
    }
  });

  const start = (more: Record<string, string> = {}, from = asset): WorkerProcess => {
    const worker = new WorkerProcess(from, { ...environment, ...more });
    workers.push(worker);
    return worker;
  };
  const send = (MessageBody: string) => sqs.client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
  const counts = async (): Promise<{ visible: number; hidden: number }> => {
    const { Attributes } = await sqs.client.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }),
    );
    return {
      visible: Number(Attributes?.ApproximateNumberOfMessages),
      hidden: Number(Attributes?.ApproximateNumberOfMessagesNotVisible),
    };
  };

  test('writes the metrics that the scaling policies read, one record per queue and interval', async () => {
    await Promise.all(['400', '1', '1'].map(send));
    const worker = start({ [WORKER_ENV.metricsNamespace]: 'Jobs', [WORKER_ENV.metricsIntervalSeconds]: '1' });
    await worker.line('done 400');
    worker.signal('SIGTERM');
    expect(await worker.exit).toBe(0);
    const records = worker.lines.filter((line) => '_aws' in line);
    expect(records.at(-1)).toMatchObject({
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'Jobs',
            Dimensions: [['QueueName']],
            Metrics: expect.arrayContaining(
              Object.values(WORKER_METRICS).map((Name) => ({ Name, Unit: 'Count', StorageResolution: 1 })),
            ),
          },
        ],
      },
      QueueName: queueUrl.split('/').at(-1),
      BacklogPerSlot: expect.any(Number),
      BusySlots: 0,
    });
  });

  test('posts to an HTTP handler with the headers of an Elastic Beanstalk worker environment', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const application = createServer((request, response) => {
      seen.push(request.headers);
      response.end();
    });
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
    try {
      await send('hello');
      const { port } = application.address() as AddressInfo;
      const worker = start({ [WORKER_ENV.handler]: `http:${port}/messages` });
      await new Promise((resolve) => application.once('request', resolve));
      worker.signal('SIGTERM');
      expect(await worker.exit).toBe(0);
    } finally {
      application.closeAllConnections();
      application.close();
    }
    expect(seen).toEqual([
      expect.objectContaining({
        'x-aws-sqsd-msgid': expect.any(String),
        'x-aws-sqsd-queue': queueUrl.split('/').at(-1),
        'x-aws-sqsd-receive-count': '1',
        'x-aws-sqsd-first-received-at': expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/),
        'x-aws-sqsd-sender-id': expect.any(String),
      }),
    ]);
    expect(await counts()).toEqual({ visible: 0, hidden: 0 });
  });

  test('consumes, answers its health endpoints, and drains on SIGTERM: work is finished, nothing is left', async () => {
    await send('1500');
    const worker = start();
    await worker.line('begin 1500');
    expect(await worker.health('/ready')).toMatchObject({ status: 200 });
    expect(await worker.health('/live')).toMatchObject({ status: 200 });
    expect(await worker.health('/inflight')).toMatchObject({ body: { messages: [{ state: 'running' }] } });
    await send('1');
    worker.signal('SIGTERM');
    expect(await worker.exit).toBe(0);
    expect(worker.lines.map(({ msg }) => msg)).toContain('done 1500');
    expect(await counts()).toEqual({ visible: 1, hidden: 0 });
  });

  test('gives back what cannot finish within the drain, and says so by its exit code', async () => {
    await send('wait');
    const worker = start({ [WORKER_ENV.drainTimeoutSeconds]: '1' });
    await worker.line('begin wait');
    worker.signal('SIGTERM');
    expect(await worker.exit).toBe(1);
    expect(await counts()).toEqual({ visible: 1, hidden: 0 });
  });

  test('a second signal shortens the drain', async () => {
    await send('wait');
    const worker = start();
    await worker.line('begin wait');
    worker.signal('SIGTERM');
    await worker.line('drain');
    worker.signal('SIGTERM');
    await worker.exit;
    expect(await counts()).toEqual({ visible: 1, hidden: 0 });
  });

  test('drains on POST /drain', async () => {
    const worker = start();
    await worker.line('consuming');
    expect(await worker.health('/drain', { method: 'POST' })).toMatchObject({ status: 202 });
    expect(await worker.exit).toBe(0);
  });

  test('tells who waits for POST /drain what the drain did, before it goes', async () => {
    await send('700');
    const worker = start();
    await worker.line('begin 700');
    expect(await worker.health('/drain?wait', { method: 'POST' })).toEqual({
      status: 200,
      body: {
        draining: true,
        report: {
          code: 0,
          queues: [
            expect.objectContaining({ queueName: queueUrl.split('/').at(-1), clean: true, finished: 1, aborted: 0 }),
          ],
        },
      },
    });
    expect(await worker.exit).toBe(0);
  });

  test('fails with one line for each problem and exit code 78 when the environment is wrong', async () => {
    const worker = start({ [WORKER_ENV.queueUrl]: '', [WORKER_ENV.concurrency]: '0' });
    expect(await worker.exit).toBe(78);
    expect(worker.lines).toHaveLength(2);
  });

  test('stays, not ready, with one line, when the handler throws at import', async () => {
    const broken = buildWorkerAsset(`throw new Error('no model file'); export const handler = () => {};`);
    const worker = start({}, broken);
    await worker.line('the handler cannot be loaded: this worker will take no messages');
    expect(await worker.health('/ready')).toMatchObject({ status: 503 });
    worker.signal('SIGTERM');
    expect(await worker.exit).toBe(0);
    expect(worker.lines.filter(({ level }) => level === 50)).toMatchObject([{ err: { message: /no model file/ } }]);
    broken.remove();
  });

  describe('on an emulated instance', () => {
    let metadata: InstanceMetadataServer;
    let api: AutoScalingApiServer;
    let group: AutoScalingGroupEmulation;
    const stopped: string[] = [];

    beforeEach(async () => {
      stopped.length = 0;
      group = new AutoScalingGroupEmulation({
        name: 'fleet',
        hooks: [
          { name: 'Up', transition: 'launching', heartbeatTimeoutMs: 60_000, defaultResult: 'ABANDON' },
          { name: 'Down', transition: 'terminating', heartbeatTimeoutMs: 30_000, defaultResult: 'CONTINUE' },
        ],
        clock: systemClock,
        newId: () => 'i-1',
        machines: {
          start: () => {},
          retarget: (_id, target) => (metadata.targetLifecycleState = target),
          stop: (_id, reason) => void stopped.push(reason),
        },
      });
      metadata = await InstanceMetadataServer.start({
        instanceId: 'i-1',
        autoScalingGroupName: 'fleet',
        clock: systemClock,
      });
      api = await AutoScalingApiServer.start([group]);
      environment = {
        ...environment,
        AWS_ENDPOINT_URL_AUTO_SCALING: api.endpoint,
        [WORKER_ENV.metadataEndpoint]: metadata.endpoint,
        [WORKER_ENV.autoScalingGroupName]: 'imds',
        [WORKER_ENV.launchHookName]: 'Up',
        [WORKER_ENV.terminateHookName]: 'Down',
        [WORKER_ENV.terminateHookSeconds]: '30',
      };
      group.setDesiredCapacity(1);
    });
    afterEach(async () => {
      group.close();
      await Promise.all([metadata.close(), api.close()]);
    });

    test('enters service after its first poll; scale-in of the busy instance waits for the work', async () => {
      const worker = start();
      await worker.line('complete-launch');
      expect(group.instances).toMatchObject([{ state: 'InService' }]);
      await send('3000');
      await sqs.client.send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: ['a', 'b'].map((Id) => ({ Id, MessageBody: '1' })),
        }),
      );
      await worker.line('begin 3000');
      group.setDesiredCapacity(0);
      expect(await worker.exit).toBe(0);
      const said = worker.lines.map(({ msg }) => msg);
      expect(said.indexOf('done 3000')).toBeLessThan(said.indexOf('complete-termination'));
      expect(stopped).toEqual(['scale-in']);
      expect(await counts()).toEqual({ visible: 2, hidden: 0 });
      // Only scaling policies own the desired capacity.
      expect(new Set(api.calls.map(({ action }) => action))).toEqual(new Set(['CompleteLifecycleAction']));
    });

    test('a Spot notice of which little is left: unfinished work is back before the machine goes', async () => {
      const worker = start();
      await send('wait');
      await worker.line('begin wait');
      metadata.spotAction = { action: 'terminate', atMs: Date.now() + 14_000 };
      expect(await worker.exit).toBe(1);
      expect(Date.now()).toBeLessThan(metadata.spotAction.atMs);
      expect(await counts()).toEqual({ visible: 1, hidden: 0 });
    });

    test('terminated while it boots: takes nothing and lets the instance go', async () => {
      group.completeLifecycleAction('i-1', 'Up', 'CONTINUE');
      group.setDesiredCapacity(0);
      await send('1');
      const worker = start();
      await worker.line('complete-termination');
      expect(stopped).toEqual(['scale-in']);
      expect(await counts()).toEqual({ visible: 1, hidden: 0 });
    });

    test('works on through throttling and a silent metadata service, and is still drained by SIGTERM', async () => {
      api.fault = 'throttled';
      const worker = start();
      await worker.line('Auto Scaling call failed');
      metadata.fault = 'down';
      await worker.line('instance metadata does not answer; working on');
      await send('10');
      await worker.line('done 10');
      api.fault = undefined;
      metadata.fault = undefined;
      metadata.revokeTokens();
      await worker.line('complete-launch');
      worker.signal('SIGTERM');
      expect(await worker.exit).toBe(0);
    });
  });
});
