import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { WorkQueue } from '../lib';
import { judge, measureExample } from './synth/example';

/**
 * Time to synthesize 100 WorkQueues, compared with 100 hand-written groups of queue, dead-letter queue and key that
 * deploy the same thing. Rounds alternate, so that a busy machine slows both down. Prints milliseconds and the ratio.
 */
const QUEUES = 100;
const ROUNDS = 9;

/** What a careful author writes by hand for the same security: key, TLS on both queues, dead-letter queue. */
function handWritten(stack: Stack, id: string): void {
  const scope = new Construct(stack, id);
  const encryptionMasterKey = new kms.Key(scope, 'Key', { enableKeyRotation: true });
  const common: sqs.QueueProps = {
    encryption: sqs.QueueEncryption.KMS,
    encryptionMasterKey,
    enforceSSL: true,
    receiveMessageWaitTime: Duration.seconds(20),
  };
  const queue = new sqs.Queue(scope, 'DeadLetterQueue', { ...common, retentionPeriod: Duration.days(14) });
  new sqs.Queue(scope, 'Queue', { ...common, deadLetterQueue: { queue, maxReceiveCount: 3 } });
}

function synthMs(add: (stack: Stack, id: string) => void): number {
  const outdir = mkdtempSync(join(tmpdir(), 'synth-bench-'));
  try {
    const start = performance.now();
    const app = new App({ outdir, analyticsReporting: false });
    const stack = new Stack(app, 'Bench');
    for (let index = 0; index < QUEUES; index += 1) add(stack, `Jobs${index}`);
    app.synth();
    return performance.now() - start;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

// CDK's template validation costs the same for both and more than either: it would hide the difference.
process.env['CDK_VALIDATION'] = 'false';
const ours: number[] = [];
const theirs: number[] = [];
synthMs(handWritten);
synthMs((stack, id) => void new WorkQueue(stack, id));
for (let round = 0; round < ROUNDS; round += 1) {
  theirs.push(synthMs(handWritten));
  ours.push(synthMs((stack, id) => void new WorkQueue(stack, id)));
}
const [oursMs, theirsMs] = [median(ours), median(theirs)];
console.log(`synth of ${QUEUES} queues, median of ${ROUNDS} rounds`);
console.log(`  WorkQueue     ${oursMs.toFixed(0)} ms`);
console.log(`  hand-written  ${theirsMs.toFixed(0)} ms`);
console.log(`  ratio         ${(oursMs / theirsMs).toFixed(2)} (at most 1.50)`);
if (oursMs / theirsMs > 1.5) process.exitCode = 1;

const example = measureExample();
const [appMs, stackMs, bareMs] = [median(example.appMs), median(example.oursMs), median(example.bareMs)];
const problems = judge(appMs, stackMs, bareMs);
console.log(
  `synth of the worked example, ${example.resources} resources, a process each, median of ${example.appMs.length} rounds`,
);
console.log(`  with cdk-nag  ${appMs.toFixed(0)} ms (at most 3000)`);
console.log(`  the stack     ${stackMs.toFixed(0)} ms`);
console.log(`  the same L1s  ${bareMs.toFixed(0)} ms`);
console.log(`  ratio         ${(stackMs / bareMs).toFixed(2)} (at most 1.30)`);
for (const problem of problems) console.log(`  ${problem}`);
if (problems.length > 0) process.exitCode = 1;
