import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Credentials } from '../../../local/edge/principals';

/** The running edge and clients for it. */
export interface EdgeHost {
  readonly url: string;
  readonly problems: readonly string[];
  readonly refused: readonly string[];
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly reader: { readonly s3: S3Client; readonly sqs: SQSClient };
  queueUrl(name: string): string;
  setFaults(change: object): Promise<void>;
  stop(): Promise<void>;
}

/** Starts `edge-host.ts`. */
export async function startEdgeHost(dataDir?: string): Promise<EdgeHost> {
  const child: ChildProcess = fork(path.join(__dirname, 'edge-host.ts'), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...(dataDir !== undefined && { EDGE_DATA_DIR: dataDir }) },
  });
  const message = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      child.once('message', (value) => resolve(value as T));
      child.once('exit', (code) => reject(new Error(`the edge host ended with code ${String(code)}`)));
    });
  const { url, problems, refused, admin, reader } = await message<
    Pick<EdgeHost, 'url' | 'problems' | 'refused'> & { admin: Credentials; reader: Credentials }
  >();
  const clients = (credentials: Credentials) => {
    const config = { endpoint: url, region: 'us-east-1', credentials, maxAttempts: 1 };
    return { s3: new S3Client(config), sqs: new SQSClient(config) };
  };
  return {
    url,
    problems,
    refused,
    ...clients(admin),
    reader: clients(reader),
    queueUrl: (name) => `${url}/000000000000/${name}`,
    setFaults: async (change) => {
      child.send({ faults: change });
      await message();
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.disconnect();
      }),
  };
}
