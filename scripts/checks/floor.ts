import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as lib from '../../lib';
import { codeBlocksIn, moduleOf } from '../../test/support/code-blocks';
import { type Check, ROOT, run, runWell } from './check';
import { pack } from './packed';

/** The page whose first block is a whole fleet. */
const PAGE = 'docs/queue-fleet.md';

const DRIVER = `
import { App } from 'aws-cdk-lib';
import { Example } from './example.js';
const app = new App();
new Example(app, 'QuickStart').build();
app.synth();
`;

/** Whether the oldest CDK that the peer range admits has all that the constructs use. */
export const floor: Check = {
  name: 'floor',
  about: 'a fleet with the oldest CDK of the peer range',
  run: (note) => {
    const { peerDependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      peerDependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const oldest = Object.entries(peerDependencies).map(([name, range]) => `${name}@${range.replace(/^\^/, '')}`);
    // What the page tells its reader to have besides: esbuild for `fromModule`, and here something that runs TypeScript.
    const tools = ['esbuild', 'tsx'].map((name) => `${name}@${devDependencies[name]}`);
    const project = mkdtempSync(join(tmpdir(), 'queue-fleet-floor-'));
    try {
      writeFileSync(join(project, 'package.json'), '{ "name": "floor", "private": true }');
      const [block] = codeBlocksIn(PAGE, readFileSync(join(ROOT, PAGE), 'utf8'));
      writeFileSync(join(project, 'example.ts'), moduleOf(block?.code ?? '', Object.keys(lib)));
      writeFileSync(join(project, 'app.ts'), DRIVER);
      mkdirSync(join(project, 'src'));
      writeFileSync(join(project, 'src/transcode.ts'), 'export const handler = async (): Promise<void> => {};\n');
      runWell('npm', ['install', '--no-audit', '--no-fund', pack().tarball, ...oldest, ...tools], project);
      const began = performance.now();
      const { status, stderr } = run(join(project, 'node_modules/.bin/tsx'), ['app.ts'], project, {
        CDK_OUTDIR: join(project, 'cdk.out'),
        CDK_VALIDATION: 'false',
      });
      note(`${oldest.join(', ')}: synthesized in ${((performance.now() - began) / 1000).toFixed(1)} s`);
      return status === 0 ? [] : [`${oldest.join(', ')}: ${stderr.trim()}`];
    } finally {
      rmSync(project, { recursive: true });
    }
  },
};
