import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './check';

/** One finding of cfn-lint. */
export interface LintFinding {
  /** For example `E3016`. */
  readonly rule: string;
  /** Where in the template, for example `Resources/Group/UpdatePolicy`. */
  readonly path: string;
}

/** The version that scripts/requirements.txt names: others know other properties of CloudFormation. */
const WANTED = /^cfn-lint==(\S+)$/m.exec(readFileSync(join(ROOT, 'scripts/requirements.txt'), 'utf8'))?.[1] ?? '';

let found: { readonly program?: string; readonly missing?: string } | undefined;

/** The program, from `tmp/venv` or the path. */
function find(): { readonly program?: string; readonly missing?: string } {
  const own = join(ROOT, 'tmp/venv/bin/cfn-lint');
  const program = existsSync(own) ? own : 'cfn-lint';
  const { stdout, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const version = error === undefined ? stdout.trim().replace(/^cfn-lint /, '') : '';
  if (version === WANTED) return { program };
  const there = version === '' ? 'it is not on this machine' : `version ${version} is on this machine`;
  const install = 'python3 -m venv tmp/venv && tmp/venv/bin/pip install -r scripts/requirements.txt';
  return { missing: `SKIPPED cfn-lint ${WANTED}: ${there} (${install})` };
}

/** Why cfn-lint cannot be run, if it cannot. */
export function cfnLintMissing(): string | undefined {
  found ??= find();
  return found.missing;
}

/** What cfn-lint says of a template's file. */
export function cfnLint(file: string): LintFinding[] {
  found ??= find();
  if (found.program === undefined) throw new Error(found.missing);
  const { stdout, stderr } = spawnSync(found.program, ['--format', 'json', file], { encoding: 'utf8' });
  if (stdout === '') throw new Error(`cfn-lint did not run: ${stderr}`);
  const matches = JSON.parse(stdout) as ReadonlyArray<{
    readonly Rule: { readonly Id: string };
    readonly Location: { readonly Path: readonly unknown[] | null };
  }>;
  return matches.map(({ Rule, Location }) => ({ rule: Rule.Id, path: (Location.Path ?? []).join('/') }));
}
