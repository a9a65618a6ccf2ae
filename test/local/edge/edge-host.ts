/**
 * The emulator behind the edge, for the conformance suite: a process of its own, since the emulator is an ES module that
 * Jest's CommonJS tests cannot load. Speaks over the IPC channel: `{ faults }` turns the knobs, the answer is `{ ok }`.
 */
import { systemClock } from '../../../messaging';
import { Edge } from '../../../local/edge/edge';
import { Faults, NO_FAULTS } from '../../../local/edge/faults';
import { Principals } from '../../../local/edge/principals';
import { startEmulator } from '../../../local/emulator';
import { listen } from '../../../local/http-server';
import { createAuthorizer } from '../../../local/policies';

const ACCOUNT = '000000000000';
const arn = (name: string): string => `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}`;

async function main(): Promise<void> {
  const emulator = await startEmulator(process.env['EDGE_DATA_DIR'] ? { dataDir: process.env['EDGE_DATA_DIR'] } : {});
  const principals = new Principals('conformance');
  let dice = 0;
  const faults = new Faults(NO_FAULTS, () => (dice = (dice + 0.37) % 1));
  const queuePolicy = (name: string, statement: object) => ({
    attachedTo: arn(name),
    document: { Statement: [statement] },
  });
  const s3May = (name: string) =>
    queuePolicy(name, {
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: arn(name),
      Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::uploads' } },
    });
  const edge = new Edge({
    emulator,
    principals,
    faults,
    clock: systemClock,
    region: 'us-east-1',
    authorize: createAuthorizer(
      {
        resourcePolicies: [s3May('work')],
        identityPolicies: [
          {
            attachedTo: 'Reader',
            document: {
              Statement: [
                { Effect: 'Allow', Action: 'sqs:ReceiveMessage', Resource: '*' },
                { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::uploads/*' },
              ],
            },
          },
        ],
      },
      { account: ACCOUNT },
      (text) => console.error(text),
    ),
  });
  const server = await listen((request, response) => edge.serve(request, response), 0, 'the edge');
  edge.addQueues(server.url, ACCOUNT, [
    { name: 'dead', arn: arn('dead'), attributes: {} },
    {
      name: 'work',
      arn: arn('work'),
      attributes: {
        VisibilityTimeout: '30',
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn('dead'), maxReceiveCount: 1 }),
      },
    },
    { name: 'dead.fifo', arn: arn('dead.fifo'), attributes: { FifoQueue: 'true' } },
    {
      name: 'work.fifo',
      arn: arn('work.fifo'),
      attributes: {
        FifoQueue: 'true',
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn('dead.fifo'), maxReceiveCount: 1 }),
      },
    },
    { name: 'plain', arn: arn('plain'), attributes: {} },
  ]);
  const problems = edge.addBuckets([
    {
      name: 'uploads',
      readable: false,
      cors: [
        {
          allowedOrigins: ['http://page.example'],
          allowedMethods: ['PUT', 'POST'],
          allowedHeaders: ['content-type'],
          exposedHeaders: ['ETag'],
        },
      ],
      notifications: [
        { id: 'n', events: ['s3:ObjectCreated:*'], queueArn: arn('work'), prefix: 'incoming/', suffix: '' },
        { id: 'r', events: ['s3:ObjectRemoved:*'], queueArn: arn('work'), prefix: '', suffix: '' },
      ],
    },
    { name: 'media', readable: true, cors: [], notifications: [] },
  ]);
  const refused = edge.addBuckets([
    {
      name: 'other',
      readable: false,
      cors: [],
      notifications: [{ id: 'x', events: ['s3:ObjectCreated:*'], queueArn: arn('plain'), prefix: '', suffix: '' }],
    },
  ]);
  process.on('message', ({ faults: change }: { faults: object }) => {
    faults.settings = { ...faults.settings, ...change };
    process.send?.({ ok: true });
  });
  process.on('disconnect', () => void Promise.all([server.close(), emulator.stop()]).then(() => process.exit(0)));
  process.send?.({
    url: server.url,
    problems,
    refused,
    admin: principals.credentialsOf({ role: undefined, roleArn: undefined, session: 'admin' }),
    reader: principals.credentialsOf({
      role: 'Reader',
      roleArn: `arn:aws:iam::${ACCOUNT}:role/Reader`,
      session: 'i-1',
    }),
  });
}

void main();
