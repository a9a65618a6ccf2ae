import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, runWell } from '../../scripts/checks/check';
import { pinned } from './languages';

/** What a reader of README.md may have to wait for the first template, after the install. */
const MAX_SECONDS = 30;

/** A fenced block of the section. */
interface Block {
  readonly language: string;
  readonly code: string;
}

/**
 * Does what the quick start of README.md says, in an empty directory: its files, its commands. Instead of the published
 * package the packed one is installed, the others in the versions of this checkout; nothing is deployed.
 *
 * @returns what was measured
 */
export function quickStart(folder: string, tarball: string): string {
  const blocks = quickStartBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  const [app, handler] = blocks.filter(({ language }) => language === 'ts');
  const config = blocks.find(({ language }) => language === 'json');
  const [install, use] = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code.trim().split('\n'));
  const [, entry] = /fromModule\('([^']+)'\)/.exec(app?.code ?? '') ?? [];
  const synthesize = use?.filter((command) => !/\bcdk deploy\b/.test(command)) ?? [];
  if (!app || !handler || !config || entry === undefined || !install || synthesize.length === 0)
    throw new Error('the quick start of README.md is not an app, a handler, cdk.json, an install and a synth any more');
  mkdirSync(dirname(join(folder, entry)), { recursive: true });
  writeFileSync(join(folder, 'app.ts'), app.code);
  writeFileSync(join(folder, entry), handler.code);
  writeFileSync(join(folder, 'cdk.json'), config.code);

  const installing = performance.now();
  for (const command of install) runWell('sh', ['-c', substituted(command, tarball)], folder);
  const installed = (performance.now() - installing) / 1000;
  const synthesizing = performance.now();
  for (const command of synthesize) runWell('sh', ['-c', command], folder);
  const synthesized = (performance.now() - synthesizing) / 1000;

  const template = readFileSync(join(folder, 'cdk.out/Thumbnails.template.json'), 'utf8');
  const resources = Object.keys((JSON.parse(template) as { Resources: object }).Resources).length;
  if (synthesized > MAX_SECONDS) throw new Error(`the quick start took ${synthesized} s to synthesize`);
  const lines = app.code.trim().split('\n').length;
  return (
    `${lines} lines, installed in ${installed.toFixed(1)} s, ` +
    `synthesized with validation in ${synthesized.toFixed(1)} s (at most ${MAX_SECONDS}): ${resources} resources`
  );
}

function quickStartBlocks(readme: string): Block[] {
  const [, section = ''] = /^## Quick start\n([^]*?)^## /m.exec(readme) ?? [];
  return [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language = '', code = '']) => ({ language, code }));
}

/** An install command with what is there instead of what would be published. */
function substituted(command: string, tarball: string): string {
  return command
    .split(' ')
    .map((word) => {
      if (word === 'cdk-queue-fleet') return tarball;
      const [, name] = /^(aws-cdk|aws-cdk-lib|constructs|esbuild|tsx)(@.*)?$/.exec(word) ?? [];
      return name === undefined ? word : pinned(name);
    })
    .join(' ');
}
