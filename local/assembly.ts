/** From an app, a directory or a template file to one template with its assets. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Template, type TemplateValues } from '../sim/template';
import { LocalRunError } from './errors';

/** A template that can be run: parsed, with its assets' directories. */
export interface LocalAssembly {
  readonly template: Template;
  readonly stackName: string;
  readonly region: string;
  readonly account: string;
  /** Directory or file of an asset, absolute; undefined for a hash that the assembly does not have. */
  assetPath(hash: string): string | undefined;
  /** Removes what synthesis wrote. */
  dispose(): void;
}

/** Account of everything in a local run whose app names none. */
export const LOCAL_ACCOUNT = '000000000000';

/** Region of everything in a local run whose app names none. */
export const LOCAL_REGION = 'us-east-1';

/** How an app is synthesized; tests replace it. */
export type Synthesize = (
  command: string,
  outputDirectory: string,
  context: Readonly<Record<string, string>>,
) => Promise<void>;

/** How a template is found. */
export interface OpenOptions {
  /** Needed when several stacks have a queue. */
  readonly stackName?: string | undefined;
  /** Context of the app besides that of `cdk.json`. */
  readonly context?: Readonly<Record<string, string>>;
  readonly synthesize?: Synthesize;
}

/**
 * Finds the template to run.
 *
 * @param source app command, cloud assembly directory or template file; undefined takes the app of `cdk.json`
 * @throws LocalRunError when there is no such thing, or it cannot be synthesized
 */
export async function openAssembly(source: string | undefined, options: OpenOptions = {}): Promise<LocalAssembly> {
  const { stackName, context = {}, synthesize = runApp } = options;
  if (source !== undefined && existsSync(source)) {
    if (statSync(source).isDirectory()) return fromDirectory(path.resolve(source), stackName, () => undefined);
    if (source.endsWith('.json')) return fromTemplateFile(path.resolve(source));
  }
  if (source !== undefined && /\.json$/.test(source) && !/\s/.test(source)) {
    throw new LocalRunError(`template ${source} does not exist: write it with \`cdk synth\`, or pass an app command`);
  }
  const command = source ?? appOfCdkJson();
  const directory = mkdtempSync(path.join(tmpdir(), 'queue-fleet-'));
  const dispose = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    await synthesize(command, directory, context);
    if (!existsSync(path.join(directory, 'manifest.json'))) {
      throw new LocalRunError(`\`${command}\` wrote no cloud assembly: is it a CDK app that calls app.synth()?`);
    }
    return fromDirectory(directory, stackName, dispose);
  } catch (error) {
    dispose();
    throw error;
  }
}

function appOfCdkJson(): string {
  const file = path.resolve('cdk.json');
  const missing = `no app to run: pass an app command, a template or a cloud assembly, or start where a cdk.json names an "app"`;
  if (!existsSync(file)) throw new LocalRunError(missing);
  const { app } = readJson(file) as { app?: unknown };
  if (typeof app !== 'string') throw new LocalRunError(missing);
  return app;
}

async function runApp(
  command: string,
  outputDirectory: string,
  context: Readonly<Record<string, string>>,
): Promise<void> {
  const ofFile = existsSync('cdk.json') ? (readJson('cdk.json') as { context?: object }).context : undefined;
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      CDK_OUTDIR: outputDirectory,
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify({
        ...ofFile,
        ...context,
        'aws:cdk:enable-path-metadata': true,
        'cdk-queue-fleet:local': 'true',
      }),
    },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return;
  const told = stderr.trim().split('\n');
  const reason =
    told.find((line) => /^\w*Error\b.*: /.test(line)) ?? told.find((line) => /error/i.test(line)) ?? told.at(-1);
  // What an app says in one line needs no repetition below it.
  const details = told.length > 1 ? `\n${stderr.trim()}` : '';
  throw new LocalRunError(`the app \`${command}\` failed with code ${code}: ${(reason ?? '').trim()}${details}`);
}

interface Manifest {
  readonly artifacts?: Readonly<
    Record<string, { type: string; environment?: string; displayName?: string; properties?: ArtifactProperties }>
  >;
}

interface ArtifactProperties {
  readonly templateFile?: string;
  readonly directoryName?: string;
  readonly stackName?: string;
}

interface StackFile {
  readonly name: string;
  readonly directory: string;
  readonly file: string;
  readonly environment: string;
}

