/**
 * Packs the package as users get it and synthesizes the same app in each language from it, with the oldest CDK that it
 * admits, in folders outside of the checkout.
 *
 * Usage: tsx test/consumers/consumers.ts [typescript] [python] [java] [go] [dotnet]
 * Run after `npm run build`. A language whose tools are not on this machine is skipped with a line that says so. TypeScript
 * always runs: its template is what the others must give, byte for byte, hashes of assets included. With it goes the quick
 * start of README.md.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyDirectory, runWell } from '../../scripts/checks/check';
import { Staging } from '../../scripts/packages';
import { fileIn, type Language, LANGUAGES, pinned } from './languages';
import { quickStart } from './quick-start';

const APPS = __dirname;
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Synthesizes the app of one language; returns its template. */
function synthesize(language: Language, work: string, packed: string): string {
  const folder = join(work, language.name);
  cpSync(join(APPS, language.name), folder, { recursive: true });
  cpSync(join(APPS, 'shared'), folder, { recursive: true });
  // What `fromModule` needs besides the package, in any language.
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }\n');
  runWell('npm', ['install', '--no-audit', '--no-fund', pinned('esbuild')], folder);
  const installing = performance.now();
  language.install(folder, packed);
  const installed = seconds(installing);
  const synthesizing = performance.now();
  const outdir = join(folder, 'cdk.out');
  language.synthesize(folder, { CDK_OUTDIR: outdir, CDK_VALIDATION: 'false' });
  console.log(`${language.name.padEnd(11)} installed in ${installed}, synthesized in ${seconds(synthesizing)}`);
  return readFileSync(join(outdir, 'Consumer.template.json'), 'utf8');
}

/** What package managers say of a registry that cannot be asked; a package that is not there is another matter. */
const UNREACHABLE =
  /.*(403 Forbidden|Could not transfer artifact|dial tcp|i\/o timeout|Network is unreachable|Max retries exceeded|ENOTFOUND|ECONNREFUSED|ETIMEDOUT).*/;

/** Nothing, and a line that says so, when a registry cannot be reached: that is no fault of the package. */
function attempt<T>({ name }: Language, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const [line] = UNREACHABLE.exec(error instanceof Error ? error.message : '') ?? [];
    if (line === undefined) throw error;
    console.log(`SKIPPED ${name}: its registry does not answer: ${line.trim()}`);
    return undefined;
  }
}

/** Compiling .NET needs its SDK; what is asked here is only that the sources can be made. */
function generateDotnet(staging: Staging, packed: string): void {
  const began = performance.now();
  staging.make('dotnet', packed, { codeOnly: true });
  const sources = readdirSync(join(packed, 'dotnet'), { recursive: true }).filter((file) =>
    String(file).endsWith('.cs'),
  );
  if (!sources.some((file) => String(file).endsWith('/QueueFleet.cs'))) throw new Error('dotnet has no QueueFleet.cs');
  console.log(`dotnet      ${sources.length} source files in ${seconds(began)}; not compiled`);
}

function main(names: readonly string[]): void {
  const known = [...LANGUAGES.map(({ name }) => name), 'dotnet'];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no such language: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  const wanted = (name: string): boolean => names.length === 0 || name === 'typescript' || names.includes(name);
  const differing = emptyDirectory('consumers');
  const work = mkdtempSync(join(tmpdir(), 'queue-fleet-consumers-'));
  const packed = join(work, 'packed');
  mkdirSync(packed);
  const staging = new Staging();
  try {
    let reference: string | undefined;
    const compared: string[] = [];
    for (const language of LANGUAGES.filter(({ name }) => wanted(name))) {
      const missing = language.missing();
      if (missing !== undefined) {
        console.log(`SKIPPED ${language.name}: ${missing} is not on this machine`);
        continue;
      }
      const template = attempt(language, () => {
        const began = performance.now();
        staging.make(language.target, packed);
        console.log(`${language.name.padEnd(11)} packed in ${seconds(began)}`);
        return synthesize(language, work, join(packed, language.target));
      });
      if (template === undefined) continue;
      if (language.target === 'js') {
        const folder = join(work, 'quick-start');
        mkdirSync(folder);
        console.log(`README.md   ${quickStart(folder, fileIn(join(packed, 'js'), '.tgz'))}`);
      }
      reference ??= template;
      compared.push(language.name);
      if (template !== reference) {
        writeFileSync(join(differing, 'typescript.json'), reference);
        writeFileSync(join(differing, `${language.name}.json`), template);
        throw new Error(`${language.name} gives another template than TypeScript: compare ${differing}/*.json`);
      }
    }
    if (wanted('dotnet')) generateDotnet(staging, packed);
    console.log(`the same ${reference?.length} characters of template from ${compared.join(', ')}`);
  } finally {
    staging.remove();
    rmSync(work, { recursive: true });
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
