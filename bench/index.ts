/**
 * Runs the benchmarks one after the other, each in a process of its own: `npm run bench` for all, `npm run bench producer`
 * for some. Numbers are ratios of things measured side by side in one run; quote those, not the seconds.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const available = readdirSync(__dirname)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace('.bench.ts', ''));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !available.includes(name));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there are ${available.join(', ')}`);
  process.exit(1);
}

let failed = 0;
for (const name of wanted.length > 0 ? wanted : available) {
  console.log(`\n=== ${name}`);
  const file = join(__dirname, `${name}.bench.ts`);
  // The heap measurement needs to collect garbage on demand; it does no harm to the others.
  const { status } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', file], { stdio: 'inherit' });
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
