/**
 * The gates that a package must pass before it is published. Run after `npm run build`:
 *
 *     npm run check:package               all
 *     npm run check:package -- api jsii   some
 */
import { api } from './checks/api';
import { awslint } from './checks/awslint';
import { type Check } from './checks/check';
import { floor } from './checks/floor';
import { installed } from './checks/installed';
import { jsii } from './checks/jsii';
import { publint } from './checks/publint';
import { reference } from './checks/reference';
import { tarball } from './checks/tarball';
import { template } from './checks/template';
import { types } from './checks/types';

const CHECKS: readonly Check[] = [jsii, awslint, api, reference, tarball, publint, types, installed, floor, template];

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0) {
    throw new Error(`no such check: ${unknown.join(', ')}; there are ${CHECKS.map(({ name }) => name).join(', ')}`);
  }
  for (const check of CHECKS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const began = performance.now();
    const notes: string[] = [];
    const findings = await check.run((text) => notes.push(text));
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${findings.length === 0 ? 'ok  ' : 'FAIL'} ${check.name.padEnd(9)} ${check.about} (${seconds} s)`);
    for (const note of notes) console.log(`       ${note}`);
    for (const finding of findings) console.log(`     - ${finding}`);
    if (findings.length > 0) process.exitCode = 1;
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
