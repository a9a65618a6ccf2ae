import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Check, run, runWell } from './check';
import { pack } from './packed';

const PROGRAM = '@arethetypeswrong/cli@0.18.5';

/** It reads the tarball as each kind of TypeScript project would; it is no dependency, to keep its own TypeScript out of here. */
export const types: Check = {
  name: 'types',
  about: 'declarations under node10, node16 and bundler resolution',
  run: (note) => {
    const project = mkdtempSync(join(tmpdir(), 'queue-fleet-types-'));
    try {
      writeFileSync(join(project, 'package.json'), '{ "name": "types", "private": true }');
      runWell('npm', ['install', '--no-audit', '--no-fund', PROGRAM], project);
      // jsii's assembly is an entry point without a file name extension, for tools that read it.
      const options = ['--format', 'json', '--exclude-entrypoints', './.jsii'];
      const { stdout, stderr } = run(join(project, 'node_modules/.bin/attw'), [pack().tarball, ...options], project);
      if (!stdout.startsWith('{')) return [`attw did not run: ${stdout}${stderr}`];
      const { analysis } = JSON.parse(stdout) as {
        analysis: {
          entrypoints: Record<string, { resolutions: object }>;
          problems: ReadonlyArray<{ kind: string; entrypoint?: string; resolutionKind?: string }>;
        };
      };
      const asked = Object.entries(analysis.entrypoints).map(
        ([name, { resolutions }]) => `${name} in ${Object.keys(resolutions).length} ways`,
      );
      note(asked.join(', '));
      return analysis.problems.map(({ kind, entrypoint, resolutionKind }) => `${kind} ${entrypoint} ${resolutionKind}`);
    } finally {
      rmSync(project, { recursive: true });
    }
  },
};
