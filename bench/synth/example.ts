import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

/** Rounds of the two apps, one after the other, so that a busy machine slows both down. */
const ROUNDS = 7;
const MAX_SECONDS = 3;
const MAX_RATIO = 1.3;

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string }>>;
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly [section: string]: unknown;
}

/** Wall-clock milliseconds of a whole process that synthesizes into `outdir`. */
function synthMs(file: string, outdir: string, env: NodeJS.ProcessEnv): number {
  rmSync(outdir, { recursive: true, force: true });
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', join(ROOT, file)], {
    cwd: ROOT,
    env: { ...process.env, ...env, CDK_OUTDIR: outdir },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${file} ended with ${status}: ${stderr}`);
  return performance.now() - began;
}

const templateIn = (outdir: string): Template =>
  JSON.parse(readFileSync(join(outdir, 'VideoUpload.template.json'), 'utf8')) as Template;

/** What {@link measureExample} found; milliseconds. */
export interface ExampleTimes {
  /** The app of cdk.json, with cdk-nag. */
  readonly appMs: readonly number[];
  /** Its stack alone. */
  readonly oursMs: readonly number[];
  readonly bareMs: readonly number[];
  readonly resources: number;
}

/**
 * Times the worked example as `queue-fleet local` synthesizes it at each change, without CDK's validation; its stack alone; and
 * an app that has the same resources as L1s (bench/synth/bare-app.ts).
 */
export function measureExample(): ExampleTimes {
  const directory = mkdtempSync(join(tmpdir(), 'synth-bench-'));
  try {
    const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: object };
    const env = {
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, 'cdk-queue-fleet:local': 'true' }),
    };
    const [oursOut, bareOut, first] = ['ours', 'bare', 'first'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    const app = (): number => synthMs('bin/video-upload.ts', oursOut, env);
    const ours = (): number => synthMs('bench/synth/example-app.ts', oursOut, env);
    synthMs('bench/synth/example-app.ts', first, env);
    const bareEnv = { ...env, ...bareInputs(first, directory) };
    const bare = (): number => synthMs('bench/synth/bare-app.ts', bareOut, bareEnv);
    app();
    bare();
    const times = { appMs: [] as number[], oursMs: [] as number[], bareMs: [] as number[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      times.appMs.push(app());
      times.bareMs.push(bare());
      times.oursMs.push(ours());
    }
    const [made, read] = [oursOut, bareOut].map((outdir) =>
      Object.entries(templateIn(outdir).Resources)
        .map(([id, { Type }]) => `${id} ${Type}`)
        .filter((line) => !line.endsWith('AWS::CDK::Metadata'))
        .sort(),
    ) as [string[], string[]];
    if (made.join() !== read.join()) throw new Error('the two apps have different resources');
    return { ...times, resources: made.length };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The template without what each stack adds of itself, and the assets that are copied, not bundled. */
function bareInputs(outdir: string, directory: string): NodeJS.ProcessEnv {
  const { Resources, Parameters = {}, Outputs, Mappings, Conditions } = templateIn(outdir);
  const parameters = Object.fromEntries(Object.entries(Parameters).filter(([name]) => name !== 'BootstrapVersion'));
  const resources = Object.fromEntries(
    Object.entries(Resources).filter(([, { Type }]) => Type !== 'AWS::CDK::Metadata'),
  );
  const file = join(directory, 'template.json');
  writeFileSync(file, JSON.stringify({ Resources: resources, Parameters: parameters, Outputs, Mappings, Conditions }));
  const copied = readdirSync(outdir).filter((name) => name.startsWith('asset.') && !isBundle(join(outdir, name)));
  return {
    BARE_TEMPLATE: file,
    BARE_ASSETS: copied.map((name) => join(outdir, name)).join(':'),
  };
}

/** Bundles of ours: the worker, the function of the API, the page. */
function isBundle(path: string): boolean {
  if (path.endsWith('.zip')) return false;
  return readdirSync(path).some((file) => ['worker.js', 'index.mjs', 'index.html'].includes(file));
}

/** What must hold of the medians. */
export function judge(appMs: number, oursMs: number, bareMs: number): string[] {
  return [
    ...(appMs > MAX_SECONDS * 1000 ? [`more than ${MAX_SECONDS} s`] : []),
    ...(oursMs / bareMs > MAX_RATIO ? [`more than ${MAX_RATIO} times the bare app`] : []),
  ];
}