function stacksOf(directory: string): readonly StackFile[] {
  const manifest = readJson(path.join(directory, 'manifest.json')) as Manifest;
  return Object.entries(manifest.artifacts ?? {}).flatMap(([id, { type, environment, properties }]) => {
    if (type === 'cdk:cloud-assembly' && properties?.directoryName !== undefined) {
      return stacksOf(path.join(directory, properties.directoryName));
    }
    if (type !== 'aws:cloudformation:stack' || properties?.templateFile === undefined) return [];
    const name = properties.stackName ?? id;
    return [{ name, directory, file: properties.templateFile, environment: environment ?? '' }];
  });
}

function fromDirectory(directory: string, stackName: string | undefined, dispose: () => void): LocalAssembly {
  if (!existsSync(path.join(directory, 'manifest.json'))) {
    throw new LocalRunError(`${directory} is no cloud assembly: it has no manifest.json; write one with \`cdk synth\``);
  }
  const stacks = stacksOf(directory);
  const opened = stacks
    .filter(({ name }) => stackName === undefined || name === stackName)
    .map((stack) => {
      const [, account = '', region = ''] = /^aws:\/\/([^/]+)\/(.+)$/.exec(stack.environment) ?? [];
      return open(path.join(stack.directory, stack.file), {
        stackName: stack.name,
        account: /^\d{12}$/.test(account) ? account : LOCAL_ACCOUNT,
        region: region.startsWith('unknown') || region === '' ? LOCAL_REGION : region,
        dispose,
      });
    });
  if (opened.length === 0 && stackName !== undefined) {
    const names = stacks.map(({ name }) => name).join(', ') || 'no stack';
    throw new LocalRunError(`there is no stack '${stackName}' in ${directory}: it has ${names}`);
  }
  const withQueue = opened.filter(({ template }) => template.ofType('AWS::SQS::Queue').length > 0);
  if (withQueue.length > 1) {
    const names = withQueue.map((assembly) => assembly.stackName).join(', ');
    throw new LocalRunError(`several stacks have a queue (${names}): choose one with --stack`);
  }
  const [found] = withQueue;
  if (found) return found;
  throw noQueue(opened.map(({ template }) => template.file).join(', ') || directory);
}

function fromTemplateFile(file: string): LocalAssembly {
  const manifest = path.join(path.dirname(file), 'manifest.json');
  const stack = existsSync(manifest)
    ? stacksOf(path.dirname(file)).find((candidate) => path.resolve(candidate.directory, candidate.file) === file)
    : undefined;
  if (stack) return fromDirectory(path.dirname(file), stack.name, () => undefined);
  const stackName = path.basename(file).replace(/(\.template)?\.json$/, '');
  const assembly = open(file, { stackName, account: LOCAL_ACCOUNT, region: LOCAL_REGION, dispose: () => undefined });
  if (assembly.template.ofType('AWS::SQS::Queue').length === 0) throw noQueue(file);
  return assembly;
}

function noQueue(where: string): LocalRunError {
  return new LocalRunError(`${where} has no queue (AWS::SQS::Queue): nothing to run; add a WorkQueue or a QueueFleet`);
}

function open(file: string, stack: Pick<LocalAssembly, 'stackName' | 'account' | 'region' | 'dispose'>): LocalAssembly {
  const values: TemplateValues = {
    pseudo: {
      'AWS::AccountId': stack.account,
      'AWS::Partition': 'aws',
      'AWS::Region': stack.region,
      'AWS::StackId': `arn:aws:cloudformation:${stack.region}:${stack.account}:stack/${stack.stackName}/local`,
      'AWS::StackName': stack.stackName,
      'AWS::URLSuffix': 'amazonaws.com',
    },
    // CDK's version check parameter; nothing reads its value here.
    parameters: { BootstrapVersion: '21' },
  };
  const template = Template.parse(readFileSync(file, 'utf8'), path.basename(file), values);
  const directory = path.dirname(file);
  const manifestFile = path.join(directory, `${path.basename(file).replace(/\.template\.json$/, '')}.assets.json`);
  const files = existsSync(manifestFile)
    ? ((readJson(manifestFile) as { files?: Record<string, { source: { path: string } }> }).files ?? {})
    : {};
  return {
    ...stack,
    template,
    assetPath: (hash) => {
      const candidates = [files[hash]?.source.path, `asset.${hash}`].filter((name) => name !== undefined);
      return candidates.map((name) => path.resolve(directory, name)).find((candidate) => existsSync(candidate));
    },
  };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new LocalRunError(`${file} is not JSON: ${(error as Error).message}`);
  }
}
