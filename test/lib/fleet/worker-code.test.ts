import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { WorkerCode, WorkerFleet, WorkQueue } from '../../../lib';
import { writeWorkerAsset } from '../../../lib/private/worker-bundle';
import { WORKER_ENV, WORKER_METADATA_KEY, type WorkerMetadata } from '../../../worker/contract';

const FIXTURES = join(__dirname, 'fixtures');
const directories: string[] = [];

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'queue-fleet-code-'));
  directories.push(directory);
  return directory;
}
afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true })));

/** Synthesizes a fleet; returns the worker's metadata, the asset's directory and the text of the boot script. */
function synth(code: WorkerCode | ((stack: Stack) => WorkerCode)) {
  const app = new App({ outdir: temporary() });
  const stack = new Stack(app, 'App');
  const made = typeof code === 'function' ? code(stack) : code;
  new WorkerFleet(stack, 'Fleet', { queue: new WorkQueue(stack, 'Jobs'), code: made });
  const { directory } = app.synth();
  const template = Template.fromStack(stack);
  const [group] = Object.values(template.findResources('AWS::AutoScaling::AutoScalingGroup'));
  const metadata = group?.['Metadata'][WORKER_METADATA_KEY] as WorkerMetadata;
  const script = JSON.stringify(template.findResources('AWS::EC2::LaunchTemplate'));
  return { metadata, asset: join(directory, `asset.${metadata.assetHash}`), script, template };
}

/** A handler that throws an error of the package. */
const THROWS = `import { PermanentError } from 'cdk-queue-fleet/messaging';
export const handler = async (): Promise<void> => { throw new PermanentError('never'); };`;

/** Whether the runtime in a worker's directory knows what that handler throws. */
function sharesErrors(directory: string): boolean {
  const script = `
    const { PermanentError } = require('./worker.js').messaging;
    require('./handler.js').handler().catch((error) => console.log(error instanceof PermanentError));`;
  return execFileSync(process.execPath, ['-e', script], { cwd: directory, encoding: 'utf8' }).trim() === 'true';
}

