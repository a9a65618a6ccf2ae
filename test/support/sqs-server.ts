import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SQSClient } from '@aws-sdk/client-sqs';

/** An SQS emulation in a process of its own: its package is ESM only, and jest's modules are not. */
export interface SqsServer {
  readonly endpoint: string;
  readonly client: SQSClient;
  /** Environment of a process that is to use this server as AWS. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const SCRIPT = `
import { startFauxqs } from 'fauxqs';
const server = await startFauxqs({ port: 0, logger: false });
console.log(server.port);
process.stdin.resume().on('end', () => process.exit());
`;

/** Starts it on a free port of 127.0.0.1; it ends with this process. */
export async function startSqsServer(): Promise<SqsServer> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const port = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the SQS emulation ended with ${code}`)));
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const environment = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SQS: endpoint,
  };
  const client = new SQSClient({
    endpoint,
    useQueueUrlAsEndpoint: false,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return {
    endpoint,
    client,
    environment,
    close: async () => {
      client.destroy();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await ended;
    },
  };
}
