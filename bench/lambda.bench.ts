import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { lambdaBundle } from '../video/bundle';

/**
 * The example's upload function: size of its bundle, and the time that a fresh Node.js takes to load it. That is the part of a
 * cold start which the code decides; the rest (sandbox, runtime) is AWS's and not measured here.
 */
const ROUNDS = 15;
const folder = mkdtempSync(join(tmpdir(), 'queue-fleet-lambda-'));
try {
  lambdaBundle(resolve(__dirname, '../lambda/uploads.ts')).local?.tryBundle(folder, lambdaBundle(''));
  const file = join(folder, 'index.mjs');
  const script = `const t = performance.now(); import(${JSON.stringify(file)}).then(() => console.log(performance.now() - t));`;
  const times = Array.from({ length: ROUNDS }, () =>
    Number(
      execFileSync(process.execPath, ['-e', script], {
        env: { ...process.env, AWS_REGION: 'eu-west-1', UPLOADS_BUCKET: 'uploads', MEDIA_BUCKET: 'media' },
      }),
    ),
  );
  times.sort((a, b) => a - b);
  const bundle = readFileSync(file);
  console.log(
    `upload function: ${(bundle.length / 1000).toFixed(0)} kB, ${(gzipSync(bundle).length / 1000).toFixed(0)} kB compressed`,
  );
  console.log(
    `loaded in ${times[ROUNDS >> 1]?.toFixed(0)} ms (median of ${ROUNDS}, ${times[0]?.toFixed(0)} to ${times[ROUNDS - 1]?.toFixed(0)} ms)`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