describe('WorkerCode', () => {
  test('fromModule bundles handler and runtime into one small directory', () => {
    const { metadata, asset } = synth(WorkerCode.fromModule(join(FIXTURES, 'handler.ts')));
    expect(metadata.environment[WORKER_ENV.handler]).toBe('module:./handler.js');
    expect(readdirSync(asset).sort()).toEqual(['handler.js', 'main.js', 'worker.js']);
    const bytes = readdirSync(asset).reduce((all, name) => all + statSync(join(asset, name)).size, 0);
    expect(bytes).toBeLessThan(1_500_000);
  });

  test('the same module gives the same bytes wherever it lies', () => {
    const bytesFrom = (directory: string): string => {
      mkdirSync(directory, { recursive: true });
      const entry = join(directory, 'entry.ts');
      writeFileSync(entry, 'export const handler = async (): Promise<void> => {};');
      const output = temporary();
      writeWorkerAsset({ handlerEntry: entry, extraFiles: {} }, output);
      return readFileSync(join(output, 'worker.js'), 'utf8');
    };
    const one = bytesFrom(temporary());
    expect(bytesFrom(join(temporary(), 'deep', 'er'))).toBe(one);
    expect(one).not.toContain(tmpdir());
    expect(one).not.toContain(join(__dirname, '../../..'));
  });

  test('two modules of one directory are two assets', () => {
    const directory = temporary();
    const hashes = ['a', 'b'].map((name) => {
      const entry = join(directory, `${name}.ts`);
      writeFileSync(entry, `export const handler = async (): Promise<string> => '${name}';`);
      return synth(WorkerCode.fromModule(entry)).metadata.assetHash;
    });
    expect(new Set(hashes).size).toBe(2);
  });

  test('extraFiles travel with their modes', () => {
    const directory = temporary();
    writeFileSync(join(directory, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
    const { asset } = synth(
      WorkerCode.fromModule(join(FIXTURES, 'handler.ts'), { extraFiles: { 'bin/tool': join(directory, 'tool') } }),
    );
    expect(statSync(join(asset, 'bin/tool')).mode & 0o777).toBe(0o755);
  });

  test('a prepared handler gets the error classes of the runtime', () => {
    const { metadata, asset } = synth(WorkerCode.fromAsset(join(FIXTURES, 'prepared')));
    expect(metadata.environment[WORKER_ENV.handler]).toBe('module:./index.js');
    const script = `
      const { PermanentError } = require('./worker.js').messaging;
      require('./index.js').handler({ body: 'x' }).catch((error) => console.log(error instanceof PermanentError));`;
    expect(execFileSync(process.execPath, ['-e', script], { cwd: asset, encoding: 'utf8' }).trim()).toBe('true');
  });

  test('a handler of a module gets the error classes of the runtime', () => {
    const { asset } = synth(WorkerCode.fromModule(join(FIXTURES, 'handler.ts')));
    const script = `
      const { PermanentError } = require('./worker.js').messaging;
      require('./handler.js').handler({ body: '' }).catch((error) => console.log(error instanceof PermanentError));`;
    expect(execFileSync(process.execPath, ['-e', script], { cwd: asset, encoding: 'utf8' }).trim()).toBe('true');
  });

  test('command names a program of its directory', () => {
    const directory = temporary();
    cpSync(join(FIXTURES, 'handler.ts'), join(directory, 'handle.py'));
    const { metadata, asset } = synth(WorkerCode.command(['./handle.py', 'a "b"'], directory));
    expect(metadata.environment[WORKER_ENV.handler]).toBe('command:["./handle.py","a \\"b\\""]');
    expect(existsSync(join(asset, 'handle.py'))).toBe(true);
  });

  test('http starts the server beside the worker when it has a command', () => {
    const alone = synth(WorkerCode.http(8080, '/messages'));
    expect(alone.metadata.environment[WORKER_ENV.handler]).toBe('http:8080/messages');
    expect(alone.script).not.toContain('queue-fleet-companion');
    const accompanied = synth(WorkerCode.http(8080, '/', { command: ['python3', '-m', 'app'] }));
    expect(accompanied.script).toContain('ExecStart=\\"python3\\" \\"-m\\" \\"app\\"');
  });

  test('container pulls from ECR with rights on that repository only', () => {
    const { metadata, script, template } = synth((stack) =>
      WorkerCode.container(new ecr.Repository(stack, 'Images'), { tagOrDigest: 'v1', port: 3000, path: '/m' }),
    );
    expect(metadata.environment[WORKER_ENV.handler]).toBe('http:3000/m');
    expect(script).toContain('--network host --read-only');
    expect(script).toContain('docker');
    const policies = JSON.stringify(template.findResources('AWS::IAM::ManagedPolicy'));
    expect(policies).toContain('ecr:BatchGetImage');
    template.resourcePropertiesCountIs('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Interface' }, 9);
  });
});

describe('the worker asset from the published package', () => {
  /** The package's layout with a lib/private that was compiled, and stands alone: nothing else of the project is near. */
  function packed(runtime: string | undefined): typeof writeWorkerAsset {
    const root = temporary();
    for (const name of ['worker-bundle', 'errors']) {
      const source = readFileSync(join(__dirname, `../../../lib/private/${name}.ts`), 'utf8');
      const { code } = transformSync(source, { loader: 'ts', format: 'cjs', target: 'es2022' });
      mkdirSync(join(root, 'dist/lib/private'), { recursive: true });
      writeFileSync(join(root, `dist/lib/private/${name}.js`), code);
    }
    if (runtime !== undefined) {
      mkdirSync(join(root, 'dist/assets/worker'), { recursive: true });
      writeFileSync(join(root, 'dist/assets/worker/worker.js'), runtime);
    }
    const module = createRequire(join(root, 'index.js'))(join(root, 'dist/lib/private/worker-bundle.js')) as {
      writeWorkerAsset: typeof writeWorkerAsset;
    };
    return module.writeWorkerAsset;
  }

  test.each([
    ['a prepared handler or program', { directory: join(FIXTURES, 'prepared') }, ['index.js']],
    ['a server', {}, []],
  ])('takes the prepared runtime for %s, without esbuild', (_name, source, files) => {
    const output = temporary();
    packed('/* prepared */')({ ...source, extraFiles: {} }, output);
    expect(readFileSync(join(output, 'worker.js'), 'utf8')).toBe('/* prepared */');
    expect(readFileSync(join(output, 'main.js'), 'utf8')).toContain("require('./worker.js').main()");
    expect(readdirSync(output).sort()).toEqual([...files, 'main.js', 'node_modules', 'worker.js'].sort());
  });

  test('needs esbuild without it, and says so', () => {
    expect(() => packed(undefined)({ extraFiles: {} }, temporary())).toThrow(/EsbuildMissing/);
  });

  test('bundles a module beside the prepared runtime, whose error classes it gets', () => {
    const directory = temporary();
    symlinkSync(join(__dirname, '../../../node_modules'), join(directory, 'node_modules'));
    const handlerEntry = join(directory, 'entry.ts');
    writeFileSync(handlerEntry, THROWS);
    const output = temporary();
    packed('exports.messaging = { PermanentError: class PermanentError extends Error {} };')(
      { handlerEntry, extraFiles: {} },
      output,
    );
    expect(sharesErrors(output)).toBe(true);
  });

  test('needs esbuild to bundle a module, prepared runtime or not', () => {
    const directory = temporary();
    const handlerEntry = join(directory, 'entry.js');
    writeFileSync(handlerEntry, 'exports.handler = async () => {};');
    expect(() => packed('/* prepared */')({ handlerEntry, extraFiles: {} }, temporary())).toThrow(/EsbuildMissing/);
  });
});

test('a module that imports the package by name shares the error classes of the runtime', () => {
  const directory = temporary();
  const handlerEntry = join(directory, 'entry.ts');
  writeFileSync(handlerEntry, THROWS);
  const output = temporary();
  writeWorkerAsset({ handlerEntry, extraFiles: {} }, output);
  expect(sharesErrors(output)).toBe(true);
});
