import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REGION, ROOT } from './moto-server';

/** Runs the real CDK command line. @returns its output. @throws Error with the output, when it fails. */
export function runCdk(args: readonly string[], endpoint?: string): string {
  const cli = join(ROOT, 'node_modules/aws-cdk/bin/cdk');
  const done = spawnSync(process.execPath, [cli, ...args, '--no-notices'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: {
      ...process.env,
      ...(endpoint !== undefined && { AWS_ENDPOINT_URL: endpoint }),
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_VALIDATION: 'false',
      CDK_DISABLE_CLI_TELEMETRY: '1',
    },
  });
  const output = `${done.stdout}${done.stderr}`;
  if (done.status !== 0) throw new Error(`cdk ${args.join(' ')} ended with ${done.status}:\n${output}`);
  return output;
}
